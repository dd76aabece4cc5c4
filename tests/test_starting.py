"""Worlds to start from: plans, functions, files, snapshots, believable mail."""

from __future__ import annotations

import json
import pickle
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulator import Account, Emulator, snapshots
from emulator.believable import believable
from emulator.starting import PlanError

_BOX = "support@inkboxmail.com"
_PLAN: Mapping[str, Any] = {
    "mailboxes": [{"provider": "inkbox", "name": "support"}, {"provider": "postern", "name": "pat"}],
    "mail": [
        {"from": _BOX, "to": "jane@example.com", "subject": "Re: Help", "ago": "1d", "reply_to": "first"},
        {
            "id": "first",
            "from": "jane@example.com",
            "to": _BOX,
            "subject": "Help",
            "text": "It broke.",
            "ago": "2d",
            "read": True,
        },
        {
            "to": _BOX,
            "subject": "Files",
            "at": "2025-12-31T08:00:00Z",
            "attachments": [{"filename": "a.txt", "text": "Hi"}],
        },
    ],
    "settings": {"postern": {"daily_cap": 3}},
    "faults": [{"effect": "respond", "provider": "inkbox", "operation": "whoami", "status": 429}],
}


def _messages(account: Account) -> list[dict[str, Any]]:
    listed: Any = account.request("GET", f"/api/v1/mail/mailboxes/{_BOX}/messages").json
    items: list[dict[str, Any]] = listed["items"]
    return items


@pytest.mark.emulator(world=_PLAN)
def test_a_world_starts_with_a_plan(emulator: Emulator, inkbox: Account) -> None:
    found = [
        (item["subject"], item["direction"], item["is_read"], item["created_at"][:10]) for item in _messages(inkbox)
    ]
    assert found == [
        ("Re: Help", "outbound", False, "2025-12-31"),
        ("Files", "inbound", False, "2025-12-31"),
        ("Help", "inbound", True, "2025-12-30"),
    ]
    assert _messages(inkbox)[0]["thread_id"] == _messages(inkbox)[2]["thread_id"]
    [answered] = emulator.sent
    assert answered.mail.references == [emulator.mail(subject="Help")[0].mail.message_id]
    assert emulator.world.now() == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert inkbox.request("GET", "/api/whoami").status_code == 429


def _build(emulator: Emulator) -> None:
    emulator.account("inkbox").mailbox("support").receive("Built")


@pytest.mark.parametrize("round_", range(2))
@pytest.mark.emulator(world=_build)
def test_a_world_starts_with_what_a_function_did(emulator: Emulator, inkbox: Account, round_: int) -> None:
    assert [item["subject"] for item in _messages(inkbox)] == ["Built"], round_
    emulator.receive(_BOX, "Only here")
    emulator.reset()
    assert [mail.subject for mail in emulator.mail()] == ["Built"]


def test_a_world_starts_with_a_file(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_text(json.dumps(_PLAN))
    with Emulator(world=path) as emulator, Emulator(world=str(path)) as other:
        emulator.receive(_BOX, "Only here")
        assert len(emulator.mail(to=_BOX)) == len(other.mail(to=_BOX)) + 1 == 3
    path.write_text(json.dumps({"mail": []}))
    with Emulator(world=path) as changed:
        assert changed.mail() == []


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"mails": []}, "'mails' was unexpected"),
        ({"mail": [{"subject": "x"}]}, 'the world.mail[0]: "to" is a required property'),
        ({"mailboxes": [{"provider": "inkbx"}]}, "no provider 'inkbx'; did you mean 'inkbox'?"),
        ({"mailboxes": [{"provider": "inkbox", "name": "a"}] * 2}, "taken"),
        ({"mail": [{"to": "nobody"}]}, "mail '': 'nobody' is no address"),
        ({"mail": [{"to": "a@b.test", "reply_to": "x"}]}, "reply_to 'x' is the id of no earlier mail"),
        ({"mail": [{"to": "a@b.test", "at": "2027-01-01"}]}, "is from the future: 2027-01-01T00:00:00Z"),
        ({"mail": [{"to": "a@b.test", "ago": "soon"}]}, "not a duration: 'soon'"),
        ({"settings": {"postern": {"dayly_cap": 1}}}, "postern has no setting 'dayly_cap'"),
        ({"revisions": {"inkbox": "never"}}, "inkbox has no revision 'never'"),
        ({"faults": [_PLAN["faults"][0], {"effect": "respond", "status": 99}]}, "status"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_whole(emulator: Emulator, plan: dict[str, Any], message: str) -> None:
    before = emulator.world.store.root
    with pytest.raises(PlanError) as refused:
        emulator.fill({"mailboxes": [{"provider": "sendmux", "name": "first"}], **plan})
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert emulator.world.store.root is before
    assert list(emulator.world.faults) == []


def test_a_file_that_is_no_plan_is_refused(tmp_path: Path) -> None:
    for content in ("", "[]", "{"):
        path = tmp_path / "world.json"
        path.write_text(content)
        with pytest.raises(ValueError, match=r"world\.json"):
            Emulator(world=path)
    with pytest.raises(PlanError, match="No such file"):
        Emulator(world=tmp_path / "nothing.json")


# Snapshots


def _day(emulator: Emulator) -> None:
    """Have something in every corner of a world."""
    emulator.fill({"mailboxes": _PLAN["mailboxes"], "mail": _PLAN["mail"]})
    for name in ("sendmux", "myagentmail", "inboxai"):
        box = emulator.account(name).mailbox("bot")
        box.receive("Grüße ✓", "Hi", html="<p>Hi</p>", attachments={"a.bin": b"\0\1"})
    emulator.fault("mail", recipient="late@example.com", fate="delay", seconds=60)
    body = {"recipients": {"to": ["soft-bounce@simulator.test", "late@example.com"]}, "subject": "Offer"}
    emulator.account("inkbox").request("POST", f"/api/v1/mail/mailboxes/{_BOX}/messages", json=body)


def test_a_snapshot_survives_a_file(tmp_path: Path) -> None:
    with Emulator("7") as emulator:
        _day(emulator)
        emulator.save(tmp_path / "state")
        with Emulator(world=tmp_path / "state") as again:
            assert again.seed == "7"
            for each in (emulator, again):
                each.advance("2h")
                each.receive(_BOX, "Afterwards")
            assert [mail.as_json() for mail in again.mail()] == [mail.as_json() for mail in emulator.mail()]
            assert _messages(again.account("inkbox")) == _messages(emulator.account("inkbox"))
            assert [mail.recipient for mail in again.sent] == [mail.recipient for mail in emulator.sent]


class _Evil:
    def __reduce__(self) -> Any:
        return print, ("executed",)


def test_what_is_no_snapshot_is_refused(emulator: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    head, _, packed = snapshots.dump(emulator.world).partition(b"\n")
    newer = json.dumps({**json.loads(head), "version": 2}).encode()
    bad = {
        b"": "no snapshot",
        b"{}\n": "no snapshot",
        newer + b"\n" + packed: "format 2",
        head + b"\n" + packed[:20]: "cannot be read",
        head + b"\n" + zlib.compress(b"nonsense"): "cannot be read",
        head + b"\n" + zlib.compress(pickle.dumps(_Evil())): "builtins.print, which is no data",
    }
    for data, message in bad.items():
        with pytest.raises(snapshots.SnapshotError, match=message):
            snapshots.load(data)
    assert capsys.readouterr().out == ""


def test_a_snapshot_names_no_function_of_ours() -> None:
    for name in ("fetch", "Fetched.__doc__"):
        loader = snapshots._Reader(__import__("io").BytesIO())
        with pytest.raises((snapshots.SnapshotError, AttributeError)):
            loader.find_class("emulator.fetching", name)


# Believable mail


def test_believable_mail_is_the_same_for_the_same_seed() -> None:
    plan = believable("1", messages=40)
    assert plan == believable("1", messages=40) != believable("2", messages=40)
    with Emulator(world=plan) as emulator:
        assert len(emulator.mail()) == 40
        assert {mail.provider for mail in emulator.mail()} > {"inkbox", "postern"}
        assert any(mail.otp for mail in emulator.mail())
