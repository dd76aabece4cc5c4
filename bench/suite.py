"""A test suite of 2,000 tests, each with a fresh world: in process, served, and against what else one could use.

The peers are measured where they are installed: `pip install 'moto[ses,server]' boto3 pytest-httpserver`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from bench.measure import MILLISECONDS, Effort, Goal, Row, interleave
from bench.processes import environment

_TESTS: Final = 2_000
_ROUNDS: Final = 2
_SUITES: Final = Path(__file__).parent / "suites"
_PEERS: Final = (
    ("served", "the same, served", None, Goal("<=", 0.6)),
    ("moto_in_process", "moto's SES in process", "moto", Goal("<=", 0.5)),
    ("moto_served", "moto's SES, served", "moto", None),
    ("canned", "pytest-httpserver, canned answers", "pytest_httpserver", None),
)


def run(effort: Effort) -> Iterator[Row]:
    """Measure whole runs of pytest, start and end included, as time for each test."""
    count = effort.calls(_TESTS)
    title = f"suite of {count:,} tests"
    for ours, how in (("in_process", "in process, by httpx"), ("direct", "in process, without a client")):
        for peer, name, needed, goal in _PEERS:
            if needed is None or find_spec(needed) is not None:
                samples = interleave(lambda: _run(ours, count), lambda: _run(peer, count), effort.many(_ROUNDS))  # noqa: B023  # called at once
                yield Row(
                    f"{title}: {how}", MILLISECONDS, *samples.least(), name, goal if ours == "in_process" else None
                )


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
