"""The contract run is worth something: it fails when a rule of the emulator itself is broken on purpose.

What differs on the wire only, such as a field or a status, is tried in `test_deviations.py`.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest


class _Broken(NamedTuple):
    """What is broken, the part of the suites that is run, and what they must say."""

    provider: str
    operation: str
    journeys: str
    lines: str
    expected: str
    revision: str = "seed"


_SABOTAGE = {
    "inkbox rule": _Broken(
        "inkbox",
        "create_mailbox",
        "mailbox",
        """
        from emulator.providers.inkbox import resources
        resources._refuse_second_mailbox = lambda identity: None
        """,
        "test_409_when_the_identity_already_has_a_mailbox",
    ),
    "inkbox field of today": _Broken(
        "inkbox",
        "update_thread",
        "lie_in_folders",
        """
        from emulator.providers.inkbox.current import wire
        whole = wire.thread
        wire.thread = lambda *given: {key: value for key, value in whole(*given).items() if key != "folder"}
        """,
        'answered 200 against its contract: "folder" is a required property',
        "current",
    ),
    "inboxai rule": _Broken(
        "inboxai",
        "update_message",
        "new_labels",
        """
        from emulator.providers.inboxai import messages
        plain = messages.label_message
        messages.label_message = lambda world, message, labels: plain(world, message, [*message.labels, *labels])
        """,
        "test_new_labels_take_the_place_of_the_old_ones",
    ),
    "postern rule": _Broken(
        "postern",
        "delete_inbox",
        "refund",
        """
        from dataclasses import replace
        from emulator.providers.postern import enrollment, resources
        plain = resources.delete_inbox
        def delete_inbox(world, mailbox):
            plain(world, mailbox)
            for token in list(world.store.everything(enrollment.TOKENS)):
                world.store.put(enrollment.TOKENS, replace(token, used_count=0))
        resources.delete_inbox = delete_inbox
        """,
        "test_deleting_a_mailbox_does_not_refund_the_slot",
    ),
}


@pytest.mark.parametrize("broken", _SABOTAGE)
def test_the_contract_run_finds_what_is_broken(broken: str, tmp_path: Path) -> None:
    chosen = _SABOTAGE[broken]
    (tmp_path / "sabotage.py").write_text(textwrap.dedent(chosen.lines))
    suites = Path(__file__).parent.parent / "contract"
    options = [f"--provider={chosen.provider}", f"--operations={chosen.operation}", "-k", chosen.journeys]
    if chosen.revision != "seed":
        options.append(f"--revision={chosen.revision}")
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
        [*command, "--rootdir", str(suites), str(suites), *options],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert chosen.expected in done.stdout
