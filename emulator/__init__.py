"""Inbox Emulator: the email-for-agents providers on your own machine.

`Emulator` is the one entry point for Python; `emulator serve` and the pytest fixtures are made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator._version import __version__

if TYPE_CHECKING:
    from emulator.harness import Account, Emulator
    from emulator.inboxes import AccountInbox, Inbox, Person

__all__ = ["Account", "AccountInbox", "Emulator", "Inbox", "Person", "__version__"]


def __getattr__(name: str) -> object:
    """Import the harness, and Flask with it, only when it is first asked for."""
    if name in ("Account", "Emulator"):
        from emulator import harness

        return getattr(harness, name)
    if name in ("AccountInbox", "Inbox", "Person"):
        from emulator import inboxes

        return getattr(inboxes, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
