"""The differences that are accepted, in a file: `{"accepted": [{"id": ..., "what": ..., "why": ...}]}`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def accepted(path: Path | None) -> dict[str, str]:
    """Return the ids of accepted findings with the reason; ValueError says what is wrong with the file."""
    if path is None or not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text("utf-8"))["accepted"]
        return {str(entry["id"]): str(entry.get("why", "")) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no baseline: {error}") from None


def accept(path: Path, report: dict[str, Any]) -> None:
    """Write every difference of a report into a baseline, with the reasons that it had already."""
    known = accepted(path) if path.exists() else {}
    found = sorted(report["findings"], key=lambda finding: (finding["operation"], finding["id"]))
    entries = [{"id": one["id"], "what": one["text"], "why": known.get(one["id"], "")} for one in found]
    path.write_text(json.dumps({"accepted": entries}, indent=2, ensure_ascii=False) + "\n", "utf-8")
