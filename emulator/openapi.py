"""The contract documents: OpenAPI 3.1 in JSON, one per provider and revision, read lazily."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
JSON_TYPE: Final = "application/json"

_COMPONENT: Final = re.compile(r"#/components/(?P<kind>\w+)/(?P<name>[\w.-]+)")


@dataclass(frozen=True)
class Operation:
    """One operation of a document, references of its parameters and responses resolved."""

    id: str
    method: str
    path: str
    raw: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]
    responses: Mapping[str, Mapping[str, Any]]

    @property
    def summary(self) -> str:
        """One line on what the operation does."""
        return str(self.raw.get("summary", ""))

    @property
    def source(self) -> Mapping[str, Any]:
        """Where the operation is known from: kind (seed, docs, SDK, inferred, assumption), where, when."""
        source: Mapping[str, Any] = self.raw.get("x-source", {})
        return source

    @property
    def verified(self) -> str | None:
        """The date of the last run against the live provider, or None."""
        return self.raw.get("x-verified")

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the emulator assumes about this operation because no source says it."""
        return tuple(self.raw.get("x-assumptions", ()))

    @property
    def needs_credential(self) -> bool:
        """Tell whether a caller must show a credential."""
        return self.raw.get("security") != []

    @property
    def body_required(self) -> bool:
        """Tell whether a request without a body is refused."""
        return bool(self.raw.get("requestBody", {}).get("required", False))

    @property
    def body_schema(self) -> Mapping[str, Any] | None:
        """The schema of the JSON request body, or None when the operation takes none."""
        content = self.raw.get("requestBody", {}).get("content", {})
        schema: Mapping[str, Any] | None = content.get(JSON_TYPE, {}).get("schema")
        return schema

    @property
    def takes_bytes(self) -> bool:
        """Tell whether the request body is something other than JSON."""
        content = self.raw.get("requestBody", {}).get("content", {})
        return bool(content) and JSON_TYPE not in content

    def response_schema(self, status: int) -> Mapping[str, Any] | None:
        """Return the schema of the JSON answer with this status, or None when it has no JSON body."""
        content = self.responses.get(str(status), {}).get("content", {})
        schema: Mapping[str, Any] | None = content.get(JSON_TYPE, {}).get("schema")
        return schema

    def documents(self, status: int) -> bool:
        """Tell whether the operation may answer with this status."""
        return str(status) in self.responses


def merge_patch(target: Any, patch: Any) -> Any:
    """Return a JSON value with a merge patch applied (RFC 7396): null removes, objects merge, the rest replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


class Document:
    """A contract document. Nothing is read before it is asked for.

    `patch` is a file with a JSON merge patch (RFC 7396): what another generation of the API does otherwise.
    """

    def __init__(self, path: Path, patch: Path | None = None) -> None:
        self.path = path
        self.patch = patch

    @cached_property
    def raw(self) -> Mapping[str, Any]:
        """The document as it stands in the file, patched."""
        content: Mapping[str, Any] = json.loads(self.path.read_text("utf-8"))
        return content if self.patch is None else merge_patch(content, json.loads(self.patch.read_text("utf-8")))

    @property
    def components(self) -> Mapping[str, Any]:
        """The shared schemas, parameters and responses."""
        components: Mapping[str, Any] = self.raw.get("components", {})
        return components

    def whole(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return a schema with the components that it refers to, and those that these do.

        A validator of it takes a fraction of the time and memory that one with all components would.
        """
        needed: dict[str, dict[str, Any]] = {}
        unread: list[Any] = [schema]
        while unread:
            value = unread.pop()
            if isinstance(value, list):
                unread.extend(value)
            elif isinstance(value, dict):
                unread.extend(value.values())
                found = _COMPONENT.fullmatch(str(value.get("$ref")))
                if found and found["name"] not in needed.setdefault(found["kind"], {}):
                    needed[found["kind"]][found["name"]] = self.components[found["kind"]][found["name"]]
                    unread.append(needed[found["kind"]][found["name"]])
        return {"components": needed, **schema}

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the emulator assumes about the API as a whole."""
        return tuple(self.raw.get("info", {}).get("x-assumptions", ()))

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        """All operations by operationId, in the order of the document."""
        return {operation.id: operation for operation in self._read()}

    def resolve(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a local `$ref`, or return the value itself."""
        while "$ref" in value:
            target: Any = self.raw
            for part in value["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            value = target
        return value

    def _read(self) -> Iterator[Operation]:
        for path, item in self.raw["paths"].items():
            for method in METHODS:
                if method in item:
                    yield self._operation(path, method, item[method], item.get("parameters", ()))

    def _operation(self, path: str, method: str, raw: Mapping[str, Any], shared: Any) -> Operation:
        parameters = tuple(self.resolve(parameter) for parameter in (*shared, *raw.get("parameters", ())))
        responses = {status: self.resolve(response) for status, response in raw["responses"].items()}
        return Operation(raw["operationId"], method.upper(), path, raw, parameters, responses)
