"""What a command is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from emulator.servers.imap_server.parser import Parser
    from emulator.servers.imap_server.session import Session


class Stage(Enum):
    """When a command may be given: before or after the login, only before it, after it, or with a folder open."""

    LOGIN = -1
    ANY = 0
    MAILBOX = 1
    FOLDER = 2


class Command(NamedTuple):
    """`run` is given the words after the command's name and returns the text of its OK; it may raise Bad or No."""

    stage: Stage
    run: Callable[[Session, Parser], Awaitable[bytes]]


class No(Exception):
    """The command cannot be done; the message, which may begin with a response code, says why."""
