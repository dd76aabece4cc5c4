"""What a run may do to a live provider: read, create what it can delete again, and touch only that."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import httpx

from contract.budget import Refused
from contract.exchange import Exchange
from contract.ledger import Ledger
from contract.links import deletion_of, has_created, named_in
from emulator.openapi import Document, Operation

_SAFE = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Refuses what a profile does not allow. `allowed` are operations that were named on the command line."""

    def __init__(self, document: Document, ledger: Ledger, profile: str, allowed: Container[str]) -> None:
        self._document = document
        self._ledger = ledger
        self._profile = profile
        self._allowed = allowed
        self._inner = _parameters_inside(document)

    def check(self, operation: Operation | None, parameters: Mapping[str, str], request: httpx.Request) -> None:
        """Raise Refused for a request that must not be sent to a live provider."""
        if request.method in _SAFE:
            return
        if operation is None:
            raise Refused(f"{request.method} {request.url.path} is not in the contract document")
        if self._profile == "read":
            raise Refused(f"{operation.id} changes something; --profile journeys allows that")
        if operation.id in self._allowed or any(self._ledger.owns(key) for key in _keys(request)):
            return
        if parameters:
            first = next(iter(parameters.values()))
            if not self._ledger.owns(first):
                raise Refused(f"{operation.id} would touch what this run did not create")
        elif deletion_of(self._document, operation) is None:
            raise Refused(f"{operation.id} cannot be undone; --allow {operation.id} allows it")

    def note(self, exchange: Exchange) -> None:
        """Learn from an answer what belongs to this run."""
        operation = exchange.operation
        if operation is None or not exchange.succeeded:
            return
        first = next(iter(exchange.parameters.values()), None)
        if first is None and has_created(self._document, exchange):
            self._ledger.own(named_in(exchange))
            if "key" not in operation.path:
                self._ledger.own(_keys_in(exchange.json_or_none()))
        elif first is not None and self._ledger.owns(first):
            self._ledger.own(_ids_in(exchange.json_or_none(), self._inner))


def _parameters_inside(document: Document) -> set[str]:
    """Return the parameters that never come first in a path: they name what lies inside of something."""
    paths = [
        [part[1:-1] for part in one.path.split("/") if part.startswith("{")] for one in document.operations.values()
    ]
    return {"id"} | {name for path in paths for name in path[1:]} - {path[0] for path in paths if path}


def _ids_in(value: Any, names: Container[str]) -> set[str]:
    """Return what an answer calls its subject, or the items of its list; never what these refer to."""
    if isinstance(value, list):
        return {name for item in value for name in _own_ids(item, names)}
    if not isinstance(value, dict):
        return set()
    inner = (item for item in value.values() if isinstance(item, list))
    wrapped = value.get("data")
    found = {name for items in inner for item in items for name in _own_ids(item, names)}
    return found | _own_ids(value, names) | _own_ids(wrapped, names)


def _own_ids(value: Any, names: Container[str]) -> set[str]:
    if not isinstance(value, dict):
        return set()
    return {str(item) for name, item in value.items() if name in names and isinstance(item, str)}


def _keys(request: httpx.Request) -> list[str]:
    """Return what could be the credential of a request."""
    shown = (request.headers.get(name) for name in ("Authorization", "X-API-Key", "X-Service-Token", "X-Auth-Token"))
    return [value.rpartition(" ")[2] for value in shown if value]


def _keys_in(value: Any) -> set[str]:
    """Return the credentials that came with something new: a mailbox's own key opens that mailbox only.

    What is a key itself may open the whole account, and is none of these.
    """
    if not isinstance(value, dict):
        return set()
    found = {item for name, item in value.items() if name in ("key", "secret", "api_key") and isinstance(item, str)}
    return found.union(*(_keys_in(item) for item in value.values()))
