"""What a contract run writes: the drift report in its formats, a baseline, verification dates, recordings."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from contract.choice import Choice
from contract.progress import Progress
from contract.run import Run
from contract.verify import verify
from emulator import providers
from emulator.openapi import Document
from tests.changes import with_status, with_value, without
from tests.deviating import answers
from tests.live_provider import live_provider
from tests.replay import replay_recorded

_KEY = "ApiKey_00000000-0000-4000-8000-000000000001"
_JOURNEYS = "whoami or one_thread or documented_fields or generates_one or identities_are_listed"


def _run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emulator", "contract", "run", "inkbox", *options]
    environment = {**os.environ, "INKBOX_API_KEY": _KEY}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run against a provider that leaves a field out, adds another, and answers with another status; then once more."""
    found = tmp_path_factory.mktemp("run")
    with live_provider() as live:
        changes = [
            answers("whoami", with_value("red", "color")),
            answers("list_messages", without("items", "subject")),
            answers("list_identities", with_status(206)),
        ]

        def deviate(app: Any) -> Any:
            for change in changes:
                app = change("inkbox")(app)
            return app

        live.deviate = deviate
        options = [f"--base-url={live.url}/inkbox", "--key-env=INKBOX_API_KEY", "--profile=journeys", "--rate=10000"]
        options += [f"--journeys={_JOURNEYS} or reads", "--baseline=accepted.json"]
        first = _run(found, *options, "--report=first", "--accept", "--record=recorded")
        assert first.returncode == 0, first.stdout + first.stderr
        _edit(found / "accepted.json")
        second = _run(found, *options, "--report=second")
        (found / "said.txt").write_text(f"{second.returncode}\n{second.stdout}{second.stderr}")
    return found


def _edit(baseline: Path) -> None:
    """Leave the first two accepted differences in, with reasons, and one that is not found any more."""
    entries = json.loads(baseline.read_text())["accepted"]
    kept = [{**entry, "why": "told to the vendor"} for entry in entries if "/color" in entry["what"]]
    baseline.write_text(json.dumps({"accepted": [*kept, {"id": "0123456789ab", "what": "old", "why": ""}]}))


def _report(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name / "report.json").read_text())
    return found


def test_each_difference_stands_in_three_columns(folder: Path) -> None:
    found = {(one["kind"], one["operation"]): one for one in _report(folder, "first")["findings"]}
    status = found["status", "list_identities"]
    assert status["columns"]["provider"] == "206"
    assert status["columns"]["document"].startswith("200, ")
    assert "200" in status["columns"]["emulator"].split(", ")
    assert found["field-missing", "list_messages"]["columns"]["emulator"] == "string"
    assert found["field-undocumented", "whoami"]["columns"]["emulator"] == "no such field seen"


def test_the_evidence_is_dated_and_shows_the_exchange(folder: Path) -> None:
    [finding] = [one for one in _report(folder, "first")["findings"] if one["at"] == "/color"]
    assert finding["evidence"]["when"].startswith("20")
    assert finding["evidence"]["request"]["path"] == "/api/whoami"
    assert finding["evidence"]["response"]["json"]["color"] == "red"


def test_what_is_accepted_does_not_fail_a_run_and_what_is_not_does(folder: Path) -> None:
    report = _report(folder, "second")
    accepted = {one["at"]: one["accepted"] for one in report["findings"]}
    assert accepted["/color"] == "told to the vendor"
    assert accepted["/items/*/subject"] is None
    assert report["stale"] == ["0123456789ab"]
    said = (folder / "said.txt").read_text()
    assert said.startswith("1\n")
    assert "/color" not in said
    assert "list_messages in its 200: /items/*/subject missing, documented: a required field" in said


def test_operations_that_were_not_reached_and_fields_never_seen_are_told(folder: Path) -> None:
    report = _report(folder, "first")
    assert "create_signing_key" not in report["reached"]
    assert report["reached"]["send_message"] is True
    assert "409" in report["never_seen"]["create_mailbox"]["statuses"]
    text = (folder / "first" / "report.md").read_text()
    assert "| `create_signing_key` | `POST /api/v1/signing-keys` | not reached |" in text


def test_the_page_needs_nothing_else_and_is_well_formed(folder: Path) -> None:
    class Tags(HTMLParser):
        opened: list[str] = []  # noqa: RUF012  # one page

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            assert tag not in ("script", "link", "img", "iframe")
            assert not any(name in ("src", "href") or name.startswith("on") for name, _ in attrs)
            if tag != "meta":
                self.opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.opened.pop() == tag

    page = (folder / "first" / "report.html").read_text()
    parser = Tags()
    parser.feed(page.replace("<!doctype html>", "").replace("<br>", ""))
    assert parser.opened == []
    assert "field-undocumented" in page


def test_junit_has_a_case_for_each_operation_and_journey(folder: Path) -> None:
    suite = ET.parse(folder / "second" / "junit.xml").getroot()[0]
    operations = [case.get("name") for case in suite if case.get("classname") == "operation"]
    assert operations == list(providers.get("inkbox").document.operations)
    failed = {case.get("name") for case in suite if case.find("failure") is not None}
    assert failed == {"list_messages", "list_identities"}
    assert "whoami" not in failed


def test_what_was_recorded_is_replayed_against_the_emulator(folder: Path) -> None:
    recorded = sorted((folder / "recorded").glob("*.json"))
    assert recorded
    for path in recorded:
        content = json.loads(path.read_text())
        assert content["date"]
        assert "127.0.0.1" in content["source"]
        replay_recorded(path, "inkbox")


def _live_report(folder: Path, **changes: Any) -> Path:
    """Return a report as a run against the provider's own host would have left it."""
    path = folder / "live.json"
    path.write_text(json.dumps({**_report(folder, "first"), "target": "https://inkbox.ai", **changes}))
    return path


def test_only_what_succeeded_without_an_error_is_dated(folder: Path, tmp_path: Path) -> None:
    original = providers.get("inkbox").document
    copy = Document(tmp_path / "openapi.json", tmp_path / "patch.json" if original.patch else None)
    copy.path.write_bytes(original.path.read_bytes())
    if original.patch and copy.patch:
        copy.patch.write_bytes(original.patch.read_bytes())
    report = _live_report(folder)
    day = _report(folder, "first")["ended"][:10]
    assert verify(report, copy).endswith(f"verified {day}")
    dated = Document(copy.path, copy.patch)
    assert dated.operations["send_message"].verified == day
    assert dated.operations["list_messages"].verified is None, "it broke its document"
    assert dated.operations["create_signing_key"].verified is None, "it was not called"
    copy.path.write_text(copy.path.read_text().replace(f'"{day}"', "null"))
    assert json.loads(copy.path.read_text()) == json.loads(original.path.read_text()), "nothing else is changed"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"target": "http://127.0.0.1:1/inkbox"}, "not Inkbox's own"),
        ({"kind": "served"}, "not Inkbox's own"),
        ({"document": "0"}, "has changed since the run"),
        ({"provider": "nobody"}, "is no report"),
    ],
)
def test_nothing_is_dated_by_another_run(folder: Path, changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        verify(_live_report(folder, **changes))


def test_the_line_of_progress_tells_tests_operations_and_requests_left() -> None:
    run = Run(Choice(provider="inkbox"))
    run.budget.limit, run.budget.sent = 200, 40
    run.of("inkbox").operations["whoami"] = run.of("inkbox").operations.get("whoami") or _seen()
    line = Progress(run).line()
    assert "1/29 operations" in line
    assert "40 requests, 160 left" in line


def _seen() -> Any:
    from contract.observed import Seen

    return Seen({"200": 1})


def test_a_terminal_sees_how_far_a_run_is(tmp_path: Path) -> None:
    leader, follower = os.openpty()
    command = [sys.executable, "-m", "emulator", "contract", "run", "inkbox", "--profile=journeys", "--journeys=whoami"]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=follower, check=False)
    os.close(follower)
    shown = os.read(leader, 1 << 16).decode()
    os.close(leader)
    assert done.returncode == 0
    assert re.search(r"\[\.+\] \d/\d tests  \d/29 operations  \d+ requests", shown)
    assert shown.endswith("\r\x1b[K"), "the line is gone at the end"
