"""A world in which a lot has happened, for the tests in a browser and the screenshots."""

from __future__ import annotations

from urllib.parse import quote

from emulator import Account, Emulator
from emulator.mail.overview import open_mailboxes

_WELCOME = """
<h1 style="color:#0b5aa3;font-size:22px">Welcome to Acme</h1>
<p>Your verification code is <b style="font-size:20px;letter-spacing:2px">481 516</b>. It expires in 10 minutes.</p>
<p><a href="https://acme.test/verify?token=a1B2c3D4e5F6g7H8" style="background:#0b5aa3;color:#ffffff;padding:8px 14px">
Verify your address</a></p>
<img src="https://tracker.test/open.gif" alt="">
"""


def lively(emulator: Emulator) -> None:
    """Fill a world: mailboxes of all providers, mail in and out, a thread, webhooks, a fault, a wrong request."""
    inkbox, postern = emulator.account("inkbox"), emulator.account("postern")
    support, scout = inkbox.mailbox("support"), postern.mailbox("scout")
    for name in ("inboxai", "myagentmail", "sendmux"):
        emulator.account(name).mailbox("planner")
    answers = iter([500, 200])
    emulator.receive_webhooks("https://agent.example/hook", lambda _: next(answers, 200))
    hook = {"url": "https://agent.example/hook", "events": ["message.received"]}
    postern.request("POST", "/v1/webhooks", json=hook)
    emulator.receive(support.address, "Your verification code", "Your verification code is 481 516.", html=_WELCOME)
    emulator.receive(scout.address, "Is anybody there?", "Hello scout.", sender="jane@example.com")
    emulator.advance("10m")
    _talk(inkbox, support.address, scout.address)
    emulator.receive(support.address, "Invoice 2026-17", "Attached.", attachments={"invoice.pdf": b"%PDF-1.7"})
    inkbox.request("GET", "/api/v1/mail/mailboxs")
    emulator.fail("inkbox", "whoami", 429)
    emulator.fault("mail", recipient="*@slow.test", fate="defer", times=None)
    inkbox.request("GET", "/api/whoami")


def _talk(inkbox: Account, sender: str, receiver: str) -> None:
    path = f"/api/v1/mail/mailboxes/{sender}/messages"
    for recipients, subject in (
        ([receiver], "Shall we meet?"),
        (["jane@example.com"], "Re: Help"),
        (["soft-bounce@simulator.test"], "Offer"),
    ):
        mail = {"recipients": {"to": recipients}, "subject": subject, "body_text": "As we said."}
        inkbox.request("POST", path, json=mail)


def places(emulator: Emulator) -> dict[str, str]:
    """Return the path of one page of every kind in a lively world."""
    [code] = emulator.mail(subject="Your verification code")
    talk = emulator.mail(subject="Shall we meet?")[0]
    [wrong] = [entry["n"] for entry in emulator.journal("http") if entry["status"] == 404]
    [tried] = [one.id for one in emulator.webhooks if len(one.attempts) == 2]
    box = next(one.id for one in open_mailboxes(emulator.world) if one.address == code.to)
    return {
        "mailboxes": "/",
        "mailbox": f"/ui/mailbox?id={box}",
        "mail": f"/ui/mail?id={code.message_id}",
        "text": f"/ui/mail?id={code.message_id}&view=text",
        "headers": f"/ui/mail?id={code.message_id}&view=headers",
        "source": f"/ui/mail?id={code.message_id}&view=source",
        "thread": f"/ui/mail?id={talk.message_id}&view=thread",
        "outside": "/ui/outside",
        "journal": "/ui/journal",
        "request": f"/ui/entry?n={wrong}",
        "webhooks": "/ui/webhooks",
        "webhook": f"/ui/webhook?id={quote(tried)}",
        "clock": "/ui/clock",
        "faults": "/ui/faults",
        "coverage": "/ui/coverage?provider=postern",
    }
