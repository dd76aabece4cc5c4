"""Whether anybody connects a socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def nobody_dials() -> Iterator[None]:
    """Fail at the end of the block if a socket was connected in it, to whatever address."""
    dialled: list[Any] = []
    connect = socket.socket.connect

    def noting(self: socket.socket, address: Any) -> None:
        dialled.append(address)
        connect(self, address)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socket.socket, "connect", noting)
        yield
    assert dialled == []
