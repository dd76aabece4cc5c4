"""Whether a world's size shows: forks, list pages and reads of a world with many messages, against a small one."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bench.measure import MICROSECONDS, Effort, Goal, Row, interleave, seconds_per_call
from emulator.mail import MESSAGES, Mailbox
from emulator.mail.mailboxes import mailbox_at
from emulator.mail.parse import Mail
from emulator.mail.postoffice import transmit
from emulator.providers.inkbox.messages import find_message, list_messages
from emulator.servers.worlds import new_world
from emulator.world import ACCOUNTS, World

_ROUNDS = 40
_ADDRESS = "ada@inkboxmail.com"
_GOAL = Goal("<=", 1.5)


class Filled(NamedTuple):
    """A world with one mailbox full of messages."""

    world: World
    mailbox: Mailbox
    messages: int


def run(effort: Effort) -> Iterator[Row]:
    """Measure forks at 10, 1,000 and 100,000 messages; pages of 20 and single reads at 100,000 and 1,000."""
    small, medium = filled(10), filled(effort.calls(1_000))
    large = filled(effort.calls(1_000_000 if effort.large else 100_000))
    gc.collect()
    gc.freeze()  # what was made here is nobody's garbage
    try:
        for big in (medium, large):
            yield _compare(effort, "fork", big, small, _forker)
        yield _compare(effort, "list the first 20", large, medium, _first_page)
        yield _compare(effort, "list 20 in the middle", large, medium, _middle_page)
        yield _compare(effort, "get", large, medium, _getter)
    finally:
        gc.unfreeze()


def filled(messages: int) -> Filled:
    """Return a world with a mailbox that received this many mails."""
    from emulator import providers

    world, inkbox = new_world(), providers.get("inkbox")
    with world.step():
        account = next(each for each in world.store.everything(ACCOUNTS) if each.provider == inkbox.name)
        inkbox.open_mailbox(world, account, "ada")
    for n in range(messages):
        mail = Mail(b"Message-ID: <%d@outside.test>\r\nSubject: Report\r\n\r\nThe numbers are in.\r\n" % n)
        with world.step():
            transmit(world, "someone@outside.test", [_ADDRESS], mail)
    mailbox = mailbox_at(world, _ADDRESS)
    assert mailbox is not None  # it was opened above
    return Filled(world, mailbox, messages)


def _compare(
    effort: Effort, what: str, large: Filled, small: Filled, work: Callable[[Filled], Callable[[int], object]]
) -> Row:
    calls = range(effort.calls(1_000))
    ours, peer = work(large), work(small)
    samples = interleave(
        lambda: seconds_per_call(ours, calls), lambda: seconds_per_call(peer, calls), effort.many(_ROUNDS)
    )
    return Row(
        f"world of {large.messages:,} messages: {what}",
        MICROSECONDS,
        *samples.least(),
        f"the same of {small.messages:,}",
        _GOAL,
    )


def _forker(filled: Filled) -> Callable[[int], object]:
    return lambda _: filled.world.fork()


def _first_page(filled: Filled) -> Callable[[int], object]:
    return lambda _: list_messages(filled.world, filled.mailbox, None, 20, None)


def _middle_page(filled: Filled) -> Callable[[int], object]:
    half = list_messages(filled.world, filled.mailbox, None, max(1, filled.messages // 2), None)
    return lambda _: list_messages(filled.world, filled.mailbox, None, 20, half.next_key)


def _getter(filled: Filled) -> Callable[[int], object]:
    known = [message.id for message in filled.world.store.everything(MESSAGES)]
    chosen = random.Random(1).choices(known, k=1_000)  # the same few would always be in the processor's cache
    return lambda n: find_message(filled.world, filled.mailbox, chosen[n % 1_000])
