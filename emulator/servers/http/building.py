"""Build each Flask app once, however many clients come first."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from threading import RLock
from typing import Final

from flask import Flask

_BUILDING: Final = RLock()


def built_once(build: Callable[..., Flask]) -> Callable[..., Flask]:
    """Keep the app that a function builds; one is built at a time, whoever asks."""
    made = cache(build)

    @wraps(build)
    def app(*names: str) -> Flask:
        # Routing rules are parsed, and CPython 3.11 fails when two threads parse Python code at once.
        with _BUILDING:
            return made(*names)

    return app
