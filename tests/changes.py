"""Changes to a request or an answer, to make deviations of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.deviating import Asked, Reply


def without(*names: str) -> Callable[[Reply], None]:
    """Leave a field out; the last name is the field, those before it lead there."""

    def change(reply: Reply) -> None:
        value = whole = reply.json
        for name in names[:-1]:
            value = value[name]
        for item in value if isinstance(value, list) else [value]:
            item.pop(names[-1], None)
        reply.json = whole

    return change


def with_value(value: Any, *names: str) -> Callable[[Reply], None]:
    """Give a field another value, or add it; in every item of a list."""

    def change(reply: Reply) -> None:
        found = whole = reply.json
        for name in names[:-1]:
            found = found[name]
        for item in found if isinstance(found, list) else [found]:
            item[names[-1]] = value
        reply.json = whole

    return change


def turned_round(*names: str) -> Callable[[Reply], None]:
    """Turn a list round."""

    def change(reply: Reply) -> None:
        found = whole = reply.json
        for name in names:
            found = found[name]
        found.reverse()
        reply.json = whole

    return change


def with_status(status: int) -> Callable[[Reply], None]:
    """Answer with another status."""

    def change(reply: Reply) -> None:
        reply.status = status

    return change


def with_header(name: str, value: str | None) -> Callable[[Reply], None]:
    """Give a header another value; None leaves it out."""

    def change(reply: Reply) -> None:
        reply.headers.pop(name, None)
        if value is not None:
            reply.headers[name] = value

    return change


def with_body(body: bytes) -> Callable[[Reply], None]:
    """Answer with another body."""

    def change(reply: Reply) -> None:
        reply.body = body

    return change


def asking(*names: str, value: Any = None) -> Callable[[Asked], None]:
    """Take a field out of the request, or give it another value."""

    def change(asked: Asked) -> None:
        given = asked.json
        if isinstance(given, dict) and names[0] in given:
            given.pop(names[0])
            if value is not None:
                given[names[0]] = value
            asked.json = given

    return change


def with_query(text: str) -> Callable[[Asked], None]:
    """Ask with this query in the place of any other."""

    def change(asked: Asked) -> None:
        asked.environ["QUERY_STRING"] = text

    return change


def without_header(name: str) -> Callable[[Asked], None]:
    """Take a header out of the request."""

    def change(asked: Asked) -> None:
        asked.environ.pop(f"HTTP_{name.upper().replace('-', '_')}", None)

    return change


def instead(status: int, body: bytes = b"", kind: str = "application/json", **headers: str) -> Callable[[Asked], Reply]:
    def change(_: Asked) -> Reply:
        return Reply(status, {"Content-Type": kind, **headers}, body)

    return change


def once(reply: Reply) -> Callable[[Asked], Reply | None]:
    """Answer the first request so, and all later ones as they should be."""
    done: list[bool] = []

    def change(_: Asked) -> Reply | None:
        if done:
            return None
        done.append(True)
        return reply

    return change


def showing_key(header: str, value: str) -> Callable[[Asked], None]:
    """Let everybody in: show a good key in the place of any other."""

    def change(asked: Asked) -> None:
        asked.environ[f"HTTP_{header.upper().replace('-', '_')}"] = value

    return change
