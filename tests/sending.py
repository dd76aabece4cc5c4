"""Send a mail through the API of any provider."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from emulator import Account, AccountInbox
from emulator.providers.sendmux.keys import KEYS


def send_by_api(account: Account, mailbox: AccountInbox, to: str) -> TestResponse:
    """Send a mail with the subject "Hi" from a mailbox, as its provider documents it."""
    path, body = _request(account.provider.name, mailbox, to)
    return account.request("POST", path, json=body, headers=mailbox_key(account, mailbox))


def mailbox_key(account: Account, mailbox: AccountInbox) -> dict[str, str]:
    """Return the headers of a client that acts for a mailbox, where the account's own key cannot: at Sendmux."""
    if account.provider.name != "sendmux":
        return {}
    key = next(account.emulator.world.store.each(KEYS, "active", mailbox.id))
    return {"Authorization": f"Bearer {key.secret}"}


def _request(provider: str, mailbox: AccountInbox, to: str) -> tuple[str, dict[str, Any]]:
    if provider == "inkbox":
        mail = {"recipients": {"to": [to]}, "subject": "Hi", "body_text": "Hello"}
        return f"/api/v1/mail/mailboxes/{mailbox.address}/messages", mail
    if provider == "postern":
        return f"/v1/inboxes/{mailbox.address}/send", {"to": to, "subject": "Hi", "text": "Hello"}
    if provider == "inboxai":
        return f"/api/v0/inboxes/{mailbox.id}/messages/send", {"to": to, "subject": "Hi", "text": "Hello"}
    if provider == "myagentmail":
        body = {"to": to, "subject": "Hi", "plainBody": "Hello", "verified": True}
        return f"/v1/inboxes/{mailbox.id}/send", body
    return "/api/v1/mailbox/messages/send", {
        "to": [{"email": to, "name": "You"}],
        "subject": "Hi",
        "text_body": "Hello",
        "html_body": "<p>Hello</p>",
    }
