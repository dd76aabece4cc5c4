"""Hold an answer against the contract document, independently of the emulator's own checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from contract.exchange import Exchange
from contract.findings import Finding
from emulator.openapi import JSON_TYPE, Document, Operation

_MANY = 20
_DEPTH = 12
_ANNOTATIONS = {"description", "title", "examples", "default"}
_ASKED = ("types", "options", "expected_value", "format", "pattern", "limit")


def differences(document: Document, exchange: Exchange) -> list[Finding]:
    """Return how an answer breaks the document; nothing for a request that the document does not know."""
    operation = exchange.operation
    if operation is None:
        return []
    response = documented_response(operation, exchange.status)
    if response is None:
        return [_finding(exchange, "status", "", ", ".join(operation.responses), str(exchange.status))]
    return [*_headers(document, exchange, response), *_content(document, exchange, response)]


def documented_response(operation: Operation, status: int) -> Mapping[str, Any] | None:
    """Return what the document says of answers with this status, None if nothing."""
    for name in (str(status), f"{status // 100}XX", "default"):
        if name in operation.responses:
            return operation.responses[name]
    return None


def documented_fields(document: Document, schema: Mapping[str, Any]) -> dict[str, str]:
    """Return every field that a schema names, as pointer and what it says of it; `/x/**` is any field below /x."""
    return dict(_fields(document, schema, "", 0))


def fields_of(value: Any) -> dict[str, set[str]]:
    """Return the pointers of every field of a JSON value, with the JSON types seen there."""
    found: dict[str, set[str]] = {}
    for pointer, item in _walk(value, ""):
        found.setdefault(pointer, set()).add(type_of(item))
    return found


def type_of(value: Any) -> str:
    """Return the JSON type of a value."""
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _finding(exchange: Exchange, kind: str, at: str, documented: str, received: str) -> Finding:
    assert exchange.operation
    return Finding(kind, exchange.operation.id, exchange.status, at, documented, received)


def _headers(document: Document, exchange: Exchange, response: Mapping[str, Any]) -> Iterator[Finding]:
    for name, written in response.get("headers", {}).items():
        header = document.resolve(written)
        value = exchange.headers.get(name)
        schema = document.resolve(header.get("schema", {}))
        if value is None:
            if header.get("required"):
                yield _finding(exchange, "header-missing", name, "a required header", "missing")
        elif not _fits(schema, value):
            yield _finding(exchange, "header-value", name, described(document, schema), "another value")


def _fits(schema: Mapping[str, Any], value: str) -> bool:
    """Tell whether a header's text is what its schema asks for, as a number where it asks for one."""
    if schema.get("type") in ("integer", "number"):
        try:
            return bool(jsonschema_rs.validator_for(dict(schema)).is_valid(int(value)))
        except ValueError:
            return False
    return bool(jsonschema_rs.validator_for(dict(schema)).is_valid(value))


def _content(document: Document, exchange: Exchange, response: Mapping[str, Any]) -> Iterator[Finding]:
    content = response.get("content", {})
    if not content or not exchange.body:
        if content and exchange.request.method != "HEAD" and JSON_TYPE in content:
            yield _finding(exchange, "no-json", "", "JSON", "empty")
        return
    if exchange.content_type not in content and not {"*/*", "application/octet-stream"} & set(content):
        yield _finding(exchange, "content-type", "", ", ".join(content), exchange.content_type or "missing")
    schema = content.get(exchange.content_type, {}).get("schema")
    if schema is not None and exchange.content_type.endswith("json"):
        yield from _body(document, exchange)


def _body(document: Document, exchange: Exchange) -> Iterator[Finding]:
    try:
        value = exchange.json
    except ValueError:
        yield _finding(exchange, "no-json", "", "JSON", "not JSON")
        return
    assert exchange.operation
    validator = _validator(document, exchange.operation.id, exchange.status, exchange.content_type)
    for number, error in enumerate(validator.iter_errors(value)):
        if number >= _MANY:
            return
        yield from _broken(exchange, value, error)
    known = _known_fields(document, exchange.operation.id, exchange.status, exchange.content_type)
    for pointer, types in fields_of(value).items():
        if pointer not in known and not _free(pointer, known):
            yield _finding(exchange, "field-undocumented", pointer, "no such field", f"a field ({_or(types)})")


def _broken(exchange: Exchange, value: Any, error: Any) -> Iterator[Finding]:
    """Return the findings of one error of the validator."""
    at = "".join("/*" if isinstance(part, int) else f"/{part}" for part in error.instance_path)
    keyword, rule = str(error.schema_path[-1] if error.schema_path else ""), error.kind.as_dict()
    shown = type_of(_reach(value, error.instance_path))
    nearest = _nearest_branch(error, rule.get("context", ()))
    if nearest:
        for inner in nearest:
            yield from _broken(exchange, value, inner)
    elif keyword == "required":
        yield _finding(exchange, "field-missing", f"{at}/{rule['property']}", "a required field", "missing")
    elif isinstance(error.kind, jsonschema_rs.ValidationErrorKind.FalseSchema):
        yield _finding(exchange, "field-undocumented", at, "no such field", f"a field ({shown})")
    elif keyword == "additionalProperties":
        for name in rule["unexpected"]:
            yield _finding(exchange, "field-undocumented", f"{at}/{name}", "no such field", "a field")
    elif keyword in ("type", "anyOf", "oneOf"):
        yield _finding(exchange, "field-type", at, _asked(rule), shown)
    else:
        yield _finding(exchange, "field-value", at, f"{keyword} {_asked(rule)}".strip(), f"another {shown}")


def _nearest_branch(error: Any, branches: Any) -> list[Any]:
    """Return the errors of the alternative that a value was meant for: one of its type, with the fewest errors."""
    depth = len(error.instance_path)
    of_its_type = [
        branch
        for branch in branches
        if not any(len(inner.instance_path) == depth and inner.schema_path[-1] == "type" for inner in branch)
    ]
    return min(of_its_type, key=len, default=[])


def _asked(rule: dict[str, Any]) -> str:
    """Return what a rule asks for, as far as the validator says."""
    if "context" in rule:
        return _or({_asked(inner.kind.as_dict()) for branch in rule["context"] for inner in branch})
    asked = next(
        (rule[name] for name in ("types", "options", "expected_value", "format", "pattern") if name in rule), ""
    )
    asked = rule.get("limit", asked)
    return _or(str(item) for item in asked) if isinstance(asked, list | tuple | set) else str(asked)


def _reach(value: Any, path: Any) -> Any:
    for part in path:
        value = value[part]
    return value


def _or(names: Any) -> str:
    return " or ".join(sorted(names))


@cache
def _known_fields(document: Document, operation: str, status: int, content_type: str) -> dict[str, str]:
    response = documented_response(document.operations[operation], status)
    assert response is not None
    return documented_fields(document, response["content"][content_type]["schema"])


@cache
def _validator(document: Document, operation: str, status: int, content_type: str) -> Any:
    response = documented_response(document.operations[operation], status)
    assert response is not None
    schema = document.whole(response["content"][content_type]["schema"])
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def described(document: Document, schema: Mapping[str, Any] | bool) -> str:
    """Return what a schema asks of a value, in few words."""
    if isinstance(schema, bool):
        return "any" if schema else "nothing"
    schema = document.resolve(schema)
    if "enum" in schema:
        return _or(str(item) for item in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    for kind in ("anyOf", "oneOf"):
        if kind in schema:
            return _or({described(document, branch) for branch in schema[kind]})
    given = schema.get("type", "any")
    shown = _or(given) if isinstance(given, list) else str(given)
    return f"{shown} ({schema['format']})" if "format" in schema else shown


def _fields(document: Document, schema: Mapping[str, Any] | bool, at: str, depth: int) -> Iterator[tuple[str, str]]:
    schema = document.resolve(_as_object(schema))
    if depth > _DEPTH:
        yield f"{at}/**", "any"
        return
    for kind in ("allOf", "anyOf", "oneOf"):
        for branch in schema.get(kind, ()):
            yield from _fields(document, branch, at, depth + 1)
    for name, sub in schema.get("properties", {}).items():
        yield f"{at}/{name}", described(document, sub)
        yield from _fields(document, sub, f"{at}/{name}", depth + 1)
    if isinstance(schema.get("items"), Mapping):
        yield from _fields(document, schema["items"], f"{at}/*", depth + 1)
    if _is_free(schema):
        yield f"{at}/**", "any"


def _as_object(schema: Mapping[str, Any] | bool) -> Mapping[str, Any]:
    """Return a schema that is only true or false as what it means."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    return schema


def _is_free(schema: Mapping[str, Any]) -> bool:
    """Tell whether any field may stand here: the schema says so, or is an object and names none."""
    more = schema.get("additionalProperties")
    if more not in (None, False):
        return True
    given = schema.get("type", ())
    object_of_no_names = "object" in ([given] if isinstance(given, str) else given) and "properties" not in schema
    return more is None and (object_of_no_names or set(schema) <= _ANNOTATIONS)


def _free(pointer: str, known: Mapping[str, str]) -> bool:
    parts = pointer.split("/")
    return any(f"{'/'.join(parts[:length])}/**" in known for length in range(1, len(parts)))


def _walk(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield f"{at}/{name}", item
            yield from _walk(item, f"{at}/{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, f"{at}/*")
