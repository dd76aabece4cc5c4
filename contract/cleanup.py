"""Delete what a run created at a live provider: after each journey, at its end, or later from its ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx

from contract.budget import Budget
from contract.choice import Choice
from contract.ledger import Ledger, Made
from contract.links import Deletion, deletion_of, items_of
from contract.run import Run
from contract.target import Target
from emulator.openapi import Operation

_GONE = (404, 410)
_PAGES = 50
_SKEW = timedelta(seconds=5)
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
    """Find what creates made of which no answer is known; return, in words, what stays unclear.

    What bears the run's mark, or is named by something that does, is the run's: it goes into the ledger, to be deleted
    with the rest. What is only new may be somebody else's: it is told, and left alone.
    """
    ledger, document, unclear = target.run.ledger, target.provider.document, []
    ours = _names_of_ours(target)
    for number, intent in list(ledger.intents.items()):
        operation = document.operations[intent.operation]
        deletion, listing = deletion_of(document, operation), _list_of(target, operation)
        if deletion is None or listing is None:
            unclear.append(f"{operation.id}: it is not known whether it created something")
            continue
        known = [made.parameters for made in ledger.open.values()]
        new = [one for one in _listed(target, listing, deletion) if one.parameters not in known]
        lost = [one for one in new if one.marked or ours & set(one.parameters.values())]
        if lost:
            ledger.made(number, deletion.operation.id, lost[0].parameters)
            continue
        ledger.nothing(number)
        unclear += [f"{operation.id}: is {one.parameters} of this run?" for one in new if one.since(intent.when)]
    return unclear


class _Listed(NamedTuple):
    """Something that is listed: its path parameters, whether it bears the run's mark, and when it was created."""

    parameters: dict[str, str]
    marked: bool
    values: set[str]
    created: Any

    def since(self, moment: str) -> bool:
        """Tell whether it was created at this moment or later, as far as it says."""
        try:
            return datetime.fromisoformat(self.created) >= datetime.fromisoformat(moment) - _SKEW
        except (TypeError, ValueError):
            return False


def _names_of_ours(target: Target) -> set[str]:
    """Return the strings in everything listed that bears the run's mark: an identity names its mailbox."""
    ledger, document, found = target.run.ledger, target.provider.document, set[str]()
    creates = {made.operation for made in ledger.open.values()} | {one.operation for one in ledger.intents.values()}
    for name in creates:
        operation = document.operations[name]
        deletion, listing = deletion_of(document, operation), _list_of(target, operation)
        if deletion is not None and listing is not None:
            found = found.union(*(one.values for one in _listed(target, listing, deletion) if one.marked))
    return found


def _listed(target: Target, listing: Operation, deletion: Deletion) -> Iterator[_Listed]:
    """Yield everything that an operation lists, page by page."""
    mark = f"-{target.run.mark}-"
    query: dict[str, str] = {}
    for _ in range(_PAGES):
        answer = _send(target, listing, {}, query)
        page = answer.json() if answer is not None and answer.is_success else {}
        for item in items_of(page):
            found = deletion.parameters_of_item(item)
            if found is not None:
                values = {value for value in item.values() if isinstance(value, str)}
                created = item.get("created_at") or item.get("createdAt")
                yield _Listed(found, mark in json.dumps(item), values, created)
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
    unclear = find_lost(target)
    count = len(ledger.open)
    left = [f"{one.operation}: {one.delete} failed for {one.parameters}" for one in clean(target)]
    target.close()
    deleted = f"{count - len(left)} of {count} things deleted"
    return Told("\n".join([*unclear, *left, deleted]), [*unclear, *left])
