"""Run the suites against one deviating provider after the other; prints what each run found, as JSON.

`python -m tests.deviation_runs PROVIDER`: a process of its own, which runs pytest once for each deviation.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from contract.links import deletion_of, items_of
from tests.deviating import Deviation
from tests.deviations import DEVIATIONS
from tests.live_provider import LiveProvider, live_provider

_SUITES = Path(__file__).parent.parent / "contract"
_UNCHANGED = "unchanged"
_OK = 200


def main(provider: str) -> None:
    """Print a JSON object: the findings of each deviation by its number, and of the provider as it should be."""
    found: dict[str, Any] = {}
    for number, deviation in _plan(provider):
        found[number] = _run(provider, deviation)
    sys.stdout.write(json.dumps(found))


def _plan(provider: str) -> Iterator[tuple[str, Deviation | None]]:
    yield _UNCHANGED, None
    for number, deviation in enumerate(DEVIATIONS):
        if deviation.provider == provider:
            yield str(number), deviation


def _run(provider: str, deviation: Deviation | None) -> dict[str, Any]:
    with live_provider() as live, TemporaryDirectory() as folder:
        live.deviate = deviation.wrapper(provider) if deviation else None
        before = _listed(live, provider)
        said = io.StringIO()
        with redirect_stdout(said):
            code = pytest.main(_arguments(live, provider, folder, deviation))
        path = Path(folder, "report.json")
        if not path.exists():
            return {"code": int(code), "said": said.getvalue()}
        report = json.loads(path.read_text("utf-8"))
        received, left = len(live.requests), _listed(live, provider) != before
    findings = [{name: one[name] for name in ("kind", "operation", "at", "text")} for one in report["findings"]]
    outcomes = [journey["outcome"] for journey in report["journeys"].values()]
    return {
        "findings": findings,
        "outcomes": outcomes,
        "requests": report["requests"],
        "received": received,
        "left": left,
    }


def _listed(live: LiveProvider, provider: str) -> list[Any]:
    """Return everything in the account that can be created and deleted."""
    account = live.emulator.account(provider)
    document, found = account.provider.document, []
    for operation in document.operations.values():
        deletion = deletion_of(document, operation)
        if "{" not in operation.path and deletion is not None:
            key = account.provider.credentials[operation.raw.get("x-credential", "api_key")]
            answer = account.request("GET", operation.path, headers=account.provider.key_headers(key))
            assert answer.status_code == _OK
            found += [deletion.parameters_of_item(item) for item in items_of(answer.get_json())]
    return found


def _arguments(live: LiveProvider, provider: str, folder: str, deviation: Deviation | None) -> list[str]:
    for name, key in live.emulator.account(provider).provider.credentials.items():
        os.environ[f"KEY_{name.upper()}"] = key
    credentials = live.emulator.account(provider).provider.credentials
    arguments = ["-p", "no:cacheprovider", "-c", str(_SUITES / "suite.ini"), "--rootdir", str(_SUITES)]
    arguments += [str(_SUITES / provider), f"--provider={provider}", f"--base-url={live.url}/{provider}"]
    arguments += [f"--key-env={name}=KEY_{name.upper()}" for name in credentials]
    arguments += ["--profile=journeys", "--rate=10000", "--patience=1", f"--report={folder}", "--allow=create_webhook"]
    return arguments + (["-k", deviation.journeys] if deviation else [])


if __name__ == "__main__":
    main(sys.argv[1])
