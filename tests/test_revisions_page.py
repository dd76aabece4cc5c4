"""The page on what differs between the generations of an API."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docs import revisions
from emulator import providers
from emulator.openapi import Document
from emulator.provider import Provider


def _operation(name: str, asks: dict[str, Any], gives: dict[str, Any], status: int = 200) -> dict[str, Any]:
    body = {"content": {"application/json": {"schema": {"properties": asks}}}}
    answer = {"content": {"application/json": {"schema": {"type": "array", "items": {"properties": gives}}}}}
    return {"operationId": name, "summary": name, "requestBody": body, "responses": {str(status): answer}}


def _generation(folder: Path, revision: str, paths: dict[str, Any]) -> Provider:
    path = folder / f"{revision}.json"
    path.write_text(json.dumps({"info": {"x-assumptions": [f"It is {revision}."]}, "paths": paths}))
    provider = replace(providers.get("postern"), revision=revision, aliases=(revision,))
    provider.__dict__["document"] = Document(path)
    return provider


@pytest.fixture
def page(tmp_path: Path) -> str:
    inner = {"properties": {"deep": {"type": "string"}}}
    kinds = [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}]
    same = {"get": _operation("same", {}, {"id": {}})}
    old = {"post": _operation("make", {"name": {}, "box": inner}, {"id": {}, "kind": kinds[0]}, 201)}
    new = {"post": _operation("make", {"name": {}, "size": {}}, {"id": {}, "kind": kinds[1], "tunnel": inner})}
    gone, come = {"get": _operation("gone", {}, {})}, {"get": _operation("come", {}, {})}
    first = _generation(tmp_path, "first", {"/same": same, "/things": old, "/gone": gone})
    later = _generation(tmp_path, "later", {"/same": same, "/things": new, "/come": come})
    both = replace(first, generations=(later,))
    both.__dict__["document"] = first.document
    return revisions.page([both])


def test_operations_of_one_generation_are_listed(page: str) -> None:
    assert "Only in first:\n\n- `gone`: `GET /gone`\n" in page
    assert "Only in later:\n\n- `come`: `GET /come`\n" in page


def test_an_operation_of_both_shows_fields_statuses_and_words_that_came_and_went(page: str) -> None:
    [row] = [line for line in page.splitlines() if line.startswith("| `make`")]
    asked, answered = "+ `size`; - `box`", "+ status `200`; - status `201`; + `tunnel`; `kind`: + `c`, - `a`"
    assert row == f"| `make` | the same | {asked} | {answered} |"
    assert "Operations that are the same in both: 1." in page


def test_what_is_assumed_of_the_later_one_alone_is_said(page: str) -> None:
    assert "- It is later." in page
    assert "- It is first." not in page
