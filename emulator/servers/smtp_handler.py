"""What the SMTP door answers: whose mailbox it is, who may send, who takes mail, and what becomes of a message."""

from __future__ import annotations

from typing import Final, NamedTuple

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from emulator.mail import Mailbox, addresses, trace
from emulator.mail.logins import is_open, open_to_send
from emulator.mail.mailboxes import Refusal, aliases_of
from emulator.mail.parse import Mail
from emulator.mail.postoffice import refused_at_door, submit, transmit
from emulator.servers.smtp import SmtpLimits
from emulator.servers.worlds import Worlds
from emulator.world import World
from emulator.world.faults import Occasion, SmtpReply, SmtpStage

_OK: Final = "250 2.0.0 Ok: queued"
_CLOSED: Final = "550 5.7.1 The mailbox is closed"
_NULL_SENDER: Final = "<>"


class Sender(NamedTuple):
    """Who logged in: the mailbox, and the world that it is in."""

    world: World
    mailbox: Mailbox


class Handler:
    """Takes mail in for all sessions of a door; it parses little, because the loop serves every connection."""

    def __init__(self, worlds: Worlds, limits: SmtpLimits) -> None:
        self._worlds = worlds
        self._limits = limits
        self.sessions = 0

    def farewell(self) -> str | None:
        """Return what a new connection is sent away with, or None if it may stay."""
        if self.sessions > self._limits.sessions:
            return "421 4.7.0 Too many connections"
        return self._struck(self._worlds.default, "connect")

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object
    ) -> AuthResult:
        """Find the mailbox that a user name and password may send from, in any world."""
        assert isinstance(given, LoginPassword)
        user, password = given.login.decode("utf-8", "replace"), given.password.decode("utf-8", "replace")
        opened = self._worlds.log_in("smtp", user, password, open_to_send)
        if opened is None:
            return AuthResult(success=False, handled=False)
        return AuthResult(success=True, auth_data=Sender(*opened))

    async def handle_HELO(self, server: SMTP, session: Session, _envelope: Envelope, hostname: str) -> str:  # noqa: N802
        """Greet a client."""
        session.host_name = hostname
        return self._struck(self._worlds.default, "helo") or f"250 {server.hostname}"

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Greet a client and say what the door can do."""
        session.host_name = hostname
        struck = self._struck(self._worlds.default, "helo")
        return responses if struck is None else [struck]

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the sender; who logged in may only send as the own mailbox."""
        world, sender = self._world(session), _sender_of(session)
        address = "" if address == _NULL_SENDER else address
        struck = self._struck(world, "mail")
        if struck is None and sender is not None:
            with world.step():
                if not is_open(world, sender.mailbox.id):
                    struck = _CLOSED
                elif not _owns(sender, address):
                    struck = f"553 5.7.1 You may send as {sender.mailbox.address} only"
        if struck is not None:
            return struck
        envelope.mail_from = address or _NULL_SENDER
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or say why not."""
        world, sender = self._world(session), _return_path(envelope)
        if address == _NULL_SENDER:
            return "553 5.1.3 There is nobody at the empty address"
        if len(envelope.rcpt_tos) >= self._limits.recipients:
            return "452 4.5.3 Too many recipients"
        struck = self._struck(world, "rcpt", (address,))
        if struck is not None:
            return struck
        with world.lock:  # a step costs more than the question
            refused = refused_at_door(world, sender, address, submitted=session.auth_data is not None)
        if refused is not None:
            world.journal.note(world.now(), "smtp", **{"from": sender, "to": [address], "refused": refused.words})
            return _reply(refused)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take the message: from outside for its recipients, from a mailbox's owner as sent by it."""
        world, sender = self._world(session), _return_path(envelope)
        raw = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        mail, recipients = Mail(raw), list(envelope.rcpt_tos)
        refused = self._struck(world, "data", tuple(recipients), mail) or _unfit(session, mail)
        if refused is not None:
            world.journal.note(world.now(), "smtp", **{"from": sender, "to": recipients, "refused": refused})
            return refused
        owner = _sender_of(session)
        with world.step():
            world.journal.note(world.now(), "smtp", **{"from": sender, "to": recipients, "bytes": len(raw)})
            if owner is not None:
                submit(world, owner.mailbox, sender, recipients, raw)
            else:
                transmit(world, sender, recipients, mail, helo=session.host_name or "unknown")
        return _OK

    async def handle_exception(self, error: Exception) -> str:
        """Note a defect of ours, so that a fixture raises it; the client may try again."""
        if not isinstance(error, OSError):  # the connection broke
            self._worlds.failures.append(error)
        return "451 4.3.0 The emulator failed"

    def _world(self, session: Session) -> World:
        sender = _sender_of(session)
        return self._worlds.default if sender is None else sender.world

    def _struck(
        self, world: World, stage: SmtpStage, recipients: tuple[str, ...] = (), mail: Mail | None = None
    ) -> str | None:
        """Return what a fault rule answers at a stage, or None."""
        if not len(world.faults):
            return None
        subject = None if mail is None else mail.subject
        occasion = Occasion(operation="smtp", recipients=lambda: recipients, subject=lambda: subject)
        effect = world.faults.take(SmtpReply, occasion, lambda reply: reply.stage == stage)
        return None if effect is None else effect.reply


def _sender_of(session: Session) -> Sender | None:
    return session.auth_data if isinstance(session.auth_data, Sender) else None


def _return_path(envelope: Envelope) -> str:
    return "" if envelope.mail_from in (None, _NULL_SENDER) else str(envelope.mail_from)


def _owns(sender: Sender, address: str) -> bool:
    own = (sender.mailbox.address, *(alias.address for alias in aliases_of(sender.world, sender.mailbox)))
    return addresses.normalize(address) in map(addresses.normalize, own)


def _unfit(session: Session, mail: Mail) -> str | None:
    """Return why a message is not taken: it goes in circles, or is written in somebody else's name."""
    sender = _sender_of(session)
    if trace.goes_in_circles(mail):
        return "554 5.4.6 Too many hops"
    if sender is None:
        return None
    with sender.world.step():
        if not is_open(sender.world, sender.mailbox.id):
            return _CLOSED
        written = mail.bare_addresses("from")
        if not written or not all(_owns(sender, address) for address in written):
            return f"550 5.7.1 The From has to be {sender.mailbox.address}"
    return None


def _reply(refused: Refusal) -> str:
    code = {"4.2.2": 452, "5.7.1": 550}.get(refused.status, 451 if refused.status.startswith("4") else 550)
    return f"{code} {refused.status} {refused.words}"
