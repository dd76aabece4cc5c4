"""Real host names lead to the emulator, in this process, for as long as a test lasts.

Clients keep their production URLs. httpx, requests, urllib3, urllib, http.client and aiohttp are answered without a
socket; SMTP, IMAP and whatever else opens a connection is led to a door on loopback. Everything that is neither
emulated nor allowed is refused, in all threads.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Final, NoReturn

from emulator.intercept import aiohttp, http_client, httpx, sockets
from emulator.intercept.calling import Reply, Request, call
from emulator.intercept.destinations import Destinations, UnexpectedConnection
from emulator.intercept.doors import Doors
from emulator.intercept.patches import Patches

if TYPE_CHECKING:
    from emulator.servers.http.front import Front

__all__ = ["Interception", "UnexpectedConnection", "intercept"]

_CLIENTS: Final = (sockets, http_client, httpx, aiohttp)


class Interception:
    """One emulator in the place of the providers; `refused` tells what else somebody wanted to reach."""

    def __init__(self, front: Front, destinations: Destinations) -> None:
        self.destinations = destinations
        self._front = front
        self._doors = Doors(front, self.destinations.emulated)

    @property
    def refused(self) -> list[str]:
        """What was refused, in order: URLs, or hosts with their port."""
        return self.destinations.refused

    def may_reach(self, host: str, port: int) -> bool:
        """Tell whether a host and port is emulated or allowed."""
        return self.destinations.may_reach(host, port)

    def refuse(self, scheme: str, host: str, port: int, request: Request) -> NoReturn:
        """Raise the UnexpectedConnection of a request that may not be made."""
        __tracebackhide__ = True
        usual = port == {"http": 80, "https": 443}[scheme]
        raise self.destinations.refusal(f"{scheme}://{host}{'' if usual else f':{port}'}{request.target}", host)

    def passes(self, scheme: str, host: str, port: int, url: str | None = None) -> bool:
        """Tell whether an HTTP request goes where it was going; if not, it is to be answered.

        UnexpectedConnection if it may not.
        """
        __tracebackhide__ = True
        return self.destinations.kind(host, port, url or f"{scheme}://{host}") is None

    def answer(self, scheme: str, host: str, port: int, request: Request) -> Reply:
        """Answer a request in the calling thread; ConnectionResetError if a fault rule breaks the connection."""
        return call(self._front, scheme, host, port, request)

    def door(self, host: str, port: int) -> int | None:
        """Return the port on this machine that stands for a host and port; None if the connection may just be made.

        UnexpectedConnection if it may not.
        """
        __tracebackhide__ = True
        kind = self.destinations.kind(host, port)
        return None if kind is None else self._doors.port(kind)

    def trusting_context(self) -> ssl.SSLContext:
        """Return the TLS settings of a client of an emulated host."""
        return self._doors.trusting_context()

    def close(self) -> None:
        """Close the doors that were needed."""
        self._doors.close()


class _Installed:
    """The patches of this process, and whom they serve: the interception that began last."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._active: list[tuple[Interception, Patches]] = []

    def begin(self, interception: Interception) -> None:
        with self._lock:
            if self._active:
                self._active[-1][1].remove()
            self._active.append((interception, _patched(interception)))

    def end(self, interception: Interception) -> None:
        with self._lock:
            self._active[-1][1].remove()
            self._active = [each for each in self._active if each[0] is not interception]
            if self._active:
                outer = self._active[-1][0]
                self._active[-1] = (outer, _patched(outer))


def _patched(interception: Interception) -> Patches:
    patches = Patches()
    for client in _CLIENTS:
        client.patch(interception, patches)
    return patches


_INSTALLED: Final = _Installed()


@contextmanager
def intercept(front: Front, allow: Iterable[str] = (), refused: list[str] | None = None) -> Iterator[Interception]:
    """Lead the providers' host names to an emulator until the block ends, in the whole process.

    `allow` are patterns of hosts that may be reached besides; `refused` is a list that grows with what somebody wanted
    to reach and may not.
    """
    interception = Interception(front, Destinations(front.worlds, allow, refused))
    _INSTALLED.begin(interception)
    try:
        yield interception
    finally:
        _INSTALLED.end(interception)
        interception.close()
