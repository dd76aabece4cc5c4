"""Contract documents and their patches."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from emulator import coverage
from emulator.openapi import Document, merge_patch
from emulator.provider import Provider


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": ["c", "d"]}, {"a": ["c", "d"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": "text"}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
        ([1, 2], {"a": 1}, {"a": 1}),
    ],
)
def test_a_merge_patch_replaces_merges_and_removes(target: object, patch: object, expected: object) -> None:
    assert merge_patch(target, patch) == expected


def test_a_patched_document_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    whole, patch = tmp_path / "openapi.json", tmp_path / "patch.json"
    operation = {"operationId": "ping", "responses": {"200": {"$ref": "#/components/responses/Ok"}}}
    document = {"paths": {"/ping": {"get": operation}}, "components": {"responses": {"Ok": {"description": "fine"}}}}
    whole.write_text(json.dumps(document))
    patch.write_text(json.dumps({"paths": {"/ping": {"get": {"summary": "Ping"}}}}))
    assert Document(whole, patch).operations["ping"].summary == "Ping"
    assert Document(whole).operations["ping"].summary == ""
    assert Document(whole).operations["ping"].responses["200"] == {"description": "fine"}


def test_a_schema_takes_along_the_components_that_it_needs_and_no_others(tmp_path: Path) -> None:
    tree = {"type": "object", "properties": {"leaves": {"items": {"$ref": "#/components/schemas/Tree"}}}}
    schemas = {"Tree": tree, "Wood": {"allOf": [{"$ref": "#/components/schemas/Tree"}]}, "Sea": {"type": "string"}}
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps({"paths": {}, "components": {"schemas": schemas}}))
    schema = {"items": {"$ref": "#/components/schemas/Wood"}}
    whole = Document(path).whole(schema)
    assert whole == {**schema, "components": {"schemas": {"Tree": schemas["Tree"], "Wood": schemas["Wood"]}}}
    validator = jsonschema_rs.Draft202012Validator(whole)
    assert validator.is_valid([{"leaves": [{"leaves": []}]}])
    assert not validator.is_valid([{"leaves": [{"leaves": [1]}]}])
    assert Document(path).whole({"type": "string"}) == {"type": "string", "components": {}}


@pytest.mark.parametrize(
    "provider", coverage.generations(), ids=lambda provider: f"{provider.name}-{provider.revision}"
)
def test_every_schema_of_a_contract_document_finds_what_it_refers_to(provider: Provider) -> None:
    document = provider.document
    for operation in document.operations.values():
        answers = (operation.response_schema(int(status)) for status in operation.responses)
        for schema in (operation.body_schema, *answers):
            jsonschema_rs.Draft202012Validator(document.whole(schema or {}))
