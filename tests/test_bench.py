"""Every measurement can run; how fast it is, only `python -m bench` says."""

from __future__ import annotations

import json

import pytest

from bench.__main__ import TOPICS, main, measured
from bench.measure import MICROSECONDS, MILLISECONDS, REQUESTS, SMOKE, Goal, Row, Unit, interleave, table


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_runs(topic: str) -> None:
    rows = measured([topic], SMOKE)

    assert rows
    assert all(row.ours > 0 and row.peer > 0 for row in rows)


def test_samples_are_taken_by_turns_and_the_first_round_is_dropped() -> None:
    taken: list[str] = []

    def sample(side: str) -> float:
        taken.append(side)
        return float(len(taken))

    samples = interleave(lambda: sample("ours"), lambda: sample("peer"), 2)

    assert taken == ["peer", "ours", "ours", "peer", "peer", "ours"]
    assert samples == ([3.0, 6.0], [4.0, 5.0])
    assert samples.least() == (3.0, 4.0)


@pytest.mark.parametrize(
    ("unit", "ours", "peer", "goal", "ratio", "reached"),
    [
        (MICROSECONDS, 3e-6, 2e-6, Goal("<=", 1.5), 1.5, True),
        (MICROSECONDS, 4e-6, 2e-6, Goal("<=", 1.5), 2.0, False),
        (REQUESTS, 2e-3, 1e-3, Goal(">=", 0.85), 0.5, False),
        (MILLISECONDS, 0.204, 0.200, Goal("<=", 5, "ms"), 1.02, True),
        (MILLISECONDS, 0.206, 0.200, Goal("<=", 5, "ms"), 1.03, False),
        (REQUESTS, 1e-3, 1e-3, None, 1.0, None),
    ],
)
def test_a_row_knows_its_ratio_and_whether_it_is_good_enough(
    unit: Unit, ours: float, peer: float, goal: Goal | None, ratio: float, reached: bool | None
) -> None:
    row = Row("work", unit, ours, peer, "somebody", goal)

    assert row.ratio == pytest.approx(ratio)
    assert row.reached is reached


def test_the_table_names_the_peer_and_the_goal() -> None:
    printed = table([Row("work", MICROSECONDS, 3e-6, 2e-6, "somebody", Goal("<=", 1.5))])

    assert printed.splitlines()[-1] == "| work | 3.0 µs | 2.0 µs, somebody | 1.50  | <= 1.5 | yes     |"


def test_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("bench.__main__.measured", lambda *_: [Row("work", REQUESTS, 0.5, 1.0, "somebody")])
    monkeypatch.setattr("sys.argv", ["bench", "--json"])

    main()

    assert json.loads(capsys.readouterr().out)[0]["ratio"] == 2.0
