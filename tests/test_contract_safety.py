"""A contract run is safe at a live provider: it reads first, deletes what it made, keeps its budget and its secrets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from tests.changes import with_header, with_value
from tests.deviating import answers
from tests.live_provider import LiveProvider, live_provider

_KEY = "ApiKey_00000000-0000-4000-8000-000000000001"
_SECRET = "Zq9vT4kLwe81pXmB"


@pytest.fixture
def live() -> Iterator[LiveProvider]:
    with live_provider() as served:
        yield served


def _command(live: LiveProvider, *options: str) -> list[str]:
    run = [sys.executable, "-m", "emulator", "contract", "run", "inkbox", "--no-compare", "--rate=10000"]
    return [*run, f"--base-url={live.url}/inkbox", "--key-env=INKBOX_API_KEY", *options]


def _environment() -> dict[str, str]:
    return {**os.environ, "INKBOX_API_KEY": _KEY}


def _run(live: LiveProvider, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = _command(live, *options)
    return subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)


def _cleanup(ledger: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emulator", "contract", "cleanup", str(ledger)]
    return subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)


def _things(emulator: Emulator) -> set[str]:
    """Return everything that can be listed in the account."""
    account = emulator.account("inkbox")
    boxes: list[dict[str, str]] = account.request("GET", "/api/v1/mail/mailboxes").get_json()
    identities: list[dict[str, str]] = account.request("GET", "/api/v1/identities").get_json()
    return {one["email_address"] for one in boxes} | {one["agent_handle"] for one in identities}


def test_without_a_profile_a_run_only_reads(live: LiveProvider, tmp_path: Path) -> None:
    done = _run(live, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {method for method, _ in live.requests} == {"GET"}
    assert len(live.requests) > 5


def test_a_run_leaves_nothing_behind(live: LiveProvider, tmp_path: Path) -> None:
    before = _things(live.emulator)
    done = _run(live, tmp_path, "--profile=journeys", "--journeys=mailbox or identit", f"--report={tmp_path}/report")
    assert done.returncode == 0, done.stdout + done.stderr
    assert _things(live.emulator) == before
    assert json.loads((tmp_path / "report" / "report.json").read_text())["operations"]["create_mailbox"]


def test_a_run_that_is_killed_is_cleaned_up_by_its_ledger(live: LiveProvider, tmp_path: Path) -> None:
    before, ledger = _things(live.emulator), tmp_path / "ledger.jsonl"
    process = subprocess.Popen(
        _command(live, "--profile=journeys", f"--ledger={ledger}"),
        cwd=tmp_path,
        env=_environment(),
        stdout=subprocess.DEVNULL,
    )
    _until(lambda: len(_things(live.emulator)) >= len(before) + 3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert _things(live.emulator) != before
    done = _cleanup(ledger)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "things deleted" in done.stdout
    assert _things(live.emulator) == before
    assert _KEY not in ledger.read_text()


def test_what_a_create_made_is_found_by_its_name_if_the_answer_was_lost(live: LiveProvider, tmp_path: Path) -> None:
    before, ledger = _things(live.emulator), tmp_path / "ledger.jsonl"
    head = {"provider": "inkbox", "revision": "2026-04", "base_url": f"{live.url}/inkbox"}
    lines: list[dict[str, Any]] = [
        {"event": "run", **head, "key_env": ["INKBOX_API_KEY"], "mark": "a1b2c3", "when": "2026-01-01T00:00:00+00:00"},
        {"event": "intent", "number": 1, "operation": "create_identity", "when": "2026-01-01T00:00:00+00:00"},
    ]
    ledger.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + '{"event": "made", "num')
    account = live.emulator.account("inkbox")
    for handle in ("lost-a1b2c3-7", "lost-ffffff-7"):
        account.request("POST", "/api/v1/identities", json={"agent_handle": handle})
    done = _cleanup(ledger)
    assert (done.returncode, done.stdout) == (0, "1 of 1 things deleted\n")
    assert _things(live.emulator) == before | {"lost-ffffff-7"}


@pytest.mark.parametrize("budget", [7, 40])
def test_a_run_stays_inside_its_budget_to_the_request(live: LiveProvider, tmp_path: Path, budget: int) -> None:
    before = _things(live.emulator)
    done = _run(live, tmp_path, "--profile=journeys", f"--budget={budget}", "--journeys=mailbox")
    assert done.returncode == 0, done.stdout + done.stderr
    assert budget - 2 <= len(live.requests) <= budget
    assert f"{len(live.requests)} of {budget} requests" in done.stdout
    assert _things(live.emulator) == before


def test_ctrl_c_stops_a_run_with_its_report_and_nothing_left(live: LiveProvider, tmp_path: Path) -> None:
    before, report = _things(live.emulator), tmp_path / "report"
    command = _command(live, "--profile=journeys", f"--report={report}")
    process = subprocess.Popen(command, cwd=tmp_path, env=_environment(), stdout=subprocess.PIPE, text=True)
    _until(lambda: len(_things(live.emulator)) > len(before))
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert json.loads((report / "report.json").read_text())["interrupted"] is True
    assert _things(live.emulator) == before


def test_no_secret_is_in_any_file_that_a_run_writes(live: LiveProvider, tmp_path: Path) -> None:
    planted = [
        answers("whoami", with_header("X-Debug", f"key={_KEY}")),
        answers("whoami", with_header("X-Trace", _SECRET)),
        answers("whoami", with_value(_SECRET, "label")),
        answers("whoami", with_value({"password": "correct horse", "note": f"use {_SECRET}"}, "session")),
        answers("create_mailbox", with_value(f"sleeping {_SECRET} {_KEY}", "status")),
        answers("list_identities", with_value(_KEY, "note")),
    ]

    def deviate(app: Any) -> Any:
        for each in planted:
            app = each("inkbox")(app)
        return app

    live.deviate = deviate
    options = ["--profile=journeys", "--journeys=whoami or documented or identities", f"--report={tmp_path}/report"]
    done = _run(live, tmp_path, *options, f"--record={tmp_path}/recorded", f"--baseline={tmp_path}/b.json", "--accept")
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in written} >= {".json", ".jsonl", ".md", ".html", ".xml"}
    texts = {path.name: path.read_text() for path in written}
    assert "/session" in texts["report.md"], "what was planted was seen"
    for name, text in {**texts, "stdout": done.stdout, "stderr": done.stderr}.items():
        for secret in (_KEY, _SECRET, "correct horse"):
            assert secret not in text, name


def test_a_foreign_host_needs_yes() -> None:
    command = [sys.executable, "-m", "emulator", "contract", "run", "inkbox", "--base-url=https://evil.example"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "Error: evil.example is neither Inkbox's nor this machine; --yes runs against it anyway\n"


def _until(true: Any) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "the run did not come so far"
        time.sleep(0.01)
