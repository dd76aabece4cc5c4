"""http.client, and with it urllib, urllib3 and requests: their connections get a socket that is none."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from emulator.intercept.calling import Reply, Request, RequestReader
from emulator.intercept.patches import Patches

if TYPE_CHECKING:
    from emulator.intercept import Interception


class WireSocket:
    """What http.client needs of a socket; what is written to it is answered by a function.

    A request is done when its answer is read: by then all of it was written.
    """

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self._answer = answer
        self._reader = RequestReader()

    def sendall(self, data: Any) -> None:
        """Take a piece of the request."""
        self._reader.feed(data)

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """Return what the answer is read from."""
        return io.BufferedReader(_Answer(self._read))

    def _read(self) -> Reply:
        request = self._reader.take()
        if request is None:
            raise ConnectionResetError("the client reads an answer before its request is complete")
        return self._answer(request)

    def settimeout(self, _: float | None) -> None:
        """Nothing is waited for on the way."""

    def close(self) -> None:
        """Forget what was not asked."""
        self._reader.clear()

    shutdown = setsockopt = lambda *_: None


class _Answer(io.RawIOBase):
    def __init__(self, ask: Callable[[], Reply]) -> None:
        self._ask = ask
        self._reply: Reply | None = None
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._reply is None:
            self._reply = self._ask()
            self._left = self._reply.head
        while not self._left:
            piece = next(self._reply.pieces, None)
            if piece is None:
                return 0
            self._left = piece
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size

    def close(self) -> None:
        if self._reply is not None:
            getattr(self._reply.pieces, "close", lambda: None)()
        super().close()


def patch(interception: Interception, patches: Patches) -> None:
    """Intercept http.client, and urllib3 as soon as it is there."""
    connect = partial(_connecting, interception)
    patches.when_imported("http.client", lambda module: _patch_both(patches, module, connect))
    patches.when_imported("urllib3.connection", lambda module: _patch_both(patches, module, connect))


def _patch_both(patches: Patches, module: ModuleType, connect: Callable[[str, Any], Any]) -> None:
    patches.replace(module.HTTPConnection, "connect", partial(connect, "http"))
    patches.replace(module.HTTPSConnection, "connect", partial(connect, "https"))


def _connecting(interception: Interception, scheme: str, original: Callable[[Any], None]) -> Callable[[Any], None]:
    def connect(connection: Any) -> None:
        # Through a proxy, urllib3 and http.client connect to it and ask for a tunnel to the host that is meant.
        host, port = connection.host, connection.port
        if connection._tunnel_host:  # noqa: SLF001  # no public name tells it
            host, port = connection._tunnel_host, connection._tunnel_port  # noqa: SLF001
        # What may not be reached is refused when the request is there, and with it the path of the URL.
        if not interception.may_reach(host, port):
            connection.sock = WireSocket(partial(interception.refuse, scheme, host, port))
        elif interception.passes(scheme, host, port):
            original(connection)
            return
        else:
            connection.sock = WireSocket(partial(interception.answer, scheme, host, port))
        connection.is_verified = True  # else urllib3 warns of a certificate that nobody checked

    return connect
