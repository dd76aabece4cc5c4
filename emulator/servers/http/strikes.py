"""What fault rules do to a request: an error instead of an answer, a wait, a connection that breaks."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from math import ceil
from typing import Any, Final

from emulator.mail.addresses import is_address
from emulator.openapi import Operation
from emulator.provider import Problem
from emulator.servers.http.exchange import SPARE_THREAD, Exchange
from emulator.world.accounts import account_of_key
from emulator.world.faults import Drop, FaultRule, Latency, Occasion, Respond, Truncate

HEADER: Final = "X-Emulator-Fault"
"""The response header that names the rule behind an error."""

NOTHING: Final = -1
"""What `Exchange.cut` says where not even the status line gets out."""

_OF_SENDERS: Final = ("from", "sender", "reply_to", "replyTo", "return_path")
"""Fields of a request whose addresses are nobody's that a mail goes to."""


def strike(exchange: Exchange, operation: Operation) -> bool:
    """Do to a request what fault rules say; return whether it is to be done at all.

    Raises Problem where they say what is answered.
    """
    for rule in _rules(exchange, operation):
        effect = rule.effect
        if isinstance(effect, Latency):
            _wait(exchange, effect.seconds)
        elif isinstance(effect, Respond):
            raise _problem(rule, effect, operation)
        elif isinstance(effect, Drop):
            exchange.cut = NOTHING
            return effect.after
        elif isinstance(effect, Truncate):
            exchange.cut = effect.keep
    return True


def cut_short(answer: Iterable[bytes], keep: int) -> Iterable[bytes]:
    """Return an answer that breaks off after `keep` bytes of its body, as the server's connection does.

    Raises ConnectionResetError at once if nothing of it is to get out.
    """
    if keep == NOTHING:
        _close(answer)
        raise _reset()
    return _first(answer, keep)


def _first(answer: Iterable[bytes], keep: int) -> Iterator[bytes]:
    left = keep
    try:
        for piece in answer:
            yield piece[:left]
            left -= len(piece)
            if left < 0:
                raise _reset()
    finally:
        _close(answer)


def _close(answer: Iterable[bytes]) -> None:
    getattr(answer, "close", lambda: None)()


def _reset() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "a fault rule closed the connection")


def _rules(exchange: Exchange, operation: Operation) -> list[FaultRule]:
    world = exchange.world
    if not len(world.faults):
        return []
    account = account_of_key(world.store, exchange.key)
    body = partial(_json, exchange.sent)
    occasion = Occasion(
        exchange.provider.name,
        operation.id,
        account,
        recipients=lambda: [text for text in _texts(body()) if is_address(text)],
        subject=lambda: _subject(body()),
    )
    with world.lock:
        return world.faults.at_request(occasion)


def _problem(rule: FaultRule, effect: Respond, operation: Operation) -> Problem:
    documented = operation.responses.get(str(effect.status), {}).get("description", "Fault injected")
    headers = {HEADER: rule.id}
    if effect.retry_after is not None:
        headers["Retry-After"] = str(ceil(effect.retry_after))
    return Problem("fault", effect.message or documented, status=effect.status, code=effect.code, headers=headers)


def _wait(exchange: Exchange, seconds: float) -> None:
    if exchange.world.clock.virtual:
        exchange.world.advance(timedelta(seconds=seconds))
        return
    with exchange.environ.get(SPARE_THREAD, nullcontext)():
        time.sleep(seconds)


def _json(sent: bytes) -> Any:
    try:
        return json.loads(sent)
    except (ValueError, RecursionError):
        return None


def _texts(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict | list):
            told = each.items() if isinstance(each, dict) else enumerate(each)
            stack.extend(value for name, value in told if name not in _OF_SENDERS)


def _subject(body: Any) -> str | None:
    subject = body.get("subject") if isinstance(body, dict) else None
    return subject if isinstance(subject, str) else None
