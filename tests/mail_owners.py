"""Owners of mailboxes at three providers: their credentials as the API gives them, and what the API shows of mail."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from emulator import Account, Emulator
from emulator.servers import Servers


class Shown(NamedTuple):
    """A message as an API shows it; what it does not show is None."""

    sent: bool
    subject: str
    recipients: list[str]
    seen: bool
    flagged: bool | None


@dataclass(frozen=True)
class Owner:
    """A mailbox with the user name, password and ports for mail programs; `listed` and `delete` ask its API."""

    emulator: Emulator
    address: str
    user: str
    password: str
    smtp: int
    imaps: int
    listed: Callable[[], list[Shown]]
    delete: Callable[[], object]

    @property
    def servers(self) -> Servers:
        return self.emulator.serve()

    def sent(self) -> list[tuple[str, list[str]]]:
        """Return the subject and the recipients of what was sent, oldest first."""
        return [(one.subject, one.recipients) for one in self.listed() if one.sent]

    def received(self) -> list[str]:
        """Return the subjects of what came in, oldest first."""
        return [one.subject for one in self.listed() if not one.sent]

    def login(self) -> smtplib.SMTP:
        """Return a client of SMTP that is logged in."""
        client = smtplib.SMTP("127.0.0.1", self.smtp, timeout=30)
        client.login(self.user, self.password)
        return client


def _ask(account: Account, method: str, path: str, key: str | None = None, **options: Any) -> Any:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    response = account.request(method, path, headers=headers, **options)
    assert response.status_code < 300, response.text
    return response.get_json()


def _myagentmail(emulator: Emulator) -> Owner:
    account = emulator.account("myagentmail")
    box = _ask(account, "POST", "/v1/inboxes", json={"username": "ann"})

    def listed() -> list[Shown]:
        items = _ask(account, "GET", f"/v1/inboxes/{box['id']}/messages")["messages"][::-1]
        return [
            Shown(item["direction"] == "outbound", item["subject"], item["to"].split(", "), item["isRead"], None)
            for item in items
        ]

    smtp, imap = box["smtp"], box["imap"]
    assert smtp["host"] == imap["host"] == "127.0.0.1"
    return Owner(
        emulator=emulator,
        address=box["email"],
        user=smtp["username"],
        password=smtp["password"],
        smtp=smtp["port"],
        imaps=imap["port"],
        listed=listed,
        delete=lambda: account.request("DELETE", f"/v1/inboxes/{box['id']}"),
    )


def _sendmux(emulator: Emulator, made: Any, login: Any, password: str, key: str) -> Owner:
    account = emulator.account("sendmux")

    def listed() -> list[Shown]:
        items = _ask(account, "GET", "/api/v1/mailbox/messages", key)["data"][::-1]
        return [
            Shown(
                "sent" in item["folder_ids"],
                item["subject"],
                [one["email"] for one in (*item["to"], *item["cc"], *item["bcc"])],
                item["flags"]["seen"],
                item["flags"]["flagged"],
            )
            for item in items
        ]

    assert login["server"] == "127.0.0.1"
    return Owner(
        emulator=emulator,
        address=made["mailbox"]["email"],
        user=login["username"],
        password=password,
        smtp=login["smtp_port"],
        imaps=login["imap_port"],
        listed=listed,
        delete=lambda: account.request("DELETE", f"/api/v1/mailboxes/{made['mailbox']['id']}"),
    )


def _sendmux_at_first(emulator: Emulator) -> Owner:
    made = _ask(emulator.account("sendmux"), "POST", "/api/v1/mailboxes", json={"email": "bob@myagent.mx"})["data"]
    login = made["imap_smtp_credentials"]
    return _sendmux(emulator, made, login, login["password"], made["api_key"]["key"])


def _sendmux_now(emulator: Emulator) -> Owner:
    account = emulator.account("sendmux")
    account.use_revision("current")
    made = _ask(account, "POST", "/api/v1/mailboxes", json={"email": "bob@myagent.mx"})["data"]
    secret = made["credential"]["secret"]
    return _sendmux(emulator, made, made["credential"], secret, secret)


def _inkbox_at_first(emulator: Emulator) -> Owner:
    account = emulator.account("inkbox")
    _ask(account, "POST", "/api/v1/identities", json={"agent_handle": "cleo"})
    _ask(account, "POST", "/api/v1/mail/mailboxes", json={"agent_handle": "cleo", "email_local_part": "cleo"})
    return _inkbox(emulator, account.api_key, "/api/v1/mail/mailboxes/cleo")


def _inkbox_now(emulator: Emulator) -> Owner:
    account = emulator.account("inkbox")
    account.use_revision("current")
    made = _ask(account, "POST", "/api/v1/identities", json={"agent_handle": "cleo"})
    key = _ask(account, "POST", "/api/v1/api-keys", json={"label": "Mail", "scoped_identity_id": made["id"]})
    return _inkbox(emulator, key["api_key"], "/api/v1/identities/cleo")


def _inkbox(emulator: Emulator, password: str, resource: str) -> Owner:
    """Return the owner of cleo's mailbox; deleting `resource` deletes it."""
    account, address = emulator.account("inkbox"), "cleo@inkboxmail.com"

    def listed() -> list[Shown]:
        items = _ask(account, "GET", f"/api/v1/mail/mailboxes/{address}/messages")["items"][::-1]
        return [
            Shown(
                item["direction"] == "outbound",
                item["subject"],
                item["to_addresses"] + (item["cc_addresses"] or []),
                item["is_read"],
                item["is_starred"],
            )
            for item in items
        ]

    servers = emulator.serve()
    return Owner(
        emulator=emulator,
        address=address,
        user=address,
        password=password,
        smtp=servers.smtp.port,
        imaps=servers.imaps.port,
        listed=listed,
        delete=lambda: account.request("DELETE", resource),
    )


OWNERS: Final[dict[str, Callable[[Emulator], Owner]]] = {
    "myagentmail": _myagentmail,
    "sendmux-2026-04": _sendmux_at_first,
    "sendmux-current": _sendmux_now,
    "inkbox-2026-04": _inkbox_at_first,
    "inkbox-current": _inkbox_now,
}
"""Makes a mailbox of each kind in an emulator that is served."""
