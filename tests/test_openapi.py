"""Contract documents and their patches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator.openapi import Document, merge_patch


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
