"""What an emulator saw, told to a person whose test failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.harness import Emulator


def summary(emulator: Emulator) -> str:
    """Return what happened in an emulator, a line each."""
    return "\n".join(str(entry) for entry in emulator.journal())
