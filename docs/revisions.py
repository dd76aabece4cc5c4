"""What differs between two generations of an API, read from their contract documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from emulator.openapi import Document, Operation
from emulator.provider import Provider

_DEEP: Final = 5
_ANSWERED: Final = 400


def page(generations: Iterable[Provider]) -> str:
    """Return the Markdown page about every provider of which there are several generations."""
    parts = [
        "# What differs between the revisions",
        "",
        "Generated from the contract documents. `seed` is the generation described first, `current` the newest.",
        "A world chooses one with `emulator serve --revision inkbox=current`, or `revisions={'inkbox': 'current'}`",
        "of `Emulator` or of a test's marker; an account with `account.use_revision('current')`. Two accounts of one",
        "world may use two.",
    ]
    for first in generations:
        for later in first.generations:
            parts += _section(first, later)
    return "\n".join(parts) + "\n"


def _section(first: Provider, later: Provider) -> Iterator[str]:
    old, new = first.document.operations, later.document.operations
    yield from ("", f"## {first.title}: {_name(first)} and {_name(later)}", "")
    yield from _only(f"Only in {first.revision}", [old[name] for name in old if name not in new])
    yield from _only(f"Only in {later.revision}", [new[name] for name in new if name not in old])
    changed = {name: list(_differences(first, later, name)) for name in old if name in new}
    yield from (f"In both, and what {later.revision} has more (+), less (-) or otherwise:", "")
    yield from ("| Operation | Does | Request | Answer |", "|---|---|---|---|")
    for name, differences in changed.items():
        if any(differences):
            yield f"| `{name}` | {' | '.join('; '.join(each) or 'the same' for each in differences)} |"
    same = [name for name, differences in changed.items() if not any(differences)]
    yield from ("", f"Operations that are the same in both: {len(same)}.")
    yield from _assumed(first.document, later)


def _name(provider: Provider) -> str:
    return f"{provider.revision} (`{'`, `'.join(provider.aliases)}`)"


def _only(title: str, operations: list[Operation]) -> Iterator[str]:
    if operations:
        yield from (f"{title}:", "")
        yield from (f"- `{one.id}`: `{one.method} {one.path}`" for one in operations)
        yield ""


def _differences(first: Provider, later: Provider, name: str) -> Iterator[list[str]]:
    """Yield what differs in what an operation does, in the request to it, and in its answers."""
    old, new = first.document.operations[name], later.document.operations[name]
    yield [] if old.summary == new.summary else [new.summary]
    asked = []
    if (old.method, old.path) != (new.method, new.path):
        asked.append(f"`{new.method} {new.path}`")
    asked += _changes(_parameters(old), _parameters(new))
    asked += _changes(_fields(first.document, old.body_schema), _fields(later.document, new.body_schema))
    yield asked
    answered = _changes(dict.fromkeys(old.responses, ()), dict.fromkeys(new.responses, ()), "status ")
    answered += _changes(_answer(first.document, old), _answer(later.document, new))
    yield answered


def _parameters(operation: Operation) -> dict[str, tuple[str, ...]]:
    found = (item for item in operation.parameters if item["in"] != "path")
    return {item["name"]: tuple(map(str, item["schema"].get("enum", ()))) for item in found}


def _answer(document: Document, operation: Operation) -> dict[str, tuple[str, ...]]:
    good = (int(status) for status in operation.responses if int(status) < _ANSWERED)
    return _fields(document, next(filter(None, map(operation.response_schema, good)), None))


def _changes(old: Mapping[str, tuple[str, ...]], new: Mapping[str, tuple[str, ...]], kind: str = "") -> list[str]:
    """Return in words what a later mapping of names to their values has otherwise; what hangs on it goes unsaid."""
    found = [f"+ {kind}`{name}`" for name in new if name not in old and not _hangs(name, new.keys() - old.keys())]
    found += [f"- {kind}`{name}`" for name in old if name not in new and not _hangs(name, old.keys() - new.keys())]
    for name in (name for name in old if name in new and old[name] and new[name] and old[name] != new[name]):
        more, less = (
            [value for value in one if value not in other]
            for one, other in ((new[name], old[name]), (old[name], new[name]))
        )
        values = [*(f"+ `{value}`" for value in more), *(f"- `{value}`" for value in less)]
        found += [f"`{name}`: {', '.join(values)}"] if values else []
    return found


def _hangs(name: str, others: Iterable[str]) -> bool:
    return any(name.startswith(f"{other}.") for other in others)


def _fields(document: Document, schema: Mapping[str, Any] | None) -> dict[str, tuple[str, ...]]:
    """Return every field of a JSON value by its path, with the words that it may be, if it is one of some."""
    found: dict[str, tuple[str, ...]] = {}
    _collect(document, schema or {}, "", 0, found)
    return found


def _collect(document: Document, schema: Any, path: str, depth: int, found: dict[str, tuple[str, ...]]) -> None:
    if not isinstance(schema, Mapping) or depth > _DEEP:
        return
    schema = document.resolve(schema)
    if path and "enum" in schema:
        found[path] = tuple(map(str, schema["enum"]))
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        _collect(document, choice, path, depth, found)
    for name, inner in schema.get("properties", {}).items():
        here = f"{path}.{name}".lstrip(".")
        found.setdefault(here, ())
        _collect(document, inner, here, depth + 1, found)
    _collect(document, schema.get("items"), path, depth, found)


def _assumed(before: Document, later: Provider) -> Iterator[str]:
    more = [text for text in later.document.assumptions if text not in before.assumptions]
    if more:
        yield from ("", f"Assumed of the whole API in {later.revision} only:", "")
        yield from (f"- {text}" for text in more)
