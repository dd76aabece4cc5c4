"""SMTP by aiosmtpd on a loop of its own. Imported with the first connection: most runs never have one."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, AnyStr, Final

from aiosmtpd.smtp import MISSING, SMTP, TLSSetupException, syntax

from emulator.servers.smtp import SmtpLimits
from emulator.servers.smtp_handler import Handler
from emulator.servers.tls import Authority
from emulator.servers.worlds import Worlds

_ATOMS: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_PLAIN_PATH: Final = re.compile(rf"<({_ATOMS}@{_ATOMS})>([^(]*)")
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_AUTH_PARAMETER: Final = re.compile(r'(?i)\sAUTH=(?:<>|[^\s<>"]+)(?=[^<>"]*\Z)')
_COMMAND_BYTES: Final = 1024

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd logs every session and login


class Protocol(SMTP):
    """aiosmtpd's protocol with limits, room for HTML mail on one line, and TLS that is made when it is asked for."""

    def __init__(self, handler: Handler, limits: SmtpLimits, authority: Authority | None, **options: Any) -> None:
        self.line_length_limit = limits.line_bytes  # aiosmtpd allows 1,001 bytes
        # A fixed name: looking up our own can take seconds where DNS is broken.
        super().__init__(
            handler,
            hostname="localhost",
            ident="Inbox Emulator",
            data_size_limit=limits.message_bytes,
            enable_SMTPUTF8=True,
            timeout=limits.idle_seconds,
            auth_require_tls=False,
            authenticator=handler.authenticate,
            **options,
        )
        self._handler = handler
        self._authority = authority
        self.tls_context: Any = authority  # before STARTTLS it is only asked whether there is one
        self._counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a session, unless there are too many or a fault rule says otherwise."""
        if not self._counted:
            self._counted = True
            self._handler.sessions += 1
        super().connection_made(transport)

    async def _handle_client(self) -> None:
        farewell = self._handler.farewell()
        with suppress(OSError):  # the connection broke
            if farewell is None:
                await super()._handle_client()
            else:
                await self.push(farewell)
                self._hang_up()

    def connection_lost(self, error: Exception | None) -> None:
        """End a session."""
        if self._counted:
            self._counted = False
            self._handler.sessions -= 1
        super().connection_lost(error)

    def _timeout_cb(self) -> None:
        self._hang_up()

    def _hang_up(self) -> None:
        """End the connection, whether or not the client reads what is left for it."""
        transport: Any = self.transport
        if transport is not None and transport.get_write_buffer_size():
            transport.abort()
        elif transport is not None:
            transport.close()

    @property
    def command_size_limits(self) -> dict[str, int]:  # type: ignore[override]  # a value for all sessions, there
        """How long commands may be; aiosmtpd lets every greeting raise it, for everybody."""
        return defaultdict(lambda: _COMMAND_BYTES)

    async def push(self, status: AnyStr) -> None:
        """Answer on one line, also where it repeats what a client said."""
        await super().push(_UNSAFE.sub("?", status) if isinstance(status, str) else status)

    @syntax("STARTTLS", when="tls_context")
    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's
        """Go on with TLS."""
        if self._tls_protocol is not None:
            await self.push("503 5.5.1 TLS is in use already")
            return
        if self._authority is not None:
            self.tls_context = self._authority.context()
        with suppress(TLSSetupException):  # a client that does not trust us is no defect of ours
            await super().smtp_STARTTLS(arg)
        if self._tls_protocol is not None and self.session.ssl is None and self.transport is not None:
            self.transport.close()
            self.connection_lost(None)  # asyncio tells nobody of a connection that ends before TLS begins

    @syntax("MAIL FROM: <address>", extended=" [SP <mail-parameters>]")
    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802  # aiosmtpd's
        """Take a sender. Who relays says AUTH= to a server that knows AUTH (RFC 4954, 5); aiosmtpd does not know it."""
        await super().smtp_MAIL(arg and _AUTH_PARAMETER.sub("", arg))

    @syntax("AUTH <mechanism>")
    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's
        """Take credentials; the name of the mechanism is compared without case."""
        mechanism, space, rest = (arg or "").partition(" ")
        await super().smtp_AUTH(f"{mechanism.upper()}{space}{rest}")

    async def challenge_auth(self, *args: Any, **options: Any) -> Any:
        """Ask for a part of the credentials."""
        try:
            return await super().challenge_auth(*args, **options)
        except ValueError:  # StreamReader.readline's for a line over the limit
            await self.push("500 5.5.6 The line is too long")
            return MISSING

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Return the address of a path and the parameters after it: None for what is no path, else empty ones."""
        # The email package reads every address, and takes longer for one than the post office for the mail.
        plain = _PLAIN_PATH.fullmatch(arg)
        try:
            address, parameters = (plain[1], plain[2]) if plain else super()._getaddr(arg)
        except Exception:  # noqa: BLE001  # the email package fails in many ways at what is no address
            return None, None
        if address is not None and _UNSAFE.search(address):
            return None, None
        return (address, parameters) if (parameters or "").isascii() else ("", "")


def serve(
    listener: socket.socket,
    worlds: Worlds,
    limits: SmtpLimits,
    authority: Authority | None,
    started: Callable[[Callable[[], object]], None],
    *,
    implicit_tls: bool,
) -> None:
    """Serve a listening socket until the function that `started` is given is called."""
    loop, handler = asyncio.new_event_loop(), Handler(worlds, limits)
    offered = None if implicit_tls else authority

    def protocol() -> SMTP:
        return Protocol(handler, limits, offered, loop=loop)

    context = authority.context() if implicit_tls and authority else None
    server = loop.run_until_complete(loop.create_server(protocol, sock=listener, ssl=context))
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
