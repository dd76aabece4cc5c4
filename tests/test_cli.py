"""The command line as a user meets it: in a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

_SERVE = [sys.executable, "-m", "emulator", "serve", "--port", "0"]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emulator", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@contextmanager
def _serving(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([*_SERVE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_ready_line_leads_to_a_working_emulator() -> None:
    with _serving("--json") as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["ready"] is True
        assert set(ready["smtp"]) == set(ready["imap"]) == {"host", "port"}
        inkbox = ready["providers"]["inkbox"]
        headers = {"X-Service-Token": inkbox["api_key"]}
        assert httpx.get(f"{inkbox['base_url']}/api/v1/mail/mailboxes", headers=headers).json() == []
        assert httpx.get(f"{ready['url']}/_emulator/health").json()["ready"] is True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_stop_it_cleanly(number: signal.Signals) -> None:
    with _serving("--json") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, "", "")


def test_the_first_screen_has_at_most_12_lines_and_all_one_needs() -> None:
    with _serving() as process:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        while "export INKBOX" not in lines[-1]:
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
        screen = "".join(lines) + rest
        assert len(screen.splitlines()) <= 12
        for needed in ("smtp", "/_emulator", "INKBOX_BASE_URL=http://127.0.0.1:", "INKBOX_API_KEY=ApiKey_"):
            assert needed in screen
        assert "development server" not in screen


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option, door in (("--port", "HTTP"), ("--smtp-port", "SMTP"), ("--imap-port", "IMAP")):
            done = _run("serve", "--port", "0", option, str(port))
            assert done.returncode == 1
            message = f"Error: {door} port {port} on 127.0.0.1 is in use; choose another, or 0 for a free one\n"
            assert (done.stdout, done.stderr) == ("", message)


def test_a_frozen_clock_is_served() -> None:
    with _serving("--json", "--clock", "2026-03-01") as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        assert httpx.get(f"{url}/_emulator/clock").json() == {"now": "2026-03-01T00:00:00.000Z", "virtual": True}


def test_a_wrong_clock_is_explained() -> None:
    done = _run("serve", "--clock", "noon")
    assert done.returncode == 2
    assert "not a time: 'noon' (write 2026-01-01T12:00:00Z), or 'real'" in done.stderr


def test_providers_are_listed() -> None:
    known = [row for row in json.loads(_run("providers", "--json").stdout) if row["name"] == "inkbox"]
    both = {"name": "inkbox", "origin": "https://inkbox.ai"}
    assert known == [
        {**both, "revision": "2026-04", "built": 29, "operations": 29},
        {**both, "revision": "2026-11", "built": 73, "operations": 73},
    ]
    assert "29 of  29 operations" in _run("providers").stdout


def test_coverage_shows_what_is_assumed() -> None:
    assert "assumed: " in _run("coverage").stdout
    assert json.loads(_run("coverage", "--json").stdout)[0].keys() >= {"operation", "built", "source", "assumptions"}


def test_an_unknown_provider_is_explained() -> None:
    done = _run("contract", "run", "inkbx")
    assert done.returncode == 1
    assert done.stderr == "Error: no provider 'inkbx'; did you mean 'inkbox'?\n"


def test_a_contract_run_of_one_operation_is_green() -> None:
    done = _run("contract", "run", "inkbox", "--operations", "whoami")
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_a_missing_key_variable_is_explained() -> None:
    done = _run("contract", "run", "inkbox", "--base-url", "http://127.0.0.1:1", "--key-env", "NO_SUCH_KEY")
    assert done.returncode == 1
    assert done.stderr == "Error: the environment variable NO_SUCH_KEY is not set\n"


def test_a_world_is_filled_kept_and_put_back(tmp_path: Path) -> None:
    state, plan = tmp_path / "state", tmp_path / "plan.json"
    with _serving("--json", "--seed", "7") as process:
        assert process.stdout is not None
        at = ("--url", json.loads(process.stdout.readline())["url"])
        assert _run("seed", "--messages", "30", *at).stdout == "30 mails are there, over 5 mailboxes\n"
        assert _run("snapshot", "save", str(state), *at).stdout.startswith(f"{state} holds the state, ")
        assert _run("seed", "--messages", "1", "--mailboxes", "1", "--seed", "2", *at).returncode == 0
        assert _run("snapshot", "load", str(state), *at).stdout == f"the state of {state} is there, seed 7\n"
        assert len(httpx.get(f"{at[1]}/_emulator/messages").json()["messages"]) == 30
        refused = _run("snapshot", "load", __file__, *at)
        assert (refused.returncode, refused.stderr) == (1, "Error: this is no snapshot of an emulator\n")
    assert _run("seed", "--messages", "3", "-o", str(plan)).stdout == f"{plan} holds a plan with 3 mails\n"
    for start, count in ((state, 30), (plan, 3)):
        with _serving("--json", "--start-with", str(start)) as process:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            assert len(httpx.get(f"{url}/_emulator/messages").json()["messages"]) == count


def test_a_start_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    tmp_path.joinpath("plan.json").write_text('{"mails": []}')
    done = _run("serve", "--port", "0", "--start-with", str(tmp_path / "plan.json"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "plan.json: Additional properties are not allowed ('mails' was unexpected)" in done.stderr


def test_https_is_served_where_it_is_asked_for(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    with _serving("--json", "--https-port", "0", "--ca-file", str(ca)) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["https_url"]
        trusting = ssl.create_default_context(cafile=ca)
        assert httpx.get(f"{url}/_emulator/health", verify=trusting).json()["ready"] is True
        assert httpx.get(f"{url}/", verify=trusting).json()["providers"]["inkbox"] == f"{url}/inkbox"
