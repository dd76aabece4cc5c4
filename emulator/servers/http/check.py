"""Hold requests and answers against the contract document, one compiled validator per schema, made on first use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final

import jsonschema_rs
from werkzeug.wrappers import Request

from emulator.mail.addresses import is_address
from emulator.openapi import JSON_TYPE, Document, Operation
from emulator.provider import Answer, Invalid, Problem

_INTEGER = re.compile(r"^-?[0-9]{1,15}$")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # an even number of backslashes before it: an escape, not text
_BOOLEANS: Final = {"true": True, "false": False}
_MAX_ERRORS: Final = 20


def _is_pattern(text: str) -> bool:
    """Tell whether Python takes the text for a regular expression, as the routes will."""
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


_FORMATS: Final = {"email": is_address, "regex": _is_pattern}


class ContractViolation(AssertionError):
    """The emulator answered what its own contract document does not allow: a defect of the emulator."""


class OperationCheck:
    """The checks of one operation."""

    def __init__(self, document: Document, operation: Operation) -> None:
        self._document = document
        self.operation = operation
        self._answers: dict[int, jsonschema_rs.Validator | None] = {}

    def query(self, request: Request) -> dict[str, Any]:
        """Return the query parameters as the types of the document, defaults filled in; Problem if one is wrong."""
        if not self._query_parameters:
            return {}
        arguments = request.args
        given = {
            name: _coerce(arguments.getlist(name), schema)
            for name, schema in self._query_parameters.items()
            if name in arguments
        }
        _refuse(_errors(self._query_validator, given, "query"))
        _refuse(Invalid(("query", name), "text", "cannot hold NUL", None) for name in given if "\0" in arguments[name])
        return {**self._defaults, **given}

    def headers(self, request: Request) -> dict[str, str]:
        """Return the documented request headers that were sent; Problem if one has a wrong value."""
        if self._header_validator is None:
            return {}
        headers = request.headers
        given = {name: headers[name] for name in self._header_names if name in headers}
        _refuse(_errors(self._header_validator, given, "header"))
        return given

    def body(self, data: bytes, request: Request) -> Any:
        """Return the JSON body, or None when there is none; Problem if it is not what the document asks for.

        Where the document asks for another type, the bytes.
        """
        if self._body_validator is None:
            return data if self.operation.takes_bytes else None
        content_type = request.content_type or ""
        if not data and not self.operation.body_required:
            return None
        if data and not _is_json(content_type):
            raise Problem("wrong_content_type", f"expected Content-Type {JSON_TYPE}, got {content_type or 'none'!r}")
        value = parse_json(data)
        _refuse(_errors(self._body_validator, value, "body"))
        return value

    def answer(self, answer: Answer) -> None:
        """Raise ContractViolation if an answer is not as documented."""
        if not self.operation.documents(answer.status):
            raise ContractViolation(f"{self.operation.id} answered the undocumented status {answer.status}")
        validator = self._answer_validator(answer.status)
        if validator is None or validator.is_valid(answer.body):
            return
        wrong = [error.message for error in validator.iter_errors(answer.body)]
        raise ContractViolation(f"{self.operation.id} answered {answer.status} against its contract: {wrong[0]}")

    @cached_property
    def _query_parameters(self) -> dict[str, Mapping[str, Any]]:
        return self._parameters("query")

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        return {name: schema["default"] for name, schema in self._query_parameters.items() if "default" in schema}

    @cached_property
    def _query_validator(self) -> jsonschema_rs.Validator:
        return self._compile(_object_schema(self.operation, "query", self._query_parameters))

    @cached_property
    def _header_names(self) -> list[str]:
        return list(self._parameters("header"))

    @cached_property
    def _header_validator(self) -> jsonschema_rs.Validator | None:
        parameters = self._parameters("header")
        return self._compile(_object_schema(self.operation, "header", parameters)) if parameters else None

    @cached_property
    def _body_validator(self) -> jsonschema_rs.Validator | None:
        schema = self.operation.body_schema
        return None if schema is None else self._compile(schema)

    def _answer_validator(self, status: int) -> jsonschema_rs.Validator | None:
        if status not in self._answers:
            schema = self.operation.response_schema(status)
            self._answers[status] = None if schema is None else self._compile(schema)
        return self._answers[status]

    def _parameters(self, place: str) -> dict[str, Mapping[str, Any]]:
        found = (parameter for parameter in self.operation.parameters if parameter["in"] == place)
        return {parameter["name"]: self._document.resolve(parameter["schema"]) for parameter in found}

    def _compile(self, schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
        whole = self._document.whole(schema)
        # Masked: a message must not repeat a body of megabytes.
        return jsonschema_rs.Draft202012Validator(whole, validate_formats=True, formats=_FORMATS, mask="Input")


def parse_json(data: bytes) -> Any:
    """Return the value of a JSON text in UTF-8; Problem for anything else, NaN and lone surrogates included."""
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except RecursionError:
        raise Problem("malformed", "the JSON body is nested too deeply") from None
    except ValueError as error:
        raise Problem("malformed", f"the body is not valid JSON: {error}") from None
    if _NUL.search(data):
        raise _bad_text("strings cannot hold NUL")
    if _SURROGATE.search(data):
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise _bad_text("strings must be valid Unicode: lone surrogate") from None
    return value


def _bad_text(message: str) -> Problem:
    return Problem("invalid", message, errors=(Invalid(("body",), "text", message, None),))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _is_json(content_type: str) -> bool:
    bare = content_type.partition(";")[0].strip().lower()
    return bare == JSON_TYPE or (bare.startswith("application/") and bare.endswith("+json"))


def _coerce(values: list[str], schema: Mapping[str, Any]) -> Any:
    if len(values) > 1:
        return values
    kind, value = schema.get("type"), values[0]
    if kind == "integer" and _INTEGER.match(value):
        return int(value)
    if kind == "boolean":
        return _BOOLEANS.get(value, value)
    return value


def _object_schema(operation: Operation, place: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    required = [item["name"] for item in operation.parameters if item["in"] == place and item.get("required")]
    return {"type": "object", "properties": dict(properties), "required": required}


def _errors(validator: jsonschema_rs.Validator, value: Any, place: str) -> Iterable[Invalid]:
    if validator.is_valid(value):
        return ()
    found = []
    for error in validator.iter_errors(value):
        found.append(_invalid(error, place))
        if len(found) == _MAX_ERRORS:
            break
    return found


def _invalid(error: jsonschema_rs.ValidationError, place: str) -> Invalid:
    where, kind = (place, *error.instance_path), error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        return Invalid((*where, kind.property), "required", "Field required", error.instance)
    return Invalid(where, kind.name, _in_words(error), error.instance)


def _in_words(error: jsonschema_rs.ValidationError) -> str:
    """Return what is wrong; of alternatives, what is wrong with each."""
    kind = error.kind
    if not isinstance(kind, jsonschema_rs.ValidationErrorKind.AnyOf):
        return error.message
    return " or ".join(dict.fromkeys(branch[0].message for branch in kind.context if branch))


def _refuse(errors: Iterable[Invalid]) -> None:
    found = tuple(errors)
    if found:
        where = ".".join(map(str, found[0].where))
        raise Problem("invalid", f"{where}: {found[0].message}", errors=found)
