"""What the pytest plugin costs a test run that does not use it, against the same run without it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from time import perf_counter

from bench.measure import MILLISECONDS, Effort, Goal, Row, interleave
from bench.processes import environment

_ROUNDS = 50
_NAME = "inbox_emulator"


def run(effort: Effort) -> Iterator[Row]:
    """Measure whole pytest processes with one empty test, every other plugin switched off on both sides."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        folder.joinpath("test_nothing.py").write_text("def test_nothing():\n    pass\n")
        folder.joinpath("pytest.ini").write_text("[pytest]\n")
        samples = interleave(lambda: _run(folder), lambda: _run(folder, f"no:{_NAME}"), effort.many(_ROUNDS))
    yield Row(
        "pytest plugin, installed and not used",
        MILLISECONDS,
        *samples.middle(),
        f"-p no:{_NAME}",
        Goal("<=", 5, "ms"),
    )


def _run(folder: Path, *switches: str) -> float:
    others = [f"no:{entry.name}" for entry in entry_points(group="pytest11") if entry.name != _NAME]
    arguments = [part for switch in ("no:cacheprovider", *others, *switches) for part in ("-p", switch)]
    chosen = {name: value for name, value in environment().items() if not name.startswith("PYTEST_")}
    began = perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=folder,
        env=chosen,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return perf_counter() - began
