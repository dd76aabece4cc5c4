"""Take commands from a connection: lines, and the literals that lines announce, within limits."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Final

from emulator.servers.imap import Limits

MAX_STRING_BEFORE_LOGIN: Final = 4096

_LITERAL: Final = re.compile(rb"~?\{(\d{1,12})(\+?)\}\r?\n\Z")
_TAIL: Final = 20


class Hangup(Exception):
    """The session cannot go on; the message is told to the client."""


class TooBig(Exception):
    """A literal was announced that is not taken; nothing of it was sent yet. Holds the line that announces it."""


class Reader:
    """Reads one connection. `go_on` asks the client for the literal that it announced."""

    def __init__(self, stream: asyncio.StreamReader, limits: Limits, go_on: Callable[[bytes], Awaitable[None]]) -> None:
        self._stream = stream
        self._limits = limits
        self._go_on = go_on
        self.trusted = False
        """Whether the client has logged in: only then it may send long literals."""

    async def line(self) -> bytes:
        """Return a line with its end; empty when the client is gone. Hangup if it is too long."""
        try:
            return await self._stream.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            return b""
        except asyncio.LimitOverrunError:
            raise Hangup("The line is too long") from None

    async def command(self) -> bytes:
        """Return a whole command: its lines with the literals where they were announced; empty at the end."""
        pieces: list[bytes] = []
        size = 0
        while True:
            line = await self.line()
            pieces.append(line)
            size += len(line)
            announced = _LITERAL.search(line[-_TAIL:])
            if announced is None:
                return b"".join(pieces) if line else b""
            size += int(announced[1])
            self._admit(size, pieces[0], waits=not announced[2])
            if not announced[2]:
                await self._go_on(b"+ Go on\r\n")
            try:
                pieces.append(await self._stream.readexactly(int(announced[1])))
            except asyncio.IncompleteReadError:
                return b""

    def _admit(self, size: int, first_line: bytes, *, waits: bool) -> None:
        limit = self._limits.literal_bytes + self._limits.line_bytes if self.trusted else MAX_STRING_BEFORE_LOGIN
        if size <= limit:
            return
        if waits:
            raise TooBig(first_line)
        raise Hangup("The literal is too big")
