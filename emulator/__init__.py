"""Inbox Emulator: the email-for-agents providers on your own machine.

`Emulator` is the one entry point for Python; `emulator serve` and the pytest fixtures are made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator._version import __version__

if TYPE_CHECKING:
    from emulator.harness import Account, Emulator

__all__ = ["Account", "Emulator", "__version__"]


def __getattr__(name: str) -> object:
    """Import the harness, and Flask with it, only when it is first asked for."""
    if name in ("Account", "Emulator"):
        from emulator import harness

        return getattr(harness, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
