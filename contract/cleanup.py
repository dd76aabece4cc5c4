"""Delete what a run created at a live provider: after each journey, at its end, or later from its ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx

from contract.budget import Budget
from contract.choice import Choice
from contract.ledger import Ledger, Made
from contract.links import Deletion, deletion_of
from contract.run import Run
from contract.target import Target
from emulator.openapi import Operation

_GONE = (404, 410)
_PAGES = 50
_CURSORS = ("next_cursor", "next_page_token", "nextCursor", "next_page")


def clean(target: Target) -> list[Made]:
    """Delete everything that the ledger holds, the newest first; return what could not be deleted."""
    left = []
    for made in sorted(target.run.ledger.open.values(), key=lambda one: one.number, reverse=True):
        operation = target.provider.document.operations[made.delete]
        answer = _send(target, operation, made.parameters)
        if answer is not None and (answer.is_success or answer.status_code in _GONE):
            target.run.ledger.gone(made.number)
        else:
            left.append(made)
    return left


def find_lost(target: Target) -> list[str]:
    """Find what creates made of which no answer is known, by the run's mark; return the operations that stay unclear.

    What is found goes into the ledger, to be deleted with the rest.
    """
    ledger, document = target.run.ledger, target.provider.document
    unclear = []
    for number, name in list(ledger.intents.items()):
        operation = document.operations[name]
        deletion, listing = deletion_of(document, operation), _list_of(target, operation)
        if deletion is None or listing is None:
            unclear.append(name)
            continue
        known = [made.parameters for made in ledger.open.values()]
        lost = [found for found in _marked(target, listing, deletion) if found not in known]
        if lost:
            ledger.made(number, deletion.operation.id, lost[0])
        else:
            ledger.nothing(number)
    return unclear


def _marked(target: Target, listing: Operation, deletion: Deletion) -> Iterator[dict[str, str]]:
    """Yield the path parameters of everything listed that bears the run's mark."""
    mark = f"-{target.run.mark}-"
    query: dict[str, str] = {}
    for _ in range(_PAGES):
        answer = _send(target, listing, {}, query)
        page = answer.json() if answer is not None and answer.is_success else {}
        for item in _items(page):
            found = deletion.parameters_of_item(item) if mark in json.dumps(item) else None
            if found is not None:
                yield found
        following = _next(page)
        if following is None:
            return
        query = {_cursor_parameter(listing): following}


def _list_of(target: Target, create: Operation) -> Operation | None:
    """Return the operation that lists what another one creates: GET at the same path."""
    for operation in target.provider.document.operations.values():
        if operation.method == "GET" and operation.path.rstrip("/") == create.path.rstrip("/"):
            return operation
    return None


def _items(page: Any) -> Iterator[Mapping[str, Any]]:
    lists = [page] if isinstance(page, list) else [value for value in page.values() if isinstance(value, list)]
    for items in lists:
        yield from (item for item in items if isinstance(item, dict))


def _next(page: Any) -> str | None:
    if not isinstance(page, dict):
        return None
    for holder in (page, page.get("pagination"), page.get("meta")):
        for name in _CURSORS:
            if isinstance(holder, dict) and isinstance(holder.get(name), str):
                return str(holder[name])
    return None


def _cursor_parameter(listing: Operation) -> str:
    names = [parameter["name"] for parameter in listing.parameters if parameter["in"] == "query"]
    return next((name for name in names if "cursor" in name or "token" in name), "cursor")


def _send(
    target: Target, operation: Operation, parameters: Mapping[str, str], query: Mapping[str, str] | None = None
) -> httpx.Response | None:
    """Send a request that needs no leave; None if there is no answer."""
    path = operation.path.format(**{name: quote(value, safe="@") for name, value in parameters.items()})
    headers = target.provider.key_headers(target.run.choice.api_key(target.provider, operation.id))
    try:
        return target.http.request(
            operation.method, path, headers=headers, params=dict(query or {}), extensions={"cleanup": True}
        )
    except httpx.HTTPError:
        return None


class Told(NamedTuple):
    """What came of a cleanup: in words, and what is left."""

    text: str
    left: list[str]


def clean_ledger(path: Path, key_env: tuple[str, ...]) -> Told:
    """Delete what the ledger of a run that was killed holds; ValueError if the file is no ledger."""
    ledger = Ledger.read(path)
    choice = Choice(
        provider=ledger.head["provider"],
        revision=ledger.head["revision"],
        base_url=ledger.head["base_url"],
        key_env=key_env or tuple(ledger.head["key_env"]),
    )
    run = Run(choice)
    run.kind = "live"
    run.budget, run.ledger, run.mark = Budget(None), ledger, ledger.head["mark"]
    target = Target(str(choice.provider), run)
    unclear = [f"{name}: it is not known whether it created something" for name in find_lost(target)]
    count = len(ledger.open)
    left = [f"{one.operation}: {one.delete} failed for {one.parameters}" for one in clean(target)]
    target.close()
    deleted = f"{count - len(left)} of {count} things deleted"
    return Told("\n".join([*unclear, *left, deleted]), [*unclear, *left])
