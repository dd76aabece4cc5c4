"""Requests of schemathesis, sent over a target's wire."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import httpx
import requests
import urllib3
from requests.adapters import HTTPAdapter

from contract.wire import Wire


class WireAdapter(HTTPAdapter):
    """A transport of `requests` that sends over a wire."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Send a prepared request and return the answer."""
        content = _bytes(request.body) if isinstance(request.body, str | bytes) else None
        headers = [(_bytes(name), _bytes(value).strip()) for name, value in request.headers.items()]
        sent = httpx.Request(str(request.method), str(request.url), headers=headers, content=content)
        with httpx.Client(transport=_Kept(self._wire)) as client:
            received = client.send(sent)
        response = self.build_response(request, _as_urllib3(received))
        response.elapsed = received.elapsed
        return response

    def close(self) -> None:
        """Leave the wire open: it is the target's."""


_CODED = ("content-encoding", "transfer-encoding", "content-length")


class _Kept(httpx.BaseTransport):
    """A transport that stays open when its client closes."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._inner.handle_request(request)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1", "surrogateescape")


def _as_urllib3(received: httpx.Response) -> urllib3.HTTPResponse:
    headers = [(name, value) for name, value in received.headers.multi_items() if name not in _CODED]
    return urllib3.HTTPResponse(
        body=BytesIO(received.content),
        headers=urllib3.HTTPHeaderDict(headers),
        status=received.status_code,
        reason=received.reason_phrase,
        preload_content=False,
    )


def session_over(wire: Wire) -> requests.Session:
    """Return a session of `requests` whose every request goes over this wire."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, WireAdapter(wire))
    return session
