"""The SMTP sink: mail to an emulated mailbox arrives there, everything else is kept in the outside tray."""

from __future__ import annotations

import logging
import re
from typing import Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from emulator.mail.parse import Mail
from emulator.mail.postoffice import transmit
from emulator.servers.ports import PortTaken
from emulator.servers.worlds import Worlds

MAX_SIZE: Final = 40 * 1024 * 1024
_LINE: Final = 1 << 20
_ATOMS: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_PLAIN_PATH: Final = re.compile(rf"<({_ATOMS}@{_ATOMS})>([^(]*)")

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd logs every session and login


class _Smtp(SMTP):
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

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's
        world = self._worlds.default
        raw = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        sender, recipients = envelope.mail_from or "", list(envelope.rcpt_tos)
        with world.step():
            world.journal.note(world.now(), "smtp", **{"from": sender, "to": recipients, "bytes": len(raw)})
            transmit(world, sender, recipients, Mail(raw))
        return "250 2.0.0 Ok: queued"


class SmtpServer(Controller):
    """aiosmtpd on its own port and thread, until `stop`. With port 0 the system chooses one."""

    def __init__(self, worlds: Worlds, host: str = "127.0.0.1", port: int = 0) -> None:
        # A fixed name: looking up our own can take seconds where DNS is broken.
        super().__init__(
            _Handler(worlds),
            hostname=host,
            port=port,
            server_hostname="localhost",
            ready_timeout=5,
            data_size_limit=MAX_SIZE,
            enable_SMTPUTF8=True,
        )
        try:
            self.start()
        except OSError as error:
            self.loop.close()
            raise PortTaken("SMTP", host, port, error) from error

    def factory(self) -> SMTP:
        """Make the protocol of one connection."""
        return _Smtp(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        # aiosmtpd dials the port it was given to see that it is up; with 0 it must be told the real one.
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()  # type: ignore[no-untyped-call]
