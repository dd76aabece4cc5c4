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
