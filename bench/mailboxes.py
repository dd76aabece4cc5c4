"""Whether a mailbox's size shows: what mail programs and API clients ask of a big one, against a small one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from imaplib import IMAP4
from typing import Any, Final, NamedTuple

from werkzeug.test import EnvironBuilder

from bench.in_process import Environ, caller
from bench.measure import MICROSECONDS, Effort, Goal, Row, interleave, seconds_per_call
from emulator import Account, Emulator
from emulator.mail import Mail, Mailbox
from emulator.mail.filing import file_mail
from emulator.mail.folders import Marks, mark
from emulator.mail.logins import add_login

_GOAL: Final = Goal("<=", 1.5)
_PASSWORD: Final = "secret"
_MARKED: Final = 30  # in either mailbox: what is found is the same
_APART: Final = timedelta(minutes=30)
_LISTS: Final = {"inkbox": "/api/v1/mail/mailboxes/{0.address}/messages", "myagentmail": "/v1/inboxes/{0.id}/messages"}


class Filled(NamedTuple):
    """A served emulator with a mailbox of Inkbox and one of myagentmail that hold this many messages.

    `client` has the first one open over IMAP, `lists` are requests for the first page of either's messages.
    """

    messages: int
    emulator: Emulator
    client: IMAP4
    lists: Mapping[str, Environ]

    @property
    def newest(self) -> str:
        """The numbers of the newest 50."""
        return f"{max(1, self.messages - 49)}:*"


Work = Callable[[Filled], Any]

_QUICK: Final[dict[str, Work]] = {
    "SELECT": lambda filled: filled.client.select(),
    "SEARCH UNSEEN": lambda filled: filled.client.search(None, "UNSEEN"),
    "SEARCH FLAGGED": lambda filled: filled.client.search(None, "FLAGGED"),
    "SEARCH DELETED": lambda filled: filled.client.search(None, "DELETED"),
    "SEARCH, newest 50": lambda filled: filled.client.search(None, f"{filled.newest} SUBJECT Report"),
    "UID SEARCH, newest 50": lambda filled: filled.client.uid("SEARCH", f"UID {filled.newest} SEEN"),
    "FETCH, newest 50": lambda filled: filled.client.fetch(filled.newest, "(FLAGS ENVELOPE)"),
}
# What is asked for can be in any message; the first time after SELECT, all of them are read for it.
_ANYWHERE: Final[dict[str, Work]] = {
    "UID SEARCH SINCE": lambda filled: filled.client.uid("SEARCH", "SINCE 1-Jan-2026"),
    "UID SEARCH FROM": lambda filled: filled.client.uid("SEARCH", "FROM rare@outside.test"),
    "SEARCH TEXT": lambda filled: filled.client.search(None, "TEXT rare@outside.test"),
}


def run(effort: Effort) -> Iterator[Row]:
    """Measure IMAP and the lists of two APIs at 100,000 and 1,000 messages."""
    with ExitStack() as stack:
        small, large = (_filled(effort.calls(messages), stack) for messages in (1_000, 100_000))
        gc.collect()
        gc.freeze()  # what was made here is nobody's garbage
        stack.callback(gc.unfreeze)
        for what, work in _QUICK.items():
            yield _compare(f"IMAP {what}", large, small, _checked(work), effort.many(30), effort.calls(30), _GOAL)
        for name in _LISTS:
            yield _compare(
                f"{name} API, first page", large, small, _lister(name), effort.many(30), effort.calls(30), _GOAL
            )
        for what, work in _ANYWHERE.items():
            yield _compare(f"IMAP SELECT and {what}", large, small, _in_a_fresh_view(work), effort.many(3), 1, None)
            yield _compare(f"IMAP {what}", large, small, _checked(work), effort.many(10), effort.calls(10), _GOAL)


def _compare(what: str, large: Filled, small: Filled, work: Work, rounds: int, calls: int, goal: Goal | None) -> Row:
    samples = interleave(
        lambda: seconds_per_call(work, [large] * calls), lambda: seconds_per_call(work, [small] * calls), rounds
    )
    title = f"mailbox of {large.messages:,}: {what}"
    return Row(title, MICROSECONDS, *samples.least(), f"the same of {small.messages:,}", goal)


def _checked(work: Work) -> Work:
    def do(filled: Filled) -> None:
        answer = work(filled)
        if answer[0] != "OK":
            raise RuntimeError(f"unexpected answer: {answer}")

    return do


def _in_a_fresh_view(work: Work) -> Work:
    def do(filled: Filled) -> None:
        filled.client.select()
        _checked(work)(filled)

    return do


def _lister(name: str) -> Work:
    return lambda filled: caller(filled.emulator.wsgi)(filled.lists[name])


def _filled(messages: int, stack: ExitStack) -> Filled:
    emulator = stack.enter_context(Emulator())
    accounts = {name: emulator.account(name) for name in _LISTS}
    boxes = {name: account.mailbox("ada").record for name, account in accounts.items()}
    gc.disable()  # all of it stays
    try:
        for n in range(messages):
            _put_in(emulator, boxes["inkbox"], boxes["myagentmail"], n, messages)
    finally:
        gc.enable()
    lists = {name: _get(accounts[name], path.format(boxes[name])) for name, path in _LISTS.items()}
    return Filled(messages, emulator, _opened(emulator, boxes["inkbox"], stack), lists)


def _put_in(emulator: Emulator, served: Mailbox, other: Mailbox, n: int, messages: int) -> None:
    """Put the n-th mail into both mailboxes: in the served one it is read, but for a few; one of them is rare."""
    world = emulator.world
    sender = "rare@outside.test" if n == messages // 2 else "someone@outside.test"
    mail = Mail(b"From: %s\r\nMessage-ID: <%d@outside.test>\r\nSubject: Report\r\n\r\nText\r\n" % (sender.encode(), n))
    at = world.now() - _APART * (messages - n)
    marked = n % max(1, messages // _MARKED) == 0
    marks = Marks(read=not marked, starred=marked, flags=(r"\Deleted",) if marked else ())
    with world.step():
        filed, _ = (
            file_mail(world, box, mail, "inbound", "received", sender, [box.address], at=at) for box in (served, other)
        )
        mark(world, filed, marks)


def _opened(emulator: Emulator, mailbox: Mailbox, stack: ExitStack) -> IMAP4:
    with emulator.world.step():
        add_login(emulator.world, mailbox, mailbox.address, _PASSWORD)
    client = stack.enter_context(IMAP4("127.0.0.1", emulator.serve().imap.port))
    client.login(mailbox.address, _PASSWORD)
    client.select()
    return client


def _get(account: Account, path: str) -> Environ:
    headers = list(account.provider.key_headers(account.api_key).items())
    builder = EnvironBuilder(path, account.provider.origin, headers=headers)
    made = builder.get_environ()
    builder.close()
    return {**made, "bench.body": b""}
