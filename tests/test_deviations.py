"""A run against a live provider finds every deviation that the documents forbid, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emulator import providers
from tests.deviating import Deviation
from tests.deviations import DEVIATIONS

_ROOT = Path(__file__).parent.parent


def _runs(provider: str) -> dict[str, Any]:
    """Return what the run against each deviation of a provider found; together, because starting costs the most."""
    command = [sys.executable, "-m", "tests.deviation_runs", provider]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_there_are_at_least_forty_deviations_that_are_forbidden() -> None:
    forbidden = {(one.does, one.provider, one.operation) for one in DEVIATIONS if one.finds is not None}
    assert len(forbidden) >= 40


@pytest.mark.parametrize("provider", providers.names())
def test_every_deviation_is_found_and_named_and_nothing_else(provider: str) -> None:
    runs = _runs(provider)
    for run in runs.values():
        assert run["requests"] == run["received"], "every request is counted"
    unchanged = runs["unchanged"]
    assert unchanged["left"] is False, "the run deleted what it made"
    assert unchanged["findings"] == []
    assert set(unchanged["outcomes"]) == {"passed", "skipped"}
    assert unchanged["outcomes"].count("passed") > unchanged["outcomes"].count("skipped") / 2
    for number, deviation in enumerate(DEVIATIONS):
        if deviation.provider == provider:
            _assert_named(deviation, runs[str(number)]["findings"])


def _assert_named(deviation: Deviation, found: list[dict[str, Any]]) -> None:
    if deviation.finds is None:
        assert found == [], f"{deviation.does}: not forbidden"
        return
    kind, at = deviation.finds
    named = [one for one in found if one["kind"] == kind and at in one["at"]]
    assert named, f"{deviation.does}: not found, only {found}"
    assert deviation.operation in {one["operation"] for one in named}, deviation.does
