"""What the links of a contract document say about creating and deleting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from contract.exchange import Exchange
from emulator.openapi import Document, Operation

_BODY = "$response.body#"
_PATH = "$request.path."
_CREATED = "201"


@dataclass(frozen=True)
class Deletion:
    """The operation that deletes what another one creates, and where its path parameters come from."""

    operation: Operation
    expressions: Mapping[str, str]

    def parameters(self, exchange: Exchange) -> dict[str, str] | None:
        """Return the path parameters for what this exchange created, None if its answer does not tell."""
        return _named({name: _evaluate(expression, exchange) for name, expression in self.expressions.items()})

    def parameters_of_item(self, item: Mapping[str, Any]) -> dict[str, str] | None:
        """Return the path parameters for an item of a list, by the last names of the expressions."""
        return _named({name: item.get(expression.rpartition("/")[2]) for name, expression in self.expressions.items()})


def _named(found: dict[str, Any]) -> dict[str, str] | None:
    """Return path parameters if all are known."""
    if not all(isinstance(value, str | int) for value in found.values()):
        return None
    return {name: str(value) for name, value in found.items()}


def deletion_of(document: Document, operation: Operation) -> Deletion | None:
    """Return what deletes that which an operation creates, None if the document links to nothing of the kind."""
    return next((one for one in deletions_of(document, operation) if _is_of(one, operation)), None)


def deletions_of(document: Document, operation: Operation) -> tuple[Deletion, ...]:
    """Return what deletes all that an operation creates: the thing itself, and what it may make beside it.

    An identity may come with a mailbox, which its deletion leaves alone. Without the first there is none.
    """
    return _deletions(document, operation.id)


def has_created(document: Document, exchange: Exchange) -> bool:
    """Tell whether an answer says that something is new, and not that it was there: that may be anybody's.

    Where 201 is documented, 200 says the latter; an answer that the document does not know is taken for the former.
    """
    operation = exchange.operation
    if operation is None or not exchange.succeeded or deletion_of(document, operation) is None:
        return False
    status = str(exchange.status)
    return status == _CREATED or status not in operation.responses or _CREATED not in operation.responses


@cache
def _deletions(document: Document, name: str) -> tuple[Deletion, ...]:
    operation, found = document.operations[name], []
    for response in operation.responses.values():
        for link in response.get("links", {}).values():
            target = document.operations.get(link.get("operationId", ""))
            if target is not None and target.method == "DELETE" and link.get("parameters"):
                found.append(Deletion(target, link["parameters"]))
    itself = [one for one in found if _is_of(one, operation)]
    beside = [one for one in found if one not in itself and len(one.expressions) == 1]
    return (*itself[:1], *beside) if itself and operation.method == "POST" else ()


def named_in(exchange: Exchange) -> set[str]:
    """Return the names by which the links of a create's answer call what it made."""
    operation = exchange.operation
    if operation is None:
        return set()
    links = [link for response in operation.responses.values() for link in response.get("links", {}).values()]
    expressions = {expression for link in links for expression in (link.get("parameters") or {}).values()}
    found = (_evaluate(expression, exchange) for expression in expressions if expression.startswith(_BODY))
    return {str(value) for value in found if value is not None}


def items_of(answer: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects that an answer lists: its own items, or those of the lists in it."""
    lists = [answer] if isinstance(answer, list) else []
    lists += [value for value in answer.values() if isinstance(value, list)] if isinstance(answer, dict) else []
    for items in lists:
        yield from (item for item in items if isinstance(item, dict))


def _is_of(deletion: Deletion, create: Operation) -> bool:
    """Tell whether a deletion is that of the created thing itself, and not of something in it or beside it."""
    return deletion.operation.path.rpartition("/")[0] == create.path.rstrip("/")


def _evaluate(expression: str, exchange: Exchange) -> Any:
    if expression.startswith(_PATH):
        return exchange.parameters.get(expression.removeprefix(_PATH))
    value = exchange.json_or_none()
    for part in expression.removeprefix(_BODY).split("/")[1:]:
        value = value.get(part) if isinstance(value, dict) else None
    return value
