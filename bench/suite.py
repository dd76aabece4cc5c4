"""A test suite of 2,000 tests, each with a fresh world: in process, served, and against what else one could use.

The peers are measured where they are installed: `pip install 'moto[ses,server]' boto3 pytest-httpserver`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from bench.measure import MILLISECONDS, Effort, Goal, Row
from bench.processes import environment

_TESTS: Final = 2_000
_ROUNDS: Final = 2
_SUITES: Final = Path(__file__).parent / "suites"
_OURS: Final = {"in_process": "in process, by httpx", "direct": "in process, without a client"}
_PEERS: Final = (
    ("served", "the same, served", None, Goal("<=", 0.6)),
    ("moto_in_process", "moto's SES in process", "moto", Goal("<=", 0.5)),
    ("moto_served", "moto's SES, served", "moto", None),
    ("canned", "pytest-httpserver, canned answers", "pytest_httpserver", None),
)


def run(effort: Effort) -> Iterator[Row]:
    """Measure whole runs of pytest, start and end included, as time for each test; each side's best run counts."""
    count = effort.calls(_TESTS)
    peers = [peer for peer in _PEERS if peer[2] is None or find_spec(peer[2]) is not None]
    best: dict[str, float] = {}
    for _ in range(effort.many(_ROUNDS)):
        for suite in (*_OURS, *(peer[0] for peer in peers)):
            best[suite] = min(_run(suite, count), best.get(suite, inf))
    for ours, how in _OURS.items():
        for peer, name, _needed, goal in peers:
            goal_here = goal if ours == "in_process" else None
            yield Row(f"suite of {count:,} tests: {how}", MILLISECONDS, best[ours], best[peer], name, goal_here)


def _run(suite: str, count: int) -> float:
    """Return the seconds for each test of a run of pytest on one file of `suites`."""
    with TemporaryDirectory() as folder:
        Path(folder, "pytest.ini").write_text("[pytest]\n")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", f"{folder}/pytest.ini"]
        command += ["-p", "no:schemathesis", "-p", "no:xdist", str(_SUITES / f"{suite}.py")]
        began = perf_counter()
        done = subprocess.run(
            command,
            cwd=_SUITES.parent.parent,
            env={**environment(), "BENCH_TESTS": str(count)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"the suite {suite} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return (perf_counter() - began) / count
