"""Ways to bring about the errors of any operation, from its contract document and requests that succeed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote

from emulator.openapi import JSON_TYPE, Operation
from emulator.provider import Provider

MADE: Final = "{made}"
"""In a path: the id of what the request before has made."""

_PARAMETER: Final = re.compile(r"\{([^}]+)\}")
_OTHER_LETTERS: Final = str.maketrans("0123456789abcdef", "5678901234fedcba")
_NOBODY: Final = ("nobody", "nobody@nowhere.test", "nowhere.test", "00000000-0000-4000-8000-00000000dead")
_WRONG: Final[tuple[Any, ...]] = ({"no": "such"}, "", 0, 7, [], "x" * 3000, -1, True, "\r\n")
_WRONG_TEXTS: Final = ("", "no-such", "-1", "0", "x" * 3000, "%")


@dataclass(frozen=True, slots=True)
class Request:
    """A request to an operation. `body` is a JSON value, `data` bytes; both None for no body."""

    operation: Operation
    path: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    data: bytes | None = None
    claimed_length: int | None = None
    """A length that the headers announce for a body that is not sent."""
    anonymous: bool = False

    def url(self, made: str) -> str:
        """Return the path, filled in; `made` is what stands for MADE."""
        values = {name: made if value == MADE else quote(value, safe="@:") for name, value in self.path.items()}
        return _PARAMETER.sub(lambda found: values[found[1]], self.operation.path)

    def parameters(self, place: str) -> list[str]:
        """Return the names of the documented parameters in a place: `query` or `header`."""
        return [parameter["name"] for parameter in self.operation.parameters if parameter["in"] == place]

    def with_header(self, name: str, value: str) -> Request:
        """Return the request with a header."""
        return replace(self, headers={**self.headers, name: value})

    def with_query(self, name: str, value: str) -> Request:
        """Return the request with a query parameter."""
        return replace(self, query={**self.query, name: value})

    def with_path(self, name: str, value: str) -> Request:
        """Return the request for another thing in its path."""
        return replace(self, path={**self.path, name: value})

    def with_field(self, name: str, value: Any) -> Request:
        """Return the request with a field of its body."""
        return replace(self, body={**(self.body if isinstance(self.body, dict) else {}), name: value})


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that may fail as wanted, after `settings` were chosen and other requests were sent `first`."""

    how: str
    request: Request
    first: tuple[Request, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What a way may use: the provider, and requests to its operations that succeed, by operationId."""

    provider: Provider
    requests: Mapping[str, list[Request]]

    def fields(self, operation: Operation) -> list[str]:
        """Return the names of the fields that the body of an operation may have."""
        schema = self.provider.document.resolve(operation.body_schema or {})
        return list(schema.get("properties", ()))

    def siblings(self, request: Request) -> Iterator[Request]:
        """Yield known changes of the same thing, or of one that it belongs to."""
        for known in self.requests.values():
            for each in known:
                if each.operation.method != "GET" and each.path and set(each.path) <= set(request.path):
                    same = {name: request.path[name] for name in each.path}
                    if _root(each.operation) == _root(request.operation):
                        yield replace(each, path=same)

    def makings(self, request: Request) -> Iterator[Request]:
        """Yield known requests that make one more thing of the kind that is asked for."""
        kind = request.operation.path.partition("/{")[0]
        for known in self.requests.values():
            yield from (each for each in known if each.operation.method == "POST" and each.operation.path == kind)


Way = Callable[[Known, Request], Iterator[Attempt]]


def read_request(operation: Operation, written: Mapping[str, Any]) -> Request:
    """Return a documented request as what the contract document calls its parts."""
    path, _, query = written["path"].partition("?")
    pattern = re.sub(r"\\\{[^}]+\\\}", "([^/]+)", re.escape(operation.path))
    found = re.fullmatch(pattern, path.rstrip("/"))
    assert found, f"{path} is no path of {operation.id}"
    return Request(
        operation,
        dict(zip(_PARAMETER.findall(operation.path), map(unquote, found.groups()), strict=True)),
        dict(parse_qsl(query, keep_blank_values=True)),
        written.get("headers", {}),
        written.get("json"),
        written["data"].encode() if "data" in written else None,
    )


def any_request(operation: Operation) -> Request:
    """Return a request to an operation of which no example is known."""
    return Request(operation, dict.fromkeys(_PARAMETER.findall(operation.path), "nobody"))


# Who asks


def nobody(_known: Known, request: Request) -> Iterator[Attempt]:
    """Ask without a key."""
    if request.operation.needs_credential:
        yield Attempt("no key", replace(request, anonymous=True))


def others(known: Known, request: Request) -> Iterator[Attempt]:
    """Ask with each well-known key of the provider."""
    for name, key in known.provider.credentials.items():
        headers = {**request.headers, **known.provider.key_headers(key)}
        yield Attempt(f"with `{name}`", replace(request, headers=headers))


# What is asked for


def unknown_things(_known: Known, request: Request) -> Iterator[Attempt]:
    """Name other things in the path: some of the same form, some of none."""
    for name, value in reversed(list(request.path.items())):
        alike = value[:-4] + value[-4:].translate(_OTHER_LETTERS)
        for other in (value.translate(_OTHER_LETTERS), alike, "nobody", "x" * 3000):
            if other != value:
                yield Attempt(f"unknown `{name}`", request.with_path(name, other))


def unknown_names(known: Known, request: Request) -> Iterator[Attempt]:
    """Name other things in the body and in the query."""
    for where, value, put in _leaves(request.body):
        if isinstance(value, str):
            for other in (value.translate(_OTHER_LETTERS), *_NOBODY):
                yield Attempt(f"unknown `{where}`", replace(request, body=put(other)))
    for name in known.fields(request.operation):
        for other in _NOBODY:
            yield Attempt(f"unknown `{name}`", request.with_field(name, other))
            yield Attempt(f"unknown `{name}`", request.with_field(name, [other]))
    for name in request.parameters("query"):
        yield from (Attempt(f"unknown `{name}`", request.with_query(name, other)) for other in _NOBODY)


# How it is asked


def unreadable(_known: Known, request: Request) -> Iterator[Attempt]:
    """Send a body that is not JSON, or does not say that it is."""
    if request.operation.body_schema is not None:
        cut_off = replace(request, body=None, data=b'{"')
        yield Attempt("malformed JSON", cut_off.with_header("Content-Type", JSON_TYPE))
        yield Attempt("text/plain", cut_off.with_header("Content-Type", "text/plain"))


def wrong_bodies(known: Known, request: Request) -> Iterator[Attempt]:
    """Leave out each field of the body, give it each wrong value, and send other bytes."""
    if request.operation.takes_bytes:
        yield Attempt("empty body", replace(request, data=b""))
        yield Attempt("other bytes", replace(request, data=(request.data or b"")[::-1]))
    if request.operation.body_schema is None:
        return
    given = request.body if isinstance(request.body, dict) else {}
    for name in given:
        yield Attempt(f"without `{name}`", replace(request, body=_without(given, name)))
    yield Attempt("a list", replace(request, body=[]))
    yield Attempt("an empty object", replace(request, body={}))
    for name in known.fields(request.operation):
        for value in _WRONG:
            yield Attempt(f"wrong `{name}`", request.with_field(name, value))


def wrong_leaves(_known: Known, request: Request) -> Iterator[Attempt]:
    """Give each value deep in the body each wrong value."""
    for where, _, put in _leaves(request.body):
        for value in _WRONG:
            yield Attempt(f"wrong `{where}`", replace(request, body=put(value)))


def wrong_parameters(_known: Known, request: Request) -> Iterator[Attempt]:
    """Give each query parameter and header each wrong value, and leave it out."""
    for name in request.parameters("query"):
        yield from (Attempt(f"wrong `{name}`", request.with_query(name, value)) for value in _WRONG_TEXTS)
        yield Attempt(f"without `{name}`", replace(request, query=_without(request.query, name)))
    for name in request.parameters("header"):
        yield from (Attempt(f"wrong `{name}`", request.with_header(name, value)) for value in _WRONG_TEXTS)
        yield Attempt(f"without `{name}`", replace(request, headers=_without(request.headers, name)))


def too_large(known: Known, request: Request) -> Iterator[Attempt]:
    """Announce a body above the limit."""
    length = known.provider.body_limit + 1
    large = replace(request, body=None, data=None, claimed_length=length)
    yield Attempt("too large", large.with_header("Content-Type", request.headers.get("Content-Type", JSON_TYPE)))


# When it is asked


def again(_known: Known, request: Request) -> Iterator[Attempt]:
    """Ask for the same once more, and for something else with the same path."""
    yield Attempt("the same again", request, (request,))
    if request.data is not None:
        yield Attempt("again with other bytes", replace(request, data=request.data[::-1]), (request,))


def with_one_key(known: Known, request: Request) -> Iterator[Attempt]:
    """Ask for something else with the same idempotency key, wherever it stands."""
    changes = [attempt.request for way in (unknown_names, wrong_leaves) for attempt in way(known, request)]
    if "Idempotency-Key" in request.parameters("header"):
        keyed = request.with_header("Idempotency-Key", "one")
        for other in changes:
            yield Attempt("`Idempotency-Key` reused", other.with_header("Idempotency-Key", "one"), (keyed,))
        for making in known.makings(request):
            for name in request.path:
                yield Attempt("`Idempotency-Key` reused", keyed.with_path(name, MADE), (keyed, making))
    for name in ("idempotency_key", "client_id"):
        for other in changes if name in known.fields(request.operation) else ():
            yield Attempt(f"`{name}` reused", other.with_field(name, "one"), (request.with_field(name, "one"),))


def too_late(known: Known, request: Request) -> Iterator[Attempt]:
    """Change what is not any more as the request believes."""
    if "If-Match" in request.parameters("header"):
        yield Attempt("`If-Match` of another state", request.with_header("If-Match", '"no"'))
    for sibling in known.siblings(request):
        yield Attempt(f"after `{sibling.operation.id}`", request, (sibling,))


def taken_names(known: Known, request: Request) -> Iterator[Attempt]:
    """Ask for a name that one more thing of its kind has got."""
    for making in known.makings(request):
        for name in known.fields(request.operation):
            if isinstance(making.body, dict) and name in making.body:
                yield Attempt(f"taken `{name}`", request.with_field(name, making.body[name]), (making,))


def with_settings(known: Known, request: Request) -> Iterator[Attempt]:
    """Turn each of the provider's settings to its end, and all of them."""
    ends = {name: end for name, default in known.provider.settings.items() for end in _ends(default)}
    for name, end in ends.items():
        yield Attempt(f"setting `{name}`: {json.dumps(end)}", request, settings={name: end})
    yield Attempt("every setting at its end", request, settings=ends)


def _ends(default: Any) -> tuple[Any, ...]:
    if isinstance(default, bool):
        return (not default,)
    if default is None or isinstance(default, int):
        return (0,)
    if isinstance(default, list | tuple):
        return ([],)
    return ("0",) if default[:1].isdigit() else ("elsewhere.test",) if "." in default else ()


WAYS: Final[Mapping[int, tuple[Way, ...]]] = {
    400: (unreadable, wrong_bodies, wrong_parameters, unknown_things, unknown_names, wrong_leaves),
    401: (nobody, wrong_parameters),
    402: (with_settings,),
    403: (others, unknown_names, with_settings),
    404: (unknown_things, unknown_names, others, wrong_parameters),
    409: (too_late, again, taken_names, unknown_names, with_one_key, with_settings),
    413: (too_large,),
    422: (wrong_bodies, wrong_parameters, wrong_leaves, unknown_names, too_late),
    429: (again, with_settings),
    503: (with_settings,),
}
"""Ways to each status, the simplest first. What is not here no client can bring about: it needs a fault rule."""


def _without(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != name}


def _root(operation: Operation) -> str:
    return operation.path.partition("/{")[0]


def _leaves(body: Any, put: Callable[[Any], Any] = lambda new: new) -> Iterator[tuple[str, Any, Callable[[Any], Any]]]:
    """Yield each value deep in a JSON value: its name, what it is, and how to put another in its place."""
    if isinstance(body, dict):
        for name, item in body.items():
            for inner, value, set_inner in _leaves(item, _putting(put, body, name)):
                yield f"{name}.{inner}".rstrip("."), value, set_inner
    elif isinstance(body, list):
        for index, item in enumerate(body):
            yield from _leaves(item, _putting(put, dict(enumerate(body)), index))
    elif body is not None:
        yield "", body, put


def _putting(put: Callable[[Any], Any], whole: Mapping[Any, Any], place: Any) -> Callable[[Any], Any]:
    """Return what puts a value into a place of an object, or of a list that is given by index."""

    def put_here(new: Any) -> Any:
        changed = {**whole, place: new}
        return put(list(changed.values()) if isinstance(place, int) else changed)

    return put_here
