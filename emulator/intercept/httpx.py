"""httpx: its own transports hand their requests over, whatever client they belong to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from emulator.intercept.calling import Reply, Request
from emulator.intercept.patches import Patches

if TYPE_CHECKING:
    import httpx

    from emulator.intercept import Interception


def patch(interception: Interception, patches: Patches) -> None:
    """Intercept httpx as soon as it is there."""

    def change(module: ModuleType) -> None:
        patches.replace(module.HTTPTransport, "handle_request", lambda original: _handling(interception, original))
        patches.replace(
            module.AsyncHTTPTransport, "handle_async_request", lambda original: _async_handling(interception, original)
        )

    patches.when_imported("httpx", change)


def _handling(interception: Interception, original: Callable[..., Any]) -> Callable[..., Any]:
    def handle_request(transport: Any, request: httpx.Request) -> httpx.Response:
        __tracebackhide__ = True
        if _passes(interception, request):
            response: httpx.Response = original(transport, request)
            return response
        return _sync_response(_ask(interception, request, request.read()), request)

    return handle_request


def _async_handling(interception: Interception, original: Callable[..., Any]) -> Callable[..., Any]:
    async def handle_async_request(transport: Any, request: httpx.Request) -> httpx.Response:
        __tracebackhide__ = True
        if _passes(interception, request):
            response: httpx.Response = await original(transport, request)
            return response
        from anyio.to_thread import run_sync

        body = await request.aread()
        # In a thread: an operation that waits for mail must not hold the loop. abandon_on_cancel: nor a timeout.
        reply = await run_sync(_ask, interception, request, body, abandon_on_cancel=True)
        return _async_response(reply, request)

    return handle_async_request


def _passes(interception: Interception, request: httpx.Request) -> bool:
    __tracebackhide__ = True
    url = request.url
    return interception.passes(url.scheme, url.host, _port(url), str(url))


def _port(url: httpx.URL) -> int:
    return url.port or {"https": 443}.get(url.scheme, 80)


def _ask(interception: Interception, request: httpx.Request, body: bytes) -> Reply:
    import httpx

    url, headers = (
        request.url,
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
    )
    given = Request(request.method, url.raw_path.decode("ascii"), headers, body)
    try:
        return interception.answer(url.scheme, url.host, _port(url), given)
    except ConnectionResetError as error:
        raise httpx.ReadError(str(error), request=request) from error


def _sync_response(reply: Reply, request: httpx.Request) -> httpx.Response:
    import httpx

    class Stream(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while (piece := _next(reply, request)) is not None:
                yield piece

    return httpx.Response(reply.status, headers=reply.headers, stream=Stream(), request=request)


def _async_response(reply: Reply, request: httpx.Request) -> httpx.Response:
    import httpx
    from anyio.to_thread import run_sync

    # An answer that says how long it is, is there already; only others come as they are made.
    ready = any(name.lower() == "content-length" for name, _ in reply.headers)

    class Stream(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                piece = _next(reply, request) if ready else await run_sync(_next, reply, request)
                if piece is None:
                    return
                yield piece

    return httpx.Response(reply.status, headers=reply.headers, stream=Stream(), request=request)


def _next(reply: Reply, request: httpx.Request) -> bytes | None:
    import httpx

    try:
        return next(reply.pieces, None)
    except ConnectionResetError as error:
        raise httpx.ReadError(str(error), request=request) from error
