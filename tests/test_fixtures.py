"""The documented exchanges in `fixtures/` are answered as documented."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator import Emulator, coverage
from emulator.provider import Provider
from tests.replay import Replay, fixture_files, fixtures_of, recorded_files, replay_recorded


@pytest.mark.parametrize("path", fixture_files(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_documented_exchanges_are_answered_as_documented(path: Path) -> None:
    with Emulator() as emulator:
        Replay(emulator.account(path.parent.name)).play(path)


@pytest.mark.parametrize("path", recorded_files(), ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_recorded_exchanges_are_answered_as_they_were_live(path: Path) -> None:
    replay_recorded(path, path.parent.parent.name)


@pytest.mark.parametrize(
    "path", [*fixture_files(), *recorded_files()], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_every_fixture_names_its_source_and_date(path: Path) -> None:
    content = json.loads(path.read_text("utf-8"))
    assert content["source"]
    assert content["date"]


@pytest.mark.parametrize("provider", coverage.generations(), ids=lambda one: f"{one.name}-{one.revision}")
def test_every_operation_that_is_built_succeeds_in_some_documented_exchange(provider: Provider) -> None:
    succeeded: set[str] = set()
    for path in fixtures_of(provider):
        with Emulator() as emulator:
            replay = Replay(emulator.account(provider.name))
            replay.play(path)
            succeeded |= replay.succeeded
    assert coverage.built(provider) == succeeded
