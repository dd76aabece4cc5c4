"""A served mailbox with a login, for the tests of IMAP."""

from __future__ import annotations

import imaplib
import socket
from typing import Any, NamedTuple

from emulator import Account, AccountInbox, Emulator
from emulator.mail.logins import add_login

PASSWORD = "secret-of-the-bot"


class Served(NamedTuple):
    """A mailbox of Inkbox, its emulator, and the port of IMAP."""

    emulator: Emulator
    account: Account
    box: AccountInbox
    port: int

    def login(self) -> imaplib.IMAP4:
        """Return a client that is logged in."""
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=30)
        client.login(self.box.address, PASSWORD)
        return client

    def opened(self, folder: str = "INBOX", *, readonly: bool = False) -> imaplib.IMAP4:
        """Return a client that has a folder open."""
        client = self.login()
        assert client.select(folder, readonly)[0] == "OK"
        return client

    def receive(self, *subjects: str, **fields: Any) -> None:
        """Let mails come in."""
        for subject in subjects:
            self.emulator.receive(self.box.address, subject, "Text", **fields)

    def api(self, method: str, path: str = "", **options: Any) -> Any:
        """Call the API below the messages of the mailbox and return its JSON."""
        answer = self.account.request(method, f"/api/v1/mail/mailboxes/{self.box.address}/messages{path}", **options)
        assert answer.status_code < 300, answer.text
        return answer.json

    def listed(self) -> list[dict[str, Any]]:
        """Return the messages as the API lists them, oldest first."""
        items: list[dict[str, Any]] = self.api("GET", "?limit=100")["items"]
        return items[::-1]

    def wire(self) -> Wire:
        """Return a bare connection after its greeting."""
        return Wire(self.port)


class Wire:
    """A bare connection: what is sent and received is seen byte for byte."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.file = self.socket.makefile("rb")
        self.greeting = self.line()

    def line(self) -> bytes:
        """Return the next line, empty at the end."""
        return self.file.readline()

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(data)

    def until(self, start: bytes) -> list[bytes]:
        """Return the lines up to the one that starts so, or up to the end."""
        lines: list[bytes] = []
        while not lines or (lines[-1] and not lines[-1].startswith(start)):
            lines.append(self.line())
        return lines

    def command(self, command: bytes) -> list[bytes]:
        """Send a command and return the lines of its answer."""
        self.send(b"t " + command + b"\r\n")
        return self.until(b"t ")

    def login(self, box: AccountInbox) -> None:
        """Log in and open the inbox."""
        assert self.command(b"LOGIN %s %s" % (box.address.encode(), PASSWORD.encode()))[-1].startswith(b"t OK")
        assert self.command(b"SELECT INBOX")[-1].startswith(b"t OK")

    def close(self) -> None:
        """Close the connection."""
        self.file.close()
        self.socket.close()


def served(emulator: Emulator, address: str = "bot") -> Served:
    """Serve an emulator and give one of its mailboxes a login."""
    account = emulator.account("inkbox")
    box = account.mailbox(address)
    with emulator.world.step():
        add_login(emulator.world, box.record, box.address, PASSWORD)
    return Served(emulator, account, box, emulator.serve().imap.port)
