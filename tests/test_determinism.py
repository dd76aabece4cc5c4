"""The same script gives the same bytes: again, and beside others."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from emulator import Emulator

_KEYS = [f"ApiKey_{n}0000000-0000-4000-8000-000000000000" for n in range(1, 5)]


def _script(emulator: Emulator, key: str) -> str:
    """Run through Inkbox as one client and return a hash of every byte it was answered."""
    account, digest = emulator.account("inkbox"), hashlib.sha256()

    def request(method: str, path: str, **options: object) -> dict[str, str]:
        response = account.request(method, path, headers={"X-Service-Token": key}, **options)
        digest.update(f"{response.status_code}".encode() + response.data)
        answer: dict[str, str] = response.get_json(silent=True) or {}
        return answer

    request("POST", "/api/v1/identities", json={"agent_handle": "bot"})
    address = request("POST", "/api/v1/mail/mailboxes", json={"agent_handle": "bot"})["email_address"]
    box = f"/api/v1/mail/mailboxes/{address}"
    for number in range(5):
        mail = {"recipients": {"to": [address, "ops@example.com"]}, "subject": f"Mail {number}", "body_text": "Hi"}
        sent = request("POST", f"{box}/messages", json=mail)
        request("GET", f"{box}/messages/{sent['id']}")
    request("GET", f"{box}/messages?limit=3")
    request("GET", f"{box}/threads")
    request("POST", "/api/v1/identities", json={"agent_handle": "bot"})
    request("GET", "/api/whoami")
    return digest.hexdigest()


def test_a_script_run_twice_and_beside_three_others_yields_the_same_bytes() -> None:
    alone = []
    for key in _KEYS:
        with Emulator(strict=False) as emulator:
            alone.append(_script(emulator, key))
    with Emulator(strict=False) as shared, ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda key: _script(shared, key), _KEYS))
    assert together == alone
    assert len(set(alone)) == 4


def test_another_seed_gives_other_bytes() -> None:
    with Emulator("1", strict=False) as one, Emulator("2", strict=False) as two:
        assert _script(one, _KEYS[0]) != _script(two, _KEYS[0])


@pytest.mark.parametrize("round_", range(2))
def test_ids_of_the_fixture_are_the_same_in_every_test(emulator: Emulator, round_: int) -> None:
    assert emulator.account("inkbox").mailbox("bot").id == "84aa260f-3183-4802-8d93-e9c32c0e8da9", round_
