"""Ports that cannot be had."""

from __future__ import annotations

import errno


class PortTaken(OSError):
    """The port that was asked for cannot be opened; the message says which and what to do."""

    def __init__(self, door: str, host: str, port: int, cause: OSError) -> None:
        reason = "is in use" if cause.errno in (errno.EADDRINUSE, None) else f"cannot be opened ({cause.strerror})"
        super().__init__(cause.errno, f"{door} port {port} on {host} {reason}; choose another, or 0 for a free one")

    def __str__(self) -> str:
        return str(self.strerror)
