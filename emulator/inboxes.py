"""A mail address as a test holds it: what arrived there, waiting for more, and people outside who write and answer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from emulator import telling
from emulator.mail import Mailbox, sightings
from emulator.mail.replies import reply_subject
from emulator.mail.sightings import SOMEONE, Sighting
from emulator.mail.wanted import Matches, Wanted
from emulator.world import parse_duration, waiting

if TYPE_CHECKING:
    from emulator.harness import Emulator

T = TypeVar("T")


class Inbox:
    """An address and what arrives there."""

    def __init__(self, emulator: Emulator, address: str) -> None:
        self.emulator = emulator
        self.address = address
        self._taken: set[int] = set()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address}, {len(self.mail)} mails>"

    @property
    def mail(self) -> list[Sighting]:
        """Everything that arrived, oldest first."""
        return self.emulator.mail(to=self.address)

    def receive(
        self,
        subject: str | None = None,
        text: str | None = None,
        *,
        sender: str = SOMEONE,
        **more: object,
    ) -> Sighting:
        """Let a mail come in from outside, and return it; `more` as `Emulator.receive` has it.

        AssertionError if it did not arrive at once: the mailbox refuses it, or it is held up on the way.
        """
        __tracebackhide__ = True
        arrived = self.emulator.receive(self.address, subject, text, sender=sender, **more)  # type: ignore[arg-type]
        if not arrived:
            raise AssertionError(
                "\n".join([f"the mail to {self.address} did not arrive", telling.summary(self.emulator.world)])
            )
        return arrived[0]

    def wait_for(
        self,
        *,
        subject: str | None = None,
        from_: str | None = None,
        text: str | None = None,
        matches: Matches | None = None,
        timeout: float = 5.0,
    ) -> Sighting:
        """Return the oldest matching mail that was not returned before, waiting `timeout` real seconds for it.

        `subject`, `from_` and `text` are parts without regard to case; `matches` is a pattern, or a function that is
        called with the mail. AssertionError tells what did arrive and why it is not it.
        """
        __tracebackhide__ = True
        return self._take(Wanted(self.address, from_, subject, text, matches=matches), timeout)

    async def wait_for_async(
        self,
        *,
        subject: str | None = None,
        from_: str | None = None,
        text: str | None = None,
        matches: Matches | None = None,
        timeout: float = 5.0,  # the same as without async
    ) -> Sighting:
        """Do the same in asyncio or trio, without holding the loop."""
        __tracebackhide__ = True
        wanted = Wanted(self.address, from_, subject, text, matches=matches)
        return await in_thread(lambda: self._take(wanted, timeout))

    def wait_for_reply(self, mail: Sighting, *, timeout: float = 5.0) -> Sighting:
        """Return the answer to a mail, as `wait_for` does."""
        __tracebackhide__ = True
        return self._take(Wanted(self.address, reply_to=mail.mail.message_id or ""), timeout)

    async def wait_for_reply_async(self, mail: Sighting, *, timeout: float = 5.0) -> Sighting:
        """Do the same in asyncio or trio, without holding the loop."""
        __tracebackhide__ = True
        return await in_thread(lambda: self.wait_for_reply(mail, timeout=timeout))

    def expect_none(
        self,
        *,
        subject: str | None = None,
        from_: str | None = None,
        text: str | None = None,
        matches: Matches | None = None,
        within: str | float | timedelta = "1h",
    ) -> None:
        """Make sure that no matching mail comes from now on; AssertionError names what did.

        A clock that stands still is moved on by `within`, so that days take no time; in real time it is waited.
        """
        __tracebackhide__ = True
        expect_none(self.emulator, Wanted(self.address, from_, subject, text, matches=matches), within)

    def _take(self, wanted: Wanted, timeout: float) -> Sighting:
        __tracebackhide__ = True
        world = self.emulator.world
        found = sightings.wait_for(world, wanted, timeout=self.emulator.patience(timeout), taken=self._taken)
        if found is None:
            raise AssertionError(telling.nothing_came(world, wanted, timeout, frozenset(self._taken)))
        self._taken.add(found.arrival)
        return found


class AccountInbox(Inbox):
    """A provider's mailbox; `id` is the mailbox's, `record` all that the mail system knows of it."""

    def __init__(self, emulator: Emulator, record: Mailbox) -> None:
        super().__init__(emulator, record.address)
        self.id = record.id
        self.record = record


class Person(Inbox):
    """Somebody outside, who writes mail and gets what is sent to them."""

    def send(
        self,
        to: str | list[str] | Inbox,
        subject: str | None = None,
        text: str | None = None,
        *,
        html: str | None = None,
        cc: list[str] | None = None,
        attachments: Mapping[str, bytes] | None = None,
        in_reply_to: str | None = None,
    ) -> list[Sighting]:
        """Write a mail; return it once for each address it arrived at."""
        to = to.address if isinstance(to, Inbox) else to
        return self.emulator.receive(
            to,
            subject,
            text,
            html=html,
            sender=self.address,
            cc=cc,
            attachments=attachments,
            in_reply_to=in_reply_to,
        )

    def reply(self, mail: Sighting, text: str, **more: object) -> list[Sighting]:
        """Answer a mail that came; `more` as `send` has it."""
        subject, answered = reply_subject(mail.mail.subject), mail.mail.message_id
        return self.send(mail.sender, subject, text, in_reply_to=answered, **more)  # type: ignore[arg-type]


def expect_none(emulator: Emulator, wanted: Wanted, within: str | float | timedelta) -> None:
    """Make sure that no mail comes that is wanted here; AssertionError names what did."""
    __tracebackhide__ = True
    world, wait = emulator.world, duration(within)
    before = world.store.ticks("arrivals")

    def look() -> Sighting | None:
        with world.step():
            found = sightings.matching(world, wanted)
        return next((item for item in found if item.arrival > before), None)

    if world.clock.virtual:
        world.advance(wait)
        wait = timedelta()
    came = waiting.wait_for(world, sightings.bell_of(wanted), look, wait)
    if came is not None:
        raise AssertionError(telling.something_came(world, came, wanted))


def duration(given: str | float | timedelta) -> timedelta:
    """Return a duration that was given as `"1h"`, in seconds, or as such."""
    return given if isinstance(given, timedelta) else parse_duration(str(given))


async def in_thread(call: Callable[[], T]) -> T:
    """Call in another thread, from asyncio or trio."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        result: T = await trio.to_thread.run_sync(call, abandon_on_cancel=True)
        return result
    return await asyncio.to_thread(call)
