"""The one way from the suites to a provider: every request is guarded, counted, paced, written down and judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx

from contract.conformance import differences
from contract.exchange import Exchange, Paths
from contract.guard import Guard
from contract.ledger import Made
from contract.links import deletions_of, has_created
from emulator.provider import Provider

if TYPE_CHECKING:
    from contract.run import Run

_ATTEMPTS = 4
_WAITS = (429, 503)
_STREAM = "text/event-stream"


class Wire(httpx.BaseTransport):
    """A transport of httpx over another one, for one provider. At a live provider guard, ledger and patience are on."""

    def __init__(self, inner: httpx.BaseTransport, provider: Provider, base_url: str, run: Run) -> None:
        self._inner = inner
        self._provider = provider.name
        self._document = provider.document
        self._paths = Paths(provider.document, base_url)
        self._run = run
        self._guard = Guard(provider.document, run.ledger, run.profile, run.choice.allow)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request if it may be sent, and return the answer."""
        request.read()
        operation, parameters = self._paths.find(request.method, str(request.url))
        live = self._run.live and "cleanup" not in request.extensions
        if live:
            self._guard.check(operation, parameters, request)
        owned = any(map(self._run.ledger.owns, parameters.values()))
        deletions = deletions_of(self._document, operation) if live and operation and not owned else ()
        number = None

        def before() -> None:
            nonlocal number
            self._take(request, reserve=len(deletions))
            if deletions and number is None and operation:
                number = self._run.ledger.intend(operation.id)

        response = self._send(request, before, release=len(deletions))
        if response.headers.get("Content-Type", "").startswith(_STREAM):
            return response
        raw = b"".join(response.iter_raw())
        response.close()
        again = httpx.Response(
            response.status_code, headers=response.headers, stream=httpx.ByteStream(raw), extensions=response.extensions
        )
        decoded = httpx.Response(response.status_code, headers=response.headers, content=raw)
        exchange = Exchange(
            operation, parameters, request, request.content, response.status_code, response.headers, decoded.content
        )
        self._note(exchange, number)
        return again

    def operation_of(self, request: httpx.Request) -> str | None:
        """Return the operation that a request is, None if it is none of the document's."""
        operation, _ = self._paths.find(request.method, str(request.url))
        return operation.id if operation else None

    def close(self) -> None:
        """Close the transport below."""
        self._inner.close()

    def _take(self, request: httpx.Request, reserve: int) -> None:
        if "cleanup" in request.extensions:
            self._run.budget.take_reserved()
        else:
            self._run.budget.take(reserve)
        self._run.pace.wait()

    def _send(self, request: httpx.Request, before: Callable[[], None], *, release: int) -> httpx.Response:
        """Send a request; again after a while, where a live provider says that it is too busy."""
        patient = self._run.live and request.extensions.get("expect") not in _WAITS
        for attempt in range(_ATTEMPTS):
            before()
            response = self._inner.handle_request(request)
            if not patient or response.status_code not in _WAITS or attempt == _ATTEMPTS - 1:
                break
            response.read()
            response.close()
            self._run.budget.release(release)
            self._run.pace.hold(response.headers.get("Retry-After"), attempt)
        return response

    def _note(self, exchange: Exchange, number: int | None) -> None:
        if self._run.live and "cleanup" not in exchange.request.extensions:
            self._write_down(exchange, number)
            self._guard.note(exchange)
        self._run.see(self._provider, exchange, differences(self._document, exchange))

    def _write_down(self, exchange: Exchange, number: int | None) -> None:
        """Put in the ledger what an exchange created, renamed or deleted."""
        ledger, operation = self._run.ledger, exchange.operation
        if operation is None:
            return
        if number is not None:
            self._created(exchange, number)
        elif exchange.succeeded and operation.method == "DELETE":
            self._deleted(ledger.find(operation.id, exchange.parameters))
        elif exchange.succeeded and operation.method in ("PATCH", "PUT"):
            self._renamed(exchange)

    def _created(self, exchange: Exchange, number: int) -> None:
        """Put in the ledger what a create made; what it did not make needs no request in reserve."""
        assert exchange.operation
        ledger, made = self._run.ledger, 0
        deletions = deletions_of(self._document, exchange.operation)
        for deletion in deletions if has_created(self._document, exchange) else ():
            parameters = deletion.parameters(exchange)
            if parameters is not None and ledger.find(deletion.operation.id, parameters) is None:
                ledger.made(
                    number if not made else ledger.intend(exchange.operation.id), deletion.operation.id, parameters
                )
                made += 1
        if not made:
            ledger.nothing(number)
        self._run.budget.release(len(deletions) - made)

    def _deleted(self, made: Made | None) -> None:
        if made is not None:
            self._run.ledger.gone(made.number)
            self._run.budget.release()

    def _renamed(self, exchange: Exchange) -> None:
        """Follow something created to its new name, when it was changed at the path where it is deleted."""
        operation, answer = exchange.operation, exchange.json_or_none()
        for made in self._run.ledger.open.values():
            delete = self._document.operations[made.delete]
            if operation is None or delete.path != operation.path or made.parameters != exchange.parameters:
                continue
            known = deletions_of(self._document, self._document.operations[made.operation])
            deletion = next(one for one in known if one.operation.id == made.delete)
            parameters = deletion.parameters_of_item(answer) if isinstance(answer, dict) else None
            if parameters is not None and parameters != made.parameters:
                self._run.ledger.renamed(made, parameters)
                self._run.ledger.own(parameters.values())
            return
