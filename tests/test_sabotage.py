"""The contract run is worth something: it fails when a field, a status or a rule is broken on purpose."""

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


_STATUS = """
    from emulator.servers.http import app
    plain = app._pipeline
    def pipeline(provider, operation, view):
        if operation.id != "{operation}":
            return plain(provider, operation, view)
        return plain(provider, operation, lambda call, **path: view(call, **path)._replace(status={status}))
    app._pipeline = pipeline
"""

_SABOTAGE = {
    "inkbox field": _Broken(
        "inkbox",
        "create_mailbox",
        "mailbox",
        """
        from emulator.providers.inkbox import wire
        whole = wire.mailbox
        wire.mailbox = lambda *given: {key: value for key, value in whole(*given).items() if key != "status"}
        """,
        'answered 201 against its contract: "status" is a required property',
    ),
    "inkbox status": _Broken(
        "inkbox",
        "create_mailbox",
        "mailbox",
        _STATUS.format(operation="create_mailbox", status=200),
        "answered the undocumented status 200",
    ),
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
    "inboxai field": _Broken(
        "inboxai",
        "create_inbox",
        "inbox_has_the_documented_fields",
        """
        from emulator.providers.inboxai import wire
        whole = wire.inbox
        wire.inbox = lambda *given: {key: value for key, value in whole(*given).items() if key != "client_id"}
        """,
        'answered 201 against its contract: "client_id" is a required property',
    ),
    "inboxai status": _Broken(
        "inboxai",
        "send_message",
        "sending_answers",
        _STATUS.format(operation="send_message", status=202),
        "answered the undocumented status 202",
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
    "postern field": _Broken(
        "postern",
        "create_inbox",
        "has_the_documented_fields",
        """
        from emulator.providers.postern import wire
        whole = wire.new_inbox
        wire.new_inbox = lambda *given: {key: value for key, value in whole(*given).items() if key != "domain"}
        """,
        'answered 201 against its contract: "domain" is a required property',
    ),
    "postern status": _Broken(
        "postern",
        "send_message",
        "a_send_is_queued",
        _STATUS.format(operation="send_message", status=200),
        "answered the undocumented status 200",
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
