"""Whatever is said to the IMAP server: it answers each command once, ends, serves the next client, and loses no mail."""

from __future__ import annotations

import gc
import logging
import re
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient.response_parser import parse_fetch_response

from emulator import Emulator
from emulator.mail import MESSAGES, Mail
from emulator.mail.filing import deposit
from emulator.servers.imap import ImapServer, Limits
from emulator.servers.imap_server.reader import MAX_STRING_BEFORE_LOGIN
from tests.imap_server import PASSWORD, Served, Wire, served

_MAILS: Final = [path.read_bytes() for path in sorted(Path(__file__).parent.parent.glob("fixtures/mail/*.eml"))]
_RESPONSE: Final = re.compile(rb'(?s)(?:\*|\+|[^\x00-\x20\x7f-\xff(){%*"\\+]{1,100}) .*\r\n')
_ANNOUNCED: Final = re.compile(rb"\{(\d+)\}\r\n\Z")
_RESET: Final = b"* BYE reset\r\n"


class Fuzzed(NamedTuple):
    """A mailbox with several mails, one beside it, and the state they start from."""

    at: Served
    neighbour: str

    def mails(self, mailbox_id: str) -> dict[str, bytes]:
        """Return the bytes of all messages of a mailbox by id, in whatever folder they lie."""
        world = self.at.emulator.world
        with world.step():
            return {m.id: m.mail.raw for m in world.store.everything(MESSAGES) if m.mailbox_id == mailbox_id}

    @contextmanager
    def unharmed(self, stream: bytes = b"delete") -> Iterator[None]:
        """Start anew, and check after the block that the server lives and that mail went only if it was deleted."""
        self.at.emulator.reset()
        mine, others = self.mails(self.at.box.id), self.mails(self.neighbour)
        yield
        assert self.at.emulator.worlds.failures == []
        with self.at.opened(readonly=True) as client:
            assert client.fetch("1:*", "(UID FLAGS RFC822.SIZE)")[0] == "OK"
        assert self.mails(self.neighbour) == others
        if b"DELETE" not in stream.upper():
            assert mine.items() <= self.mails(self.at.box.id).items()

    def talk(self, stream: bytes, *, logged_in: bool = True) -> list[bytes]:
        """Say all of it at once, and return the responses until the server ends the connection."""
        with closing(self.at.wire()) as wire:
            if logged_in:
                wire.login(self.at.box)
            with suppress(ConnectionError):  # the server may have heard enough
                wire.send(stream)
                wire.socket.shutdown(socket.SHUT_WR)
            answers = list(_responses(wire))
        assert all(_RESPONSE.fullmatch(answer) for answer in answers)
        return answers


def _responses(wire: Wire) -> Iterator[bytes]:
    try:
        while whole := wire.line():
            end = whole
            while announced := _ANNOUNCED.search(end):
                end = wire.line() if announced[1] == b"0" else wire.file.read(int(announced[1])) + b""
                whole += end
                end = wire.line() if announced[1] != b"0" else end
                whole += end if announced[1] != b"0" else b""
            yield whole
    except ConnectionResetError:
        yield _RESET
