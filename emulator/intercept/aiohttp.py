"""aiohttp: its connector's new connections get a transport that is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from emulator.intercept.calling import Reply, Request, RequestReader
from emulator.intercept.patches import Patches

if TYPE_CHECKING:
    from emulator.intercept import Interception

Ask = Callable[[Request], Reply]


def patch(interception: Interception, patches: Patches) -> None:
    """Intercept aiohttp as soon as it is there."""

    def change(module: ModuleType) -> None:
        patches.replace(module.TCPConnector, "_create_connection", lambda original: _connecting(interception, original))

    patches.when_imported("aiohttp.connector", change)


def _connecting(interception: Interception, original: Callable[..., Any]) -> Callable[..., Any]:
    async def create_connection(connector: Any, request: Any, *rest: Any) -> Any:
        url = request.url
        if interception.passes(url.scheme, url.host, url.port, str(url)):
            return await original(connector, request, *rest)

        def ask(given: Request) -> Reply:
            return interception.answer(url.scheme, url.host, url.port, given)

        protocol = connector._factory()  # noqa: SLF001  # the connector makes the other end of its connections so, too
        protocol.connection_made(WireTransport(protocol, ask))
        return protocol

    return create_connection


class WireTransport(asyncio.Transport):
    """The other end of a protocol: takes one request, has it answered in a thread, and ends the connection."""

    def __init__(self, protocol: Any, ask: Ask) -> None:
        super().__init__()
        self._protocol = protocol
        self._ask = ask
        self._reader = RequestReader()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def write(self, data: Any) -> None:
        """Take a piece of the request; the answer is asked for as soon as it is complete."""
        self._reader.feed(data)
        request = self._reader.take()
        if request is not None:
            self._task = asyncio.get_running_loop().create_task(self._answer(request))

    def close(self) -> None:
        """End the connection."""
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        """Tell whether the connection is ended."""
        return self._closing

    def is_reading(self) -> bool:
        """Tell whether the protocol wants more: what comes is small, and never held back."""
        return True

    def pause_reading(self) -> None:
        """Go on: what comes is in memory already."""

    resume_reading = pause_reading

    async def _answer(self, request: Request) -> None:
        failure: Exception | None = None
        try:
            reply = await asyncio.to_thread(self._ask, request)
            self._protocol.data_received(reply.head)
            while not self._closing and (piece := await asyncio.to_thread(next, reply.pieces, None)) is not None:
                self._protocol.data_received(piece)
        except Exception as error:  # noqa: BLE001  # whatever it is, the client is to hear of it
            failure = error
        if not self._closing:
            self._closing = True
            self._protocol.connection_lost(failure)
