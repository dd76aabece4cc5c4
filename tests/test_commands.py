"""The commands for an emulator that runs: what they print for people and for programs, and how they exit."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from emulator import Account, Emulator
from emulator.cli import cli

Run = Callable[..., Result]


@pytest.fixture
def run(emulator_server: Emulator) -> Run:
    assert emulator_server.servers is not None
    environment = {"EMULATOR_URL": emulator_server.servers.url}

    def invoke(*arguments: str, **options: Any) -> Result:
        return CliRunner(env=environment).invoke(cli, arguments, **options)

    return invoke


def test_ready_tells_where_and_fails_where_nothing_is(run: Run) -> None:
    done = run("ready", "--wait")
    assert done.exit_code == 0
    assert " is ready at http://127.0.0.1:" in done.output
    assert json.loads(run("ready", "--json").output)["ready"] is True
    done = run("ready", "--url", "http://127.0.0.1:1", "--wait", "--timeout", "0.1")
    assert done.exit_code == 1
    assert "no emulator answers at http://127.0.0.1:1" in done.output


def test_ready_waits_until_an_emulator_is_there() -> None:
    answers = iter([b"", b"no JSON", b'{"error": "not yet"}', b'{"version": "9"}'])

    class Starting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = next(answers)
            self.send_response(503 if b"error" in body else 200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Starting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        done = CliRunner().invoke(cli, ["ready", "--wait", "--url", url])
        server.shutdown()
        thread.join()
    assert (done.exit_code, done.output) == (0, f"Inbox Emulator 9 is ready at {url}\n")


def test_mail_is_sent_listed_and_read(run: Run, inkbox_server: Account, tmp_path: Path) -> None:
    inkbox_server.mailbox("support")
    assert run("inbox", "support@inkboxmail.com").output == "nothing arrived at support@inkboxmail.com yet\n"
    (tmp_path / "a.txt").write_text("hi")
    (tmp_path / "a.html").write_text("<b>Hello</b>")
    to = ["--to", "support@inkboxmail.com", "--to", "jane@example.com"]
    more = ["--html", str(tmp_path / "a.html"), "--attach", str(tmp_path / "a.txt")]
    done = run("send", *to, "--from", "ann@example.com", "--subject", "Hello", "--text", "-", *more, input="Hi there\n")
    assert done.output == "arrived at support@inkboxmail.com (inkbox)\narrived at jane@example.com (outside)\n"
    listed = run("inbox", "support@inkboxmail.com").output.splitlines()
    assert listed[0].split() == ["AT", "FROM", "SUBJECT"]
    assert listed[1].split() == ["2026-01-01", "12:00:00", "ann@example.com", "Hello"]
    last = run("inbox", "support@inkboxmail.com", "--last").output
    assert "Subject: Hello\nAttachment: a.txt (2 bytes)\n\nHi there\n" in last
    assert json.loads(run("inbox", "support@inkboxmail.com", "--json").output)[0]["html"] == "<b>Hello</b>"
    [row] = [line for line in run("mailboxes").output.splitlines() if "support@" in line]
    assert row.split() == ["support@inkboxmail.com", "inkbox", "1", "1"]


def test_wait_prints_the_mail_its_code_or_its_link(run: Run, emulator_server: Emulator) -> None:
    text = "Your verification code is 481516. Or verify here: https://acme.test/verify?token=a1B2c3D4e5F6g7H8"
    emulator_server.receive("jane@example.com", "Verify", text)
    wanted = ["wait", "--to", "jane@example.com", "--subject", "verify", "--from", "outside"]
    assert run(*wanted, "--otp").output == "481516\n"
    assert run(*wanted, "--link").output == "https://acme.test/verify?token=a1B2c3D4e5F6g7H8\n"
    assert run(*wanted).output.endswith(f"Subject: Verify\n\n{text}\n")
    assert json.loads(run(*wanted, "--json").output)["otp"] == "481516"


def test_wait_tells_by_its_exit_code_and_by_near_misses_that_nothing_came(run: Run, emulator_server: Emulator) -> None:
    emulator_server.receive("jane@example.com", "Hello", "No code here.")
    done = run("wait", "--to", "bob@example.com", "--timeout", "0")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "no mail with to 'bob@example.com' came within 0 s" in done.stderr
    assert "to jane@example.com from someone@outside.test: 'Hello' (it is not to bob@example.com)" in done.stderr
    done = run("wait", "--to", "jane@example.com", "--otp")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr == "Error: there is no one-time code in 'Hello' from someone@outside.test\n"
    done = run("wait", "--to", "jane@example.com", "--new", "--timeout", "0")
    assert done.exit_code == 1
    assert "'Hello' (it came before)" in done.stderr


def test_the_journal_is_printed_and_followed(emulator_server: Emulator, inkbox_server: Account, run: Run) -> None:
    inkbox_server.request("GET", "/api/whoami")
    [line] = run("journal", "--kind", "http").output.splitlines()
    assert line.split() == ["1", "2026-01-01", "12:00:00", "http", "inkbox", "GET", "/api/whoami", "200", "whoami"]
    assert run("journal", "-n", "0").output == ""
    assert emulator_server.servers is not None
    command = [
        sys.executable,
        "-u",
        "-m",
        "emulator",
        "journal",
        "--follow",
        "--json",
        "--url",
        emulator_server.servers.url,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["operation"] == "whoami"
        emulator_server.receive("jane@example.com", "Hi")
        assert json.loads(following.stdout.readline())["kind"] == "mail.left"
        following.send_signal(signal.SIGINT)
        assert (following.wait(60), following.stderr and following.stderr.read()) == (0, "")


def test_reset_and_clock_and_faults_work_together(run: Run, inkbox_server: Account) -> None:
    inkbox_server.mailbox("support")
    assert run("clock", "advance", "1h").output == "it is 2026-01-01T13:00:00.000Z, 0 things done\n"
    assert "fault-1" in run("fault", "add", "latency", "seconds=1").output
    assert run("reset").output == "the world is back at its start\n"
    assert run("fault", "list").output == "no fault rules\n"
    assert run("clock", "show").output == "it is 2026-01-01T12:00:00.000Z\n"
    assert "support@" not in run("mailboxes").output


def test_what_mail_says_cannot_command_the_terminal(run: Run, emulator_server: Emulator) -> None:
    emulator_server.receive("jane@example.com", "\x1b]0;owned\x07", "\x1b[2J\x9b31mred\u202e\nnext")
    for command in (["inbox", "jane@example.com"], ["inbox", "jane@example.com", "--last"], ["journal"], ["wait"]):
        shown = run(*command).output
        assert not any(letter in shown for letter in "\x1b\x07\x9b\u202e"), command


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes(shell: str) -> None:
    done = CliRunner().invoke(cli, ["completion", shell], prog_name="emulator")
    assert "_EMULATOR_COMPLETE" in done.output
    assert "emulator" in done.output


def test_a_mistake_is_one_line(run: Run, tmp_path: Path) -> None:
    for command, said in (
        (["send", "--to", "nobody"], "Error: not an address: 'nobody'"),
        (["send", "--to", "a@b.test", "--attach", str(tmp_path / "none")], "none: No such file or directory"),
        (["inbox", "a@b.test", "--last"], "Error: nothing arrived at a@b.test yet"),
        (["inbox", "a@b.test", "--world", "third"], "Error: no world 'third'; there are default"),
    ):
        done = run(*command)
        assert done.exit_code == 1, command
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
