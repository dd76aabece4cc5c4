"""Routes and contract documents say the same, in both directions."""

from __future__ import annotations

import jsonschema_rs
import pytest

from emulator import coverage, providers
from emulator.provider import Provider
from emulator.servers.http.app import openapi_path, provider_app

_GENERATIONS = [one for provider in providers.every() for one in (provider, *provider.generations)]
every_provider = pytest.mark.parametrize("provider", _GENERATIONS, ids=lambda one: f"{one.name}-{one.revision}")


def _routes(provider: Provider) -> set[tuple[str, str, str]]:
    return {
        (rule.endpoint, method, openapi_path(rule.rule))
        for rule in provider_app(provider.name, provider.revision).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


@every_provider
def test_every_route_is_documented_and_every_operation_is_routed(provider: Provider) -> None:
    documented = {(one.id, one.method, one.path) for one in provider.document.operations.values()}
    assert _routes(provider) == documented


@every_provider
def test_every_operation_is_built_or_says_why_it_is_missing(provider: Provider) -> None:
    operations = provider.document.operations
    excused = {operation.id for operation in operations.values() if operation.raw.get("x-missing")}
    assert set(operations) - coverage.built(provider) == excused


@every_provider
def test_every_operation_says_where_it_is_known_from(provider: Provider) -> None:
    for operation in provider.document.operations.values():
        assert operation.source["kind"] in ("seed", "docs", "sdk", "inferred", "assumption"), operation.id
        assert operation.source["where"], operation.id
        assert operation.source["when"], operation.id
        assert "x-verified" in operation.raw, operation.id


@every_provider
def test_an_assumed_operation_says_what_is_assumed(provider: Provider) -> None:
    for operation in provider.document.operations.values():
        if operation.source["kind"] in ("inferred", "assumption"):
            assert operation.assumptions, operation.id


@every_provider
def test_every_schema_of_the_document_is_a_valid_schema(provider: Provider) -> None:
    jsonschema_rs.validator_map_for(dict(provider.document.raw))


@every_provider
def test_the_answers_that_anybody_may_get_are_documented(provider: Provider) -> None:
    for operation in provider.document.operations.values():
        assert any(operation.documents(status) for status in range(100, 400)), operation.id
        if operation.needs_credential:
            assert operation.documents(401), operation.id
