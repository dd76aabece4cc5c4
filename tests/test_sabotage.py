"""The contract run is worth something: it fails when a field, a status or a rule is broken on purpose."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

_SABOTAGE = {
    "field": """
        from emulator.providers.inkbox import wire
        whole = wire.mailbox
        wire.mailbox = lambda *given: {key: value for key, value in whole(*given).items() if key != "status"}
    """,
    "status": """
        from emulator.servers.http import app
        plain = app._pipeline
        def pipeline(provider, operation, view):
            if operation.id != "create_mailbox":
                return plain(provider, operation, view)
            return plain(provider, operation, lambda call: view(call)._replace(status=200))
        app._pipeline = pipeline
    """,
    "rule": """
        from emulator.providers.inkbox import resources
        resources._refuse_second_mailbox = lambda identity: None
    """,
}
_EXPECTED = {
    "field": 'answered 201 against its contract: "status" is a required property',
    "status": "answered the undocumented status 200",
    "rule": "test_409_when_the_identity_already_has_a_mailbox",
}


@pytest.mark.parametrize("broken", _SABOTAGE)
def test_the_contract_run_finds_what_is_broken(broken: str, tmp_path: Path) -> None:
    lines = textwrap.dedent(_SABOTAGE[broken])
    (tmp_path / "sabotage.py").write_text(lines)
    suites = Path(__file__).parent.parent / "contract"
    chosen = ["--provider=inkbox", "--operations=create_mailbox", "-k", "mailbox"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "sabotage",
        "-p",
        "no:cacheprovider",
        "-c",
        str(suites / "suite.ini"),
    ]
    done = subprocess.run(
        [*command, "--rootdir", str(suites), str(suites), *chosen],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert _EXPECTED[broken] in done.stdout
