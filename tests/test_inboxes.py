"""Addresses as a test holds them: waiting, near misses, people outside, codes and links."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
import trio

from emulator import Account, Emulator, Person


@pytest.fixture
def jane(emulator: Emulator) -> Person:
    return emulator.person("jane@example.com")


def test_each_mail_is_returned_once_oldest_first(inkbox: Account) -> None:
    box = inkbox.mailbox("bot")
    for subject in ("Code 1", "News", "Code 2"):
        box.receive(subject)
    assert [box.wait_for(subject="code").subject for _ in range(2)] == ["Code 1", "Code 2"]
    assert box.wait_for().subject == "News"
    with pytest.raises(AssertionError, match="it was returned before"):
        box.wait_for(subject="news", timeout=0)


def test_what_does_not_match_is_explained(emulator: Emulator, inkbox: Account) -> None:
    box, other = inkbox.mailbox("bot"), inkbox.mailbox("other")
    box.receive("Welcome", "Hello", sender="shop@acme.test")
    other.receive("Your code", "It is 123456.", sender="auth@acme.test")
    inkbox.request("GET", "/api/whoami", query_string={"verbose": "1"})
    with pytest.raises(AssertionError) as failed:
        box.wait_for(subject="code", from_="auth@", matches=re.compile(r"\d{6}"), timeout=0)
    assert str(failed.value) == (
        r"no mail with to='bot@inkboxmail.com', from_='auth@', subject='code', matches='\\d{6}' within 0 s"
        "\nWhat arrived:\n"
        "  to bot@inkboxmail.com from shop@acme.test: 'Welcome': 'auth@' is not in its sender, 'code' is not in its "
        r"subject, '\\d{6}' does not match"
        "\n"
        "  to other@inkboxmail.com from auth@acme.test: 'Your code': it is not to bot@inkboxmail.com\n"
        "The last API calls:\n"
        "  GET inkbox /api/whoami?verbose=1 200 whoami\n"
        "Seed '0'; it starts the same with @pytest.mark.emulator(seed='0')"
    )
    assert emulator.sent == []


def test_what_is_planned_is_told(emulator: Emulator, inkbox: Account, jane: Person) -> None:
    box = inkbox.mailbox("bot")
    emulator.fault("mail", recipient=box.address, fate="delay", seconds=90)
    assert jane.send(box, "Late") == []
    with pytest.raises(
        AssertionError, match=r'planned for 2026-01-01T12:01:30\.000Z: emulator\.advance\("90s"\) does it'
    ):
        box.wait_for()
    emulator.advance("90s")
    assert box.wait_for().subject == "Late"


def test_functions_and_texts_match(inkbox: Account) -> None:
    box = inkbox.mailbox("bot")
    box.receive("One", "apples")
    box.receive("Two", html="<b>Pears</b>")
    assert box.wait_for(text="PEARS").subject == "Two"

    def is_fruit(mail: Any) -> bool:
        return "apples" in mail.text

    assert box.wait_for(matches=is_fruit).subject == "One"
    with pytest.raises(AssertionError, match="is_fruit does not match"):
        inkbox.mailbox("other").wait_for(matches=is_fruit, timeout=0)


def test_codes_and_links_are_found(inkbox: Account) -> None:
    mail = inkbox.mailbox("bot").receive(
        "Confirm your address",
        "Your verification code is 482913.\n\nOr confirm here: https://acme.test/verify?token=a1b2c3d4e5f6\n\n"
        "Read our terms: https://acme.test/terms\n",
    )
    assert mail.otp == "482913"
    assert mail.link == "https://acme.test/verify?token=a1b2c3d4e5f6"
    assert mail.links == ["https://acme.test/verify?token=a1b2c3d4e5f6", "https://acme.test/terms"]


def test_somebody_outside_writes_and_gets_an_answer(inkbox: Account, jane: Person) -> None:
    box = inkbox.mailbox("support")
    asked, _ = jane.send(box, "It broke", "Help!", cc=["boss@example.com"])
    listed: Any = inkbox.request("GET", f"/api/v1/mail/mailboxes/{box.address}/messages").json
    answer = {
        "recipients": {"to": [jane.address]},
        "subject": "Re: It broke",
        "body_text": "Fixed.",
        "in_reply_to_message_id": listed["items"][0]["message_id"],
    }
    jane_answered = inkbox.request("POST", f"/api/v1/mail/mailboxes/{box.address}/messages", json=answer)
    assert jane_answered.status_code == 201
    reply = jane.wait_for_reply(asked)
    assert (reply.subject, reply.text.strip()) == ("Re: It broke", "Fixed.")
    jane.reply(reply, "Thank you")
    assert box.wait_for_reply(reply).subject == "Re: It broke"
    with pytest.raises(AssertionError, match="it is no reply to that mail"):
        box.wait_for_reply(asked, timeout=0)


def test_nothing_is_waited_for_where_nobody_can_bring_it(emulator: Emulator) -> None:
    assert emulator.patience(30) in (0, 30)  # another test's thread may still run
    emulator.serve()
    assert emulator.patience(30) == 30


@pytest.mark.parametrize("run", [asyncio.run, trio.run])
def test_waiting_does_not_hold_the_loop(emulator: Emulator, inkbox: Account, run: Any) -> None:
    box = inkbox.mailbox("bot")

    async def in_asyncio() -> str:
        waiting = asyncio.create_task(box.wait_for_async(subject="late", timeout=30))
        await asyncio.sleep(0)
        box.receive("Late")
        return (await waiting).subject

    async def in_trio() -> str:
        found: list[str] = []

        async def wait() -> None:
            found.append((await box.wait_for_async(subject="late", timeout=30)).subject)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.sleep(0)
            box.receive("Late")
        return found[0]

    assert (asyncio.run(in_asyncio()) if run is asyncio.run else trio.run(in_trio)) == "Late"
    assert emulator.mail(subject="late")


def test_an_absence_is_stated_of_one_address(emulator: Emulator, inkbox: Account) -> None:
    box = inkbox.mailbox("bot")
    emulator.fault("mail", recipient="*@inkboxmail.com", fate="delay", seconds=600, times=None)
    inkbox.mailbox("other").emulator.receive("other@inkboxmail.com", "For the other")
    box.expect_none(within="1d")
    emulator.receive(box.address, "After all")
    with pytest.raises(
        AssertionError, match=r"no mail with to='bot@inkboxmail.com' was expected, but this came\n  to bot@"
    ):
        box.expect_none(within="1d")


def test_a_refused_mail_says_so(inkbox: Account) -> None:
    box = inkbox.mailbox("bot")
    inkbox.request("DELETE", f"/api/v1/mail/mailboxes/{box.address}")
    with pytest.raises(AssertionError, match="did not arrive"):
        box.receive("Hello")


def test_requests_can_be_looked_at(emulator: Emulator, inkbox: Account) -> None:
    inkbox.request("POST", "/api/v1/identities", json={"agent_handle": "bot"})
    inkbox.request("GET", "/api/v1/nothing")
    made, lost = emulator.requests
    assert (made.operation, made.status, made.body) == ("create_identity", 201, {"agent_handle": "bot"})
    assert made.answer["agent_handle"] == "bot"
    assert inkbox.api_key not in repr(made.headers)
    assert (repr(lost), lost.operation) == ("<GET inkbox /api/v1/nothing 404>", None)


def test_things_say_what_they_are(emulator: Emulator, inkbox: Account, jane: Person) -> None:
    box = inkbox.mailbox("bot")
    mail = box.receive("Hello", sender="jane@example.com")
    assert list(map(repr, (emulator, inkbox, box, jane, mail))) == [
        "<Emulator seed='0', 2026-01-01 12:00:00, 1 entries>",
        "<Account inkbox at https://inkbox.ai>",
        "<AccountInbox bot@inkboxmail.com, 1 mails>",
        "<Person jane@example.com, 0 mails>",
        "<Mail to bot@inkboxmail.com from jane@example.com: 'Hello'>",
    ]
    assert repr(mail.mail).startswith("<Mail 'Hello' from 'jane@example.com', ")
