"""The fixtures as a downstream project uses them."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from emulator import Account, Emulator


def test_the_provider_fixture_is_ready(inkbox: Account) -> None:
    assert inkbox.request("GET", "/api/whoami").status_code == 200
    assert inkbox.base_url == "https://inkbox.ai"
    assert inkbox.environment == {"INKBOX_BASE_URL": "https://inkbox.ai", "INKBOX_API_KEY": inkbox.api_key}


def test_the_wsgi_app_works_with_httpx(emulator: Emulator, inkbox: Account) -> None:
    headers = {"X-Service-Token": inkbox.api_key}
    with httpx.Client(transport=httpx.WSGITransport(app=emulator.wsgi), base_url=inkbox.base_url) as client:
        assert client.get("/api/v1/identities/", headers=headers).json() == []


@pytest.mark.parametrize("round_", range(2))
def test_every_test_has_a_fresh_world(inkbox: Account, round_: int) -> None:
    assert inkbox.request("GET", "/api/v1/identities").get_json() == [], round_
    inkbox.mailbox("bot")


def test_the_served_fixture_listens_on_loopback(inkbox_server: Account) -> None:
    assert inkbox_server.base_url.startswith("http://127.0.0.1:")
    headers = {"X-Service-Token": inkbox_server.api_key}
    assert httpx.get(f"{inkbox_server.base_url}/api/whoami", headers=headers).status_code == 200


@pytest.mark.emulator(seed="other", clock=datetime(2030, 1, 1, tzinfo=UTC), strict=False)
def test_the_marker_chooses_seed_clock_and_strictness(emulator: Emulator) -> None:
    assert (emulator.seed, emulator.world.now().year, emulator.world.strict) == ("other", 2030, False)


@pytest.mark.emulator(clock=None)
def test_the_clock_can_be_real(emulator: Emulator) -> None:
    assert not emulator.world.clock.virtual


def test_wait_for_says_what_did_arrive(emulator: Emulator, inkbox: Account) -> None:
    emulator.receive(inkbox.mailbox("bot").address, "Something else")
    with pytest.raises(AssertionError) as failed:
        emulator.wait_for(to="bot@inkboxmail.com", subject="Code", timeout=0)
    assert str(failed.value) == (
        "no mail with to='bot@inkboxmail.com', subject='Code' within 0 s\n"
        "What arrived:\n"
        "  to bot@inkboxmail.com from someone@outside.test: 'Something else': 'Code' is not in its subject\n"
        "The last API calls:\n"
        "  nothing\n"
        "Seed '0'; it starts the same with @pytest.mark.emulator(seed='0')"
    )


def test_a_fault_that_is_not_documented_is_refused(emulator: Emulator) -> None:
    with pytest.raises(Exception, match="does not document 418"):
        emulator.fail("inkbox", "whoami", 418)
    with pytest.raises(Exception, match="has no operation 'nope'"):
        emulator.fail("inkbox", "nope", 503)


def _pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_a_defect_of_the_emulator_fails_the_test_that_met_it(tmp_path: Path) -> None:
    (tmp_path / "test_defect.py").write_text(
        "from emulator.providers.inkbox import resources\n"
        "def test_defect(inkbox, monkeypatch):\n"
        "    monkeypatch.setattr(resources, 'list_identities', lambda *_: 1 / 0)\n"
        "    answer = inkbox.request('GET', '/api/v1/identities')\n"
        "    assert answer.status_code == 500\n"
        "    assert set(answer.get_json()) == {'detail'}\n"
    )
    done = _pytest(tmp_path)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stdout
    assert "1 passed, 1 error" in done.stdout


def test_fixtures_work_under_xdist(tmp_path: Path) -> None:
    (tmp_path / "test_parallel.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('n', range(8))\n"
        "def test_parallel(inkbox, n):\n"
        "    assert inkbox.mailbox('bot').address == 'bot@inkboxmail.com'\n"
    )
    done = _pytest(tmp_path, "-n", "2")
    assert done.returncode == 0, done.stdout


def test_nothing_heavy_is_imported_before_a_fixture_is_used(tmp_path: Path) -> None:
    heavy = ("flask", "werkzeug", "jsonschema_rs", "aiosmtpd", "cheroot", "schemathesis", "httpx", "emulator.harness")
    (tmp_path / "test_light.py").write_text(
        f"import sys\ndef test_light():\n    assert [name for name in {heavy!r} if name in sys.modules] == []\n"
    )
    done = _pytest(tmp_path, "-p", "no:schemathesis", "-p", "no:hypothesispytest", "-p", "no:xdist")
    assert done.returncode == 0, done.stdout


def test_fixtures_are_documented(tmp_path: Path) -> None:
    listed = _pytest(tmp_path, "--fixtures").stdout
    for line in ("Give the ready inkbox account of `emulator`.", "Give a fresh emulator in this process"):
        assert line in listed


# What a project chooses


def _project(folder: Path, test: str, ini: str = "") -> subprocess.CompletedProcess[str]:
    folder.joinpath("pytest.ini").write_text(f"[pytest]\n{ini}\n")
    folder.joinpath("test_project.py").write_text(test)
    return _pytest(folder)


def test_a_project_intercepts_in_every_test(tmp_path: Path) -> None:
    test = (
        "import httpx, pytest\n"
        "def test_intercepted(inkbox):\n"
        "    headers = inkbox.provider.key_headers(inkbox.api_key)\n"
        "    assert httpx.get('https://inkbox.ai/api/whoami', headers=headers).status_code == 200\n"
        "    with pytest.raises(RuntimeError, match='example.org was refused'):\n"
        "        httpx.get('https://example.org')\n"
    )
    done = _project(tmp_path, test, "emulator_intercept = true\nemulator_allow = *.example.com")
    assert "1 passed" in done.stdout, done.stdout


def test_an_emulator_can_live_as_long_as_a_module(tmp_path: Path) -> None:
    test = (
        "def test_one(inkbox): inkbox.mailbox('bot')\n"
        "def test_two(inkbox): assert len(inkbox.request('GET', '/api/v1/identities').json) == 1\n"
    )
    assert "2 passed" in _project(tmp_path, test, "emulator_scope = module").stdout
    assert "1 failed, 1 passed" in _project(tmp_path, test).stdout


def test_a_marker_that_says_nonsense_is_explained(tmp_path: Path) -> None:
    test = "import pytest\n@pytest.mark.emulator(sead='1')\ndef test_one(emulator): pass\n"
    done = _project(tmp_path, test)
    assert "@pytest.mark.emulator: " in done.stdout
    assert "'sead'; it takes emulator(seed='0', " in done.stdout


def test_a_failed_test_shows_what_its_emulator_saw(tmp_path: Path) -> None:
    test = (
        "import httpx, pytest\n"
        "def test_failing(emulator_intercept, inkbox):\n"
        "    inkbox.mailbox('bot').receive('Hello', sender='jane@example.com')\n"
        "    inkbox.request('GET', '/api/whoami')\n"
        "    with pytest.raises(RuntimeError): httpx.get('https://example.org/path')\n"
        "    assert False\n"
    )
    shown = _project(tmp_path, test).stdout
    assert (
        "-------------------------------- Inbox Emulator --------------------------------\n"
        "What arrived:\n"
        "  to bot@inkboxmail.com from jane@example.com: 'Hello'\n"
        "Connections that were refused:\n"
        "  https://example.org/path\n"
        "The last API calls:\n"
        "  GET inkbox /api/whoami 200 whoami\n"
        "Seed '0'; it starts the same with @pytest.mark.emulator(seed='0')\n"
    ) in shown, shown


# One server for all tests


@pytest.mark.parametrize("round_", range(2))
def test_each_test_has_a_world_of_its_own_on_a_shared_server(
    emulator_session: Emulator, inkbox_shared: Account, round_: int
) -> None:
    assert emulator_session.servers is not None
    assert inkbox_shared.base_url == f"{emulator_session.servers.url}/inkbox"
    headers = {"X-Service-Token": inkbox_shared.api_key}
    assert httpx.get(f"{inkbox_shared.base_url}/api/v1/identities", headers=headers).json() == [], round_
    box = inkbox_shared.mailbox("bot")
    assert len(httpx.get(f"{inkbox_shared.base_url}/api/v1/identities", headers=headers).json()) == 1
    inkbox_shared.emulator.receive(box.address, "Here only")
    assert emulator_session.mail() == []


@pytest.mark.emulator(seed="7")
def test_the_marker_speaks_to_a_shared_server_too(emulator_shared: Emulator, emulator_session: Emulator) -> None:
    assert emulator_shared.world.seed == "7"
    assert emulator_session.world.seed == "0"
    assert emulator_shared.environment["INKBOX_API_KEY"] == emulator_shared.account("inkbox").api_key
    assert emulator_shared.environment["EMULATOR_SMTP_PORT"].isdecimal()


def test_every_provider_has_its_account_in_a_tenant(emulator_shared: Emulator) -> None:
    for name in ("inboxai", "inkbox", "myagentmail", "postern", "sendmux"):
        account = emulator_shared.account(name)
        box = account.mailbox("bot")
        emulator_shared.receive(box.address, "Hello")
        assert [mail.subject for mail in box.mail] == ["Hello"]
