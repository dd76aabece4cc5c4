"""SMTP by aiosmtpd on a loop of its own. Imported with the first connection: most runs never have one."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Callable
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from emulator.mail.parse import Mail
from emulator.mail.postoffice import refusal, transmit
from emulator.servers.worlds import Worlds

MAX_SIZE: Final = 40 * 1024 * 1024
_LINE: Final = 1 << 20
_ATOMS: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_PLAIN_PATH: Final = re.compile(rf"<({_ATOMS}@{_ATOMS})>([^(]*)")

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd logs every session and login


class Protocol(SMTP):
    """aiosmtpd's protocol, with room for HTML mail on one line, and quick with plain addresses."""

    line_length_limit = _LINE  # aiosmtpd allows 1,001 bytes

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Return the address of a path and the parameters after it, or None for what is no path."""
        # The email package reads every address, and takes longer for one than the post office for the mail.
        plain = _PLAIN_PATH.fullmatch(arg)
        return (plain[1], plain[2]) if plain else super()._getaddr(arg)


class _Handler:
    """Takes mail in. Nothing is parsed here: the loop serves every connection."""

    def __init__(self, worlds: Worlds) -> None:
        self._worlds = worlds

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        world, sender = self._worlds.default, envelope.mail_from or ""
        with world.lock:
            reason = refusal(world, sender, address)
        if reason is not None:
            world.journal.note(world.now(), "smtp", **{"from": sender, "to": [address], "refused": reason})
            return f"550 5.7.1 {reason}"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's
        world = self._worlds.default
        raw = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        sender, recipients = envelope.mail_from or "", list(envelope.rcpt_tos)
        with world.step():
            world.journal.note(world.now(), "smtp", **{"from": sender, "to": recipients, "bytes": len(raw)})
            transmit(world, sender, recipients, Mail(raw))
        return "250 2.0.0 Ok: queued"


def serve(listener: socket.socket, worlds: Worlds, started: Callable[[Callable[[], object]], None]) -> None:
    """Serve a listening socket until the function that `started` is given is called."""
    loop, handler = asyncio.new_event_loop(), _Handler(worlds)

    def protocol() -> SMTP:
        # A fixed name: looking up our own can take seconds where DNS is broken.
        return Protocol(handler, hostname="localhost", data_size_limit=MAX_SIZE, enable_SMTPUTF8=True, loop=loop)

    server = loop.run_until_complete(loop.create_server(protocol, sock=listener))
    started(lambda: loop.call_soon_threadsafe(loop.stop))
    loop.run_forever()
    server.close()
    loop.run_until_complete(_end_sessions())
    loop.close()


async def _end_sessions() -> None:
    sessions = asyncio.all_tasks() - {asyncio.current_task()}
    for session in sessions:
        session.cancel()
    await asyncio.gather(*sessions, return_exceptions=True)
