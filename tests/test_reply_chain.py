"""One conversation through the HTTP APIs of all five providers: who replies, reads what the one before has written."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import pytest

from emulator import Account, AccountInbox, Emulator
from emulator.mail import MESSAGES, Message
from emulator.mail.mailboxes import mailbox_at
from tests.strict_mail import strictly

_LETTER = "Grüße aus Köln, with a = sign,\n.a dot and a line of " + "many words " * 12
_FILES = {
    "report.pdf": b"%PDF-1.4\r\n\x00\xff binary \n",
    "Übersicht 2026, alle Kennzahlen und Anhänge.csv": "a;ü\r\n".encode(),
    "empty.txt": b"",
}


class Read(NamedTuple):
    """A message as a provider's API shows it."""

    id: str
    thread_id: str
    subject: str
    text: str


class Side:
    """A mailbox of one provider, used as its users do: over HTTP."""

    name = ""

    def __init__(self, emulator: Emulator) -> None:
        self.account: Account = emulator.account(self.name)
        self.box: AccountInbox = self._open()

    @property
    def address(self) -> str:
        return self.box.address

    def _open(self) -> AccountInbox:
        return self.account.mailbox("chain")

    def ask(self, method: str, path: str, **options: Any) -> Any:
        response = self.account.request(method, path, **options)
        assert response.status_code < 300, response.text
        return response.get_json()

    def newest(self) -> Read:
        raise NotImplementedError

    def threads(self) -> dict[str, int]:
        """Return how many messages there are in each thread."""
        raise NotImplementedError

    def reply(self, to: Side, text: str) -> None:
        """Reply to the newest message; `to` is who has to get it, which not every API lets one choose."""
        raise NotImplementedError


class InboxAI(Side):
    name = "inboxai"

    @property
    def messages(self) -> str:
        return f"/api/v0/inboxes/{self.box.id}/messages"

    def begin(self, to: Side, reply_to: Side, subject: str, text: str) -> None:
        mail = {"to": to.address, "reply_to": reply_to.address, "subject": subject, "text": text}
        self.ask("POST", f"{self.messages}/send", json=mail)

    def newest(self) -> Read:
        message_id = self.ask("GET", self.messages)["data"][0]["message_id"]
        found = self.ask("GET", f"{self.messages}/{message_id}")
        return Read(message_id, found["thread_id"], found["subject"], found["text"])

    def threads(self) -> dict[str, int]:
        found = self.ask("GET", f"/api/v0/inboxes/{self.box.id}/threads")["data"]
        return {each["thread_id"]: each["message_count"] for each in found}

    def reply(self, to: Side, text: str, *copies: Side) -> None:  # noqa: ARG002  # it goes to the sender
        body = {"text": text, "cc": [each.address for each in copies]}
        self.ask("POST", f"{self.messages}/{self.newest().id}/reply", json=body)

    def reply_all(self, text: str) -> None:
        self.ask("POST", f"{self.messages}/{self.newest().id}/reply-all", json={"text": text})

    def forward(self, to: Side) -> None:
        self.ask("POST", f"{self.messages}/{self.newest().id}/forward", json={"to": to.address})


class Postern(Side):
    name = "postern"

    def newest(self) -> Read:
        listed = self.ask("GET", f"/v1/inboxes/{self.address}/messages")["data"][0]
        found = self.ask("GET", f"/v1/messages/{listed['id']}")
        return Read(found["id"], found["thread_id"], found["subject"], found["text"])

    def threads(self) -> dict[str, int]:
        found = self.ask("GET", f"/v1/inboxes/{self.address}/threads")["data"]
        return {each["id"]: each["message_count"] for each in found}

    def reply(self, to: Side, text: str) -> None:  # noqa: ARG002  # it goes to Reply-To
        self.ask("POST", f"/v1/messages/{self.newest().id}/reply", json={"text": text})


class Inkbox(Side):
    name = "inkbox"

    @property
    def messages(self) -> str:
        return f"/api/v1/mail/mailboxes/{self.address}/messages"

    def send(self, to: list[str], subject: str, files: dict[str, bytes], **recipients: list[str]) -> None:
        attachments = [
            {"filename": name, "content_type": "application/pdf", "content_base64": base64.b64encode(data).decode()}
            for name, data in files.items()
        ]
        mail = {"recipients": {"to": to, **recipients}, "subject": subject, "body_text": _LETTER}
        self.ask("POST", self.messages, json={**mail, **({"attachments": attachments} if files else {})})

    def newest(self) -> Read:
        message_id = self.ask("GET", self.messages)["items"][0]["id"]
        found = self.ask("GET", f"{self.messages}/{message_id}")
        return Read(message_id, found["thread_id"], found["subject"], found["body_text"])

    def threads(self) -> dict[str, int]:
        found = self.ask("GET", f"/api/v1/mail/mailboxes/{self.address}/threads")["items"]
        return {each["id"]: each["message_count"] for each in found}

    def reply(self, to: Side, text: str) -> None:
        newest = self.newest()
        mail = {"recipients": {"to": [to.address]}, "subject": newest.subject, "body_text": text}
        self.ask("POST", self.messages, json={**mail, "in_reply_to_message_id": newest.id})


class Sendmux(Side):
    name = "sendmux"

    def _open(self) -> AccountInbox:
        found = mailbox_at(self.account.emulator.world, "agent@myagent.mx")
        assert found is not None
        return AccountInbox(self.account.emulator, found)

    def ask(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.account.credentials['mailbox_key']}"}
        return super().ask(method, f"/api/v1/mailbox{path}", headers=headers, **options)["data"]

    def newest(self) -> Read:
        found = self._whole()
        return Read(found["id"], found["thread_id"], found["subject"], found["text_body"])

    def threads(self) -> dict[str, int]:
        return {each["id"]: each["message_count"] for each in self.ask("GET", "/threads")}

    def reply(self, to: Side, text: str, reply_to: Side | None = None) -> None:
        """Send in the thread: this API has no reply, its users write the headers themselves."""
        found = self._whole()
        mail = {
            "to": [{"email": to.address, "name": None}],
            "subject": found["subject"],
            "text_body": text,
            "custom_headers": {
                "In-Reply-To": found["message_id"][0],
                "References": " ".join([*found["references"], found["message_id"][0]]),
            },
        }
        more = {} if reply_to is None else {"reply_to": [{"email": reply_to.address, "name": None}]}
        self.ask("POST", "/messages/send", json={**mail, **more})

    def files(self) -> dict[str, bytes]:
        found = self._whole()
        path = f"/api/v1/mailbox/messages/{found['id']}/attachments"
        headers = {"Authorization": f"Bearer {self.account.credentials['mailbox_key']}"}
        return {
            each["filename"]: self.account.request("GET", f"{path}/{each['id']}", headers=headers).data
            for each in found["attachments"]
        }

    def _whole(self) -> Any:
        return self.ask("GET", f"/messages/{self.ask('GET', '/messages')[0]['id']}")


class Myagentmail(Side):
    name = "myagentmail"

    @property
    def inbox(self) -> str:
        return f"/v1/inboxes/{self.box.id}"

    def newest(self) -> Read:
        found = self.ask("GET", f"{self.inbox}/messages")["messages"][0]
        return Read(found["id"], found["threadId"], found["subject"], found["plainBody"])

    def threads(self) -> dict[str, int]:
        ids = {each["threadId"] for each in self.ask("GET", f"{self.inbox}/messages")["messages"]}
        return {each: self.ask("GET", f"{self.inbox}/threads/{each}")["messageCount"] for each in ids}

    def reply(self, to: Side, text: str) -> None:  # noqa: ARG002  # it goes to Reply-To
        self.ask("POST", f"{self.inbox}/reply/{self.newest().id}", json={"plainBody": text})

    def reply_all(self, text: str) -> None:
        self.ask("POST", f"{self.inbox}/reply-all/{self.newest().id}", json={"plainBody": text})

    def forward(self, to: Side) -> None:
        self.ask("POST", f"{self.inbox}/forward/{self.newest().id}", json={"to": to.address})

    def raw(self) -> bytes:
        found: bytes = self.account.request("GET", f"{self.inbox}/messages/{self.newest().id}/raw").data
        return found


class Ring(NamedTuple):
    """All five."""

    inboxai: InboxAI
    postern: Postern
    inkbox: Inkbox
    sendmux: Sendmux
    myagentmail: Myagentmail


@pytest.fixture
def ring(emulator: Emulator) -> Iterator[Ring]:
    """Give a mailbox of each provider; whatever a test made of its mail has to be readable without any mercy."""
    sides = Ring(InboxAI(emulator), Postern(emulator), Inkbox(emulator), Sendmux(emulator), Myagentmail(emulator))
    yield sides
    copies = list(emulator.world.store.everything(MESSAGES))
    assert copies
    for copy in copies:
        strictly(copy.mail.raw)


def _copies(emulator: Emulator, side: Side, direction: str = "inbound") -> list[Message]:
    return list(emulator.world.store.each(MESSAGES, "timeline", (side.box.id, direction)))


def _sent(emulator: Emulator) -> list[Message]:
    """Return what all five sent, in order."""
    every = emulator.world.store.everything(MESSAGES)
    return sorted((each for each in every if each.direction == "outbound"), key=lambda each: each.arrival)


def _quoted(by: Side, earlier: str) -> str:
    return f"{by.name} says {_LETTER}\n\n" + "\n".join(f"> {line}".rstrip() for line in earlier.split("\n"))


def _once_around(ring: Ring) -> None:
    """Let a mail go around: each replies to whoever is next; where the API leaves no choice, Reply-To has led here."""
    ring.inboxai.begin(ring.postern, reply_to=ring.inkbox, subject="Ünïcode round", text=_LETTER)
    ring.postern.reply(ring.inkbox, _quoted(ring.postern, ring.postern.newest().text))
    ring.inkbox.reply(ring.sendmux, _quoted(ring.inkbox, ring.inkbox.newest().text))
    text = _quoted(ring.sendmux, ring.sendmux.newest().text)
    ring.sendmux.reply(ring.myagentmail, text, reply_to=ring.inboxai)
    ring.myagentmail.reply(ring.inboxai, _quoted(ring.myagentmail, ring.myagentmail.newest().text))
    last = _quoted(ring.inboxai, ring.inboxai.newest().text)
    ring.inboxai.reply(ring.myagentmail, last, ring.postern, ring.inkbox, ring.sendmux)


def test_each_gets_what_the_one_before_has_sent(emulator: Emulator, ring: Ring) -> None:
    _once_around(ring)
    envelopes = [(each.sender, each.recipients) for each in _sent(emulator)]
    path = [ring.inboxai, ring.postern, ring.inkbox, ring.sendmux, ring.myagentmail, ring.inboxai]
    assert envelopes[:-1] == [(one.address, (following.address,)) for one, following in pairwise(path)]
    others = (ring.myagentmail, ring.postern, ring.inkbox, ring.sendmux)
    assert envelopes[-1] == (ring.inboxai.address, tuple(each.address for each in others))


def test_the_conversation_is_one_thread_on_every_side(ring: Ring) -> None:
    _once_around(ring)
    counts = {side.name: list(side.threads().values()) for side in ring}
    # Sent, received, and the last one to all; who began has sent two and received one.
    assert counts == {"inboxai": [3], "postern": [3], "inkbox": [3], "sendmux": [3], "myagentmail": [3]}
    for side in ring:
        assert list(side.threads()) == [side.newest().thread_id]


def test_the_references_of_each_reply_are_complete(emulator: Emulator, ring: Ring) -> None:
    _once_around(ring)
    sent = _sent(emulator)
    ids = [each.mail.message_id for each in sent]
    assert len(set(ids)) == 6
    for number, each in enumerate(sent):
        assert each.mail.references == ids[:number]
        assert each.mail.in_reply_to == (ids[number - 1] if number else None)


def test_the_subject_gets_one_re_at_most(emulator: Emulator, ring: Ring) -> None:
    _once_around(ring)
    assert [each.mail.subject for each in _sent(emulator)] == ["Ünïcode round", *["Re: Ünïcode round"] * 5]


def test_everybody_reads_all_that_was_quoted_letter_by_letter(ring: Ring) -> None:
    _once_around(ring)
    expected = _LETTER
    for side in (ring.postern, ring.inkbox, ring.sendmux, ring.myagentmail, ring.inboxai):
        expected = _quoted(side, expected)
    assert {side.name: side.newest().text == expected for side in ring} == {side.name: True for side in ring}


def test_every_copy_is_the_mail_as_it_was_sent_below_its_trace(emulator: Emulator, ring: Ring) -> None:
    _once_around(ring)
    sent = {each.mail.message_id: each.mail.raw for each in _sent(emulator)}
    copies = [copy for side in ring for copy in _copies(emulator, side)]
    assert len(copies) == 9
    for copy in copies:
        read = strictly(copy.mail.raw)
        assert copy.mail.raw.endswith(b"\r\n" + sent[copy.mail.message_id])
        assert [len(read.get_all(name) or []) for name in ("Return-Path", "Received", "DKIM-Signature")] == [1, 1, 1]
    assert ring.myagentmail.raw() == _copies(emulator, ring.myagentmail)[-1].mail.raw


# Replies to all, and forwards


@pytest.mark.parametrize(
    ("name", "to", "cc"),
    [
        # inboxai keeps the old Cc, myagentmail writes to From and To alone.
        ("inboxai", ("inkbox", "myagentmail", "sendmux"), ("postern",)),
        ("myagentmail", ("inkbox", "inboxai", "sendmux"), ()),
    ],
)
def test_a_reply_to_all_goes_to_everybody_but_oneself(
    emulator: Emulator, ring: Ring, name: str, to: tuple[str, ...], cc: tuple[str, ...]
) -> None:
    address = {side.name: side.address for side in ring}
    everybody = [address["inboxai"].upper(), address["myagentmail"], address["sendmux"]]
    ring.inkbox.send(everybody, "To all", {}, cc=[address["postern"]], bcc=["hidden@example.com"])
    side = ring.inboxai if name == "inboxai" else ring.myagentmail
    side.reply_all("Agreed")
    mail = _copies(emulator, side, "outbound")[-1].mail
    normal = [each.lower() for each in mail.bare_addresses("to")], [each.lower() for each in mail.bare_addresses("cc")]
    assert normal == ([address[each] for each in to], [address[each] for each in cc])
    assert [list(each.threads().values()) for each in (ring.inkbox, ring.sendmux)] == [[2], [2]]
    assert "hidden@example.com" not in str(_copies(emulator, ring.sendmux)[-1].mail.headers)


def test_a_forward_takes_the_attachments_along_byte_for_byte(emulator: Emulator, ring: Ring) -> None:
    ring.inkbox.send([ring.inboxai.address], "Numbers", _FILES)
    ring.inboxai.forward(ring.myagentmail)
    ring.myagentmail.forward(ring.sendmux)
    assert ring.sendmux.files() == _FILES
    read = strictly(_copies(emulator, ring.sendmux)[-1].mail.raw)
    assert {part.get_filename(): part.get_content() for part in read.iter_attachments()} == _FILES
    newest = ring.sendmux.newest()
    assert newest.subject == "Fwd: Numbers"
    assert newest.text.count("---------- Forwarded message ----------") == 2
    assert _LETTER in newest.text


def test_a_forward_is_a_conversation_of_its_own(ring: Ring) -> None:
    ring.inkbox.send([ring.inboxai.address], "Numbers", _FILES)
    ring.inboxai.forward(ring.myagentmail)
    ring.myagentmail.forward(ring.inboxai)
    assert sorted(ring.inboxai.threads().values()) == [1, 1, 1]
    assert sorted(ring.myagentmail.threads().values()) == [1, 1]


def test_a_report_about_a_reply_that_bounced_is_in_the_conversation(emulator: Emulator, ring: Ring) -> None:
    emulator.fault("mail", provider="postern", recipient=ring.inkbox.address, fate="bounce")
    ring.inboxai.begin(ring.postern, reply_to=ring.inkbox, subject="Round", text=_LETTER)
    ring.postern.reply(ring.inkbox, "On its way")
    assert list(ring.postern.threads().values()) == [3]
    assert ring.postern.newest().subject == "Undelivered Mail Returned to Sender"
    assert _copies(emulator, ring.inkbox) == []
