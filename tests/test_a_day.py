"""A simulated day of a thousand mailboxes is the same whenever it is lived."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any


def _start(hash_seed: str) -> subprocess.Popen[str]:
    # What Python's own hashing would decide differs between the two.
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-m", "tests.day", "1000", "20000", "4000"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def _end(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    return dict(json.loads(out))


def test_a_day_of_twenty_thousand_mails_has_the_same_journal_each_time() -> None:
    first, second = map(_end, list(map(_start, ("1", "2"))))
    assert first == second
    assert any("429" in each for each in first["statuses"]), "a cap was reached"
    assert first["heard"]["500"] > 1000, "webhooks failed and were tried again"
