"""The Flask app of one provider: a request's way from the door to the route and back."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, Final

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SessionInterface
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from emulator import providers
from emulator.openapi import JSON_TYPE, Operation
from emulator.provider import Answer, Call, Problem, Provider
from emulator.servers.http.building import built_once
from emulator.servers.http.check import ContractViolation, OperationCheck
from emulator.servers.http.exchange import EXCHANGE, SPARE_THREAD, Exchange
from emulator.servers.http.strikes import strike
from emulator.world import ACCOUNTS, CREDENTIALS, Credential

View = Callable[..., Any]  # an Answer; Flask's own type for views is wider

_PARAMETER = re.compile(r"<(?:[a-z]+:)?([^>]+)>")
_HTTP_KINDS: Final = {404: "no_route", 405: "method_not_allowed", 413: "too_large"}
_USE_NOTED_EVERY: Final = timedelta(seconds=1)
_log = logging.getLogger("emulator")


@built_once
def provider_app(name: str, revision: str) -> Flask:
    """Return the app of a provider's revision. It holds no state, so one serves every world of the process."""
    provider = providers.get(name).at(revision)
    app = _App(__name__, static_folder=None)
    app.session_interface = _NoSession()
    app.config["MAX_CONTENT_LENGTH"] = provider.body_limit
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.register_blueprint(provider.routes(), name="")
    _add_missing(app, provider)
    for endpoint, view in list(app.view_functions.items()):
        operation = provider.document.operations.get(endpoint)
        if operation is not None:
            app.view_functions[endpoint] = _pipeline(provider, operation, view)
    app.register_error_handler(Exception, _error_handler(app, provider))
    return app


def openapi_path(rule: str) -> str:
    """Write a Flask rule as an OpenAPI path: `/a/<b>` as `/a/{b}`."""
    return _PARAMETER.sub(r"{\1}", rule)


class _App(Flask):
    """Flask without what these APIs have no use for: server names, subdomains and building URLs from requests."""

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Match a request by its path alone: the front has looked at the host already."""
        if request is None:
            return super().create_url_adapter(request)
        scheme, root = request.scheme, request.environ.get("SCRIPT_NAME") or "/"
        return MapAdapter(self.url_map, "localhost", root, "", scheme, request.path, request.method, None)


class _NoSession(SessionInterface):
    """The providers' APIs have no cookies; not opening sessions saves a tenth of a request."""

    _none = SecureCookieSession()

    def open_session(self, *_: object) -> SecureCookieSession:
        return self._none

    def save_session(self, *_: object) -> None:
        return None


def _add_missing(app: Flask, provider: Provider) -> None:
    """Give every documented operation that is not built an honest answer."""
    for operation in provider.document.operations.values():
        if operation.id not in app.view_functions:
            path = re.sub(r"\{([^}]+)\}", r"<\1>", operation.path)
            app.add_url_rule(path, operation.id, _not_built, methods=[operation.method])


def _not_built(call: Call, **_: str) -> Answer:
    raise Problem("not_built", f"{call.operation.id} is documented but not built in this emulator")


def _exchange() -> Exchange:
    exchange: Exchange = request.environ[EXCHANGE]
    return exchange


def _pipeline(provider: Provider, operation: Operation, view: View) -> Callable[..., Response]:
    check = OperationCheck(provider.document, operation)
    perform = _performer(provider, operation)

    def run(**path: str) -> Response:
        exchange = _exchange()
        exchange.operation = operation
        received: Request = exchange.environ["werkzeug.request"]  # Flask's proxy costs on every use
        exchange.sent = received.get_data()  # before the lock: a slow client must not hold up the world
        if len(exchange.world.faults) and not strike(exchange, operation):
            return Response()
        answer = perform(exchange, check, received, view, path)
        return _respond(exchange, answer, check if exchange.world.strict else None)

    return run


def _performer(provider: Provider, operation: Operation) -> Callable[..., Answer]:
    if operation.id in provider.waiting_operations:
        return _perform_waiting
    return _perform_fetching if operation.id in provider.fetches else _perform


def _perform(
    exchange: Exchange, check: OperationCheck, received: Request, view: View, path: Mapping[str, str]
) -> Answer:
    world = exchange.world
    with world.lock:
        call = _admit(exchange, check, received)
        with world.step():
            answer: Answer = view(call, **path)
            return answer


def _perform_fetching(
    exchange: Exchange, check: OperationCheck, received: Request, view: View, path: Mapping[str, str]
) -> Answer:
    """Run a view after what it needs from the network was fetched, without the lock."""
    with exchange.world.lock:
        call = _admit(exchange, check, received)
    call.fetched = exchange.provider.fetches[check.operation.id](call)
    with exchange.world.step():
        answer: Answer = view(call, **path)
        return answer


def _perform_waiting(
    exchange: Exchange, check: OperationCheck, received: Request, view: View, path: Mapping[str, str]
) -> Answer:
    """Run a view that may sleep: without the lock, and with a thread more for everybody else."""
    with exchange.world.lock:
        call = _admit(exchange, check, received)
    with exchange.environ.get(SPARE_THREAD, nullcontext)():
        answer: Answer = view(call, **path)
        return answer


def _admit(exchange: Exchange, check: OperationCheck, received: Request) -> Call:
    """Let a request in: past auth and contract check."""
    operation = check.operation
    credential = _authenticate(exchange, operation)
    headers = check.headers(received)
    return Call(
        world=exchange.world,
        provider=exchange.provider,
        operation=operation,
        account=exchange.account,
        credential=credential,
        query=check.query(received),
        headers=headers,
        body=check.body(exchange.sent, received),
        request_id=exchange.request_id,
        origin=exchange.origin,
        base_url=exchange.base_url,
        doors=exchange.worlds.doors,
    )


def _authenticate(exchange: Exchange, operation: Operation) -> Credential | None:
    """Find the credential and the account of a request; Problem if the operation needs one that is not there."""
    if not operation.needs_credential:
        return None
    world, provider, key = exchange.world, exchange.provider, exchange.key
    if key is None:
        raise Problem("unauthorized", "No API key was sent")
    credential = world.store.get(CREDENTIALS, key)
    if credential is None and not world.strict and provider.key_form.match(key):
        with world.step():
            credential = provider.open_account(world, key)
    now = world.now()
    if credential is None or credential.provider != provider.name:
        raise Problem("unauthorized", "The API key is not valid")
    if credential.expires_at is not None and credential.expires_at <= now:
        raise Problem("unauthorized", "The API key has expired or was revoked")
    if credential.last_used_at is None or now - credential.last_used_at >= _USE_NOTED_EVERY:
        credential = world.store.put(CREDENTIALS, replace(credential, last_used_at=now))
    if credential.account_id is not None:
        exchange.account = world.store.get(ACCOUNTS, credential.account_id)
    return credential


def _respond(exchange: Exchange, answer: Answer, check: OperationCheck | None = None) -> Response:
    if check is not None:
        check.answer(answer)
    exchange.status = answer.status
    answer = answer._replace(headers={**_standing_headers(exchange), **answer.headers})
    exchange.answer_headers = answer.headers
    if isinstance(answer.body, bytes):
        exchange.answered = answer.body
        return Response(answer.body, answer.status, answer.headers)
    if isinstance(answer.body, Iterator):
        return Response(_pieces(exchange, answer.body), answer.status, answer.headers)
    if answer.body == "":
        response = Response(status=answer.status, headers=answer.headers)
        del response.headers["Content-Type"]
        return response
    exchange.answered = json.dumps(answer.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return Response(exchange.answered, answer.status, answer.headers, content_type=JSON_TYPE)


def _pieces(exchange: Exchange, body: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces of an answer, with a thread more for everybody else while they last."""
    with exchange.environ.get(SPARE_THREAD, nullcontext)():
        yield from body


def _standing_headers(exchange: Exchange) -> dict[str, str]:
    """Return what every answer carries, unless it says otherwise itself."""
    provider, headers = exchange.provider, {}
    if provider.request_id_header is not None:
        headers[provider.request_id_header] = exchange.request_id
    if provider.standing_headers is not None:
        headers |= provider.standing_headers(exchange.world, exchange.operation, exchange.key)
    return headers


def _error_handler(app: Flask, provider: Provider) -> Callable[[Exception], Response]:
    def answer(error: Exception) -> Response:
        exchange = _exchange()
        problem = _as_problem(app, exchange, error)
        response = _respond(exchange, provider.render(problem, exchange.request_id))
        response.headers.update(problem.headers)
        exchange.answer_headers = {**exchange.answer_headers, **problem.headers}
        return response

    return answer


def _as_problem(app: Flask, exchange: Exchange, error: Exception) -> Problem:
    if isinstance(error, Problem):
        error.operation = exchange.operation
        if exchange.world.strict and error.kind not in ("fault", "not_built"):
            _check_documented(exchange, error)
        return error
    if isinstance(error, HTTPException):
        return _http_problem(app, error)
    _log.error("the emulator failed at %s %s", request.method, request.path, exc_info=error)
    exchange.worlds.failures.append(error)
    return Problem("internal", f"the emulator failed: {type(error).__name__}; see its log")


def _check_documented(exchange: Exchange, problem: Problem) -> None:
    """Note in strict mode that a problem was answered which the contract does not know."""
    operation, status = exchange.operation, exchange.provider.render(problem, "").status
    if operation is not None and not operation.documents(status):
        violation = ContractViolation(f"{operation.id} answered the undocumented status {status}: {problem.message}")
        exchange.worlds.failures.append(violation)


def _http_problem(app: Flask, error: HTTPException) -> Problem:
    status = error.code or 500
    kind = _HTTP_KINDS.get(status, "malformed")
    headers: dict[str, str] = {}
    methods = getattr(error, "valid_methods", None)
    if methods:
        headers["Allow"] = ", ".join(sorted(methods))
    if kind == "no_route":
        headers["X-Emulator-Hint"] = _nearest(app, request.path)
    message = "Not Found" if kind == "no_route" else str(error.name)
    return Problem(kind, message, status=status, headers=headers)


def _nearest(app: Flask, path: str) -> str:
    rules: Mapping[str, str] = {openapi_path(rule.rule): rule.endpoint for rule in app.url_map.iter_rules()}
    near = get_close_matches(path, rules, 1, 0.3)
    hint = f"the nearest is {near[0]}" if near else "see /_emulator/coverage"
    return f"no operation at this path is emulated; {hint}"
