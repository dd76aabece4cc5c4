"""What the tests share."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from contract.steady import examples_of_their_own
from emulator.mail import Mailbox, events
from emulator.mail.events import MailEvent
from emulator.world import World
from tests.small_world import mailbox, small_world

# The same examples in every run; a busy machine is no failure.
examples_of_their_own()
settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")


@pytest.fixture
def world() -> World:
    return small_world()


@pytest.fixture
def ann(world: World) -> Mailbox:
    return mailbox(world, "ann@x.test")


@pytest.fixture
def bob(world: World) -> Mailbox:
    return mailbox(world, "bob@y.test")


@pytest.fixture
def heard(world: World, monkeypatch: pytest.MonkeyPatch) -> list[MailEvent]:
    """Return a list that grows with everything that happens to the mail of the world."""
    heard: list[MailEvent] = []

    def hear(where: World, event: MailEvent) -> None:
        if where is world:
            heard.append(event)

    monkeypatch.setattr(events, "_LISTENERS", [*events._LISTENERS, hear])
    return heard


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture
def no_session_crashes() -> Iterator[None]:
    """Fail if a session of a mail door ended with an exception: its loop logs that, once the session is garbage."""
    kept, logger = _Kept(), logging.getLogger("asyncio")
    logger.addHandler(kept)
    yield
    gc.collect()
    logger.removeHandler(kept)
    assert kept.messages == []
