"""The control API under `/_emulator`."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from werkzeug.test import Client, TestResponse

from emulator import Account, Emulator, providers
from emulator.servers.http.control import journal
from emulator.servers.http.server import THREADS


@pytest.fixture
def control(emulator: Emulator) -> Client:
    return Client(emulator.wsgi)


def _call(control: Client, method: str, path: str, **options: Any) -> TestResponse:
    return control.open(f"/_emulator{path}", method=method, **options)


def test_health_tells_version_and_worlds(control: Client) -> None:
    answer = _call(control, "GET", "/health").get_json()
    assert answer["ready"] is True
    assert answer["worlds"] == ["default"]
    assert "inkbox" in answer["providers"]


def test_mail_is_received_and_listed_where_it_arrived(control: Client, inkbox: Account) -> None:
    inkbox.mailbox("bot")
    mail = {"from": "jane@example.com", "to": ["bot@inkboxmail.com", "x@example.com"], "subject": "Hi", "text": "Hello"}
    assert _call(control, "POST", "/messages", json=mail).status_code == 201
    listed = _call(control, "GET", "/messages").get_json()["messages"]
    assert [(item["to"], item["provider"]) for item in listed] == [
        ("bot@inkboxmail.com", "inkbox"),
        ("x@example.com", "outside"),
    ]
    assert _call(control, "GET", "/messages?to=bot@inkboxmail.com&subject=hi").get_json()["messages"] == [listed[0]]


def test_received_mail_may_have_attachments(control: Client, inkbox: Account) -> None:
    box, file = inkbox.mailbox("bot"), {"filename": "a.txt", "content_base64": "SGk="}
    mail = {"to": box.address, "attachments": [{**file, "content_type": "text/plain"}, file]}
    [arrived] = _call(control, "POST", "/messages", json=mail).get_json()["messages"]
    kinds = [(part["filename"], part["content_type"], part["size"]) for part in arrived["attachments"]]
    assert kinds == [("a.txt", "text/plain", 2), ("a.txt", "application/octet-stream", 2)]
    broken = {**mail, "attachments": [{**file, "content_base64": "no!"}]}
    answer = _call(control, "POST", "/messages", json=broken)
    assert (answer.status_code, answer.get_json()) == (422, {"error": "content_base64 of 'a.txt' is not base64"})


def test_a_bad_address_and_an_unknown_field_are_explained(control: Client) -> None:
    answer = _call(control, "POST", "/messages", json={"to": "nobody"})
    assert (answer.status_code, answer.get_json()) == (422, {"error": "not an address: 'nobody'"})
    answer = _call(control, "POST", "/messages", json={"to": "a@b.test", "subjekt": "x"})
    assert "'subjekt' was unexpected" in answer.get_json()["error"]
    assert _call(control, "POST", "/messages", data="{").status_code == 400


def test_wait_is_answered_when_the_mail_comes(control: Client, emulator: Emulator) -> None:
    body = {"to": "jane@example.com", "subject": "code", "timeout": 30}
    answers: list[Any] = []
    waiter = threading.Thread(target=lambda: answers.append(_call(control, "POST", "/wait", json=body).get_json()))
    waiter.start()
    emulator.receive("jane@example.com", "Your code", "123456")
    waiter.join(30)
    assert answers[0]["timed_out"] is False
    assert answers[0]["message"]["text"] == "123456"


def test_wait_says_when_nothing_came(control: Client) -> None:
    answer = _call(control, "POST", "/wait", json={"to": "jane@example.com", "timeout": 0}).get_json()
    assert answer == {"timed_out": True, "message": None, "arrived": [], "arrivals": 0}


def test_wait_brings_code_and_link_or_what_did_arrive(control: Client, emulator: Emulator) -> None:
    emulator.receive("jane@example.com", "Your code", "Your code is 481516")
    answer = _call(control, "POST", "/wait", json={"to": "jane@example.com"}).get_json()
    assert (answer["message"]["otp"], answer["message"]["link"], answer["arrivals"]) == ("481516", None, 1)
    answer = _call(control, "POST", "/wait", json={"subject": "x y", "timeout": 0, "after": 1}).get_json()
    [near] = answer["arrived"]
    assert (near["subject"], near["misses"]) == ("Your code", ["'x y' is not in its subject"])
    emulator.receive("jane@example.com", "Second")
    emulator.receive("jane@example.com", "Third")
    for after in (1, 1.0):
        answer = _call(control, "POST", "/wait", json={"after": after}).get_json()
        assert answer["message"]["subject"] == "Second"


def test_reset_returns_to_the_start(control: Client, inkbox: Account) -> None:
    inkbox.mailbox("bot")
    _call(control, "POST", "/reset")
    assert inkbox.request("GET", "/api/v1/identities").get_json() == []


def test_a_snapshot_is_taken_and_restored(control: Client, inkbox: Account) -> None:
    inkbox.mailbox("kept")
    taken = _call(control, "POST", "/snapshots").get_json()["id"]
    inkbox.mailbox("lost")
    assert _call(control, "POST", f"/snapshots/{taken}/restore").get_json() == {"restored": taken}
    assert [one["agent_handle"] for one in inkbox.request("GET", "/api/v1/identities").get_json()] == ["kept"]
    answer = _call(control, "POST", "/snapshots/7/restore")
    assert (answer.status_code, answer.get_json()) == (404, {"error": "no snapshot 7; 1 were taken"})


def test_the_clock_is_read_and_advanced(control: Client) -> None:
    assert _call(control, "GET", "/clock").get_json() == {"now": "2026-01-01T12:00:00.000Z", "virtual": True}
    advanced = _call(control, "POST", "/clock/advance", json={"by": "1h"}).get_json()
    assert advanced["now"] == "2026-01-01T13:00:00.000Z"
    assert _call(control, "POST", "/clock/advance", json={"by": "soon"}).status_code == 422


@pytest.mark.emulator(clock=None)
def test_the_real_clock_is_not_moved(control: Client) -> None:
    answer = _call(control, "POST", "/clock/advance", json={"by": "1h"})
    assert answer.status_code == 409
    assert "the real clock cannot be moved" in answer.get_json()["error"]


def test_faults_are_added_listed_and_removed(control: Client, inkbox: Account) -> None:
    rule = _call(
        control, "POST", "/faults", json={"provider": "inkbox", "operation": "whoami", "status": 429}
    ).get_json()
    assert inkbox.request("GET", "/api/whoami").status_code == 429
    [listed] = _call(control, "GET", "/faults").get_json()["faults"]
    assert (listed["id"], listed["hits"]) == (rule["id"], 1)
    assert _call(control, "DELETE", f"/faults/{rule['id']}").status_code == 204
    assert _call(control, "DELETE", f"/faults/{rule['id']}").status_code == 404


def test_an_undocumented_fault_needs_force(control: Client, inkbox: Account) -> None:
    fault = {"provider": "inkbox", "operation": "whoami", "status": 418}
    answer = _call(control, "POST", "/faults", json=fault)
    assert answer.status_code == 422
    assert "whoami does not document 418" in answer.get_json()["error"]
    assert _call(control, "POST", "/faults", json={**fault, "force": True}).status_code == 201
    assert inkbox.request("GET", "/api/whoami").status_code == 418


def test_the_journal_is_read_from_a_mark(control: Client, inkbox: Account) -> None:
    inkbox.request("GET", "/api/whoami")
    mark = _call(control, "GET", "/journal").get_json()["entries"][-1]["n"]
    inkbox.request("GET", "/api/v1/identities")
    [entry] = _call(control, "GET", f"/journal?after={mark}&kind=http").get_json()["entries"]
    assert (entry["operation"], entry["status"]) == ("list_identities", 200)
    assert entry["request_headers"]["X-Service-Token"] == "***0001"


def test_a_world_of_its_own_is_reached_by_its_key_and_by_header(control: Client, inkbox: Account) -> None:
    made = _call(control, "POST", "/worlds", json={"name": "second", "clock": "2030-01-01"}).get_json()
    inkbox.mailbox("bot")
    own = {"X-Service-Token": made["api_keys"]["inkbox"]}
    assert inkbox.request("GET", "/api/v1/identities", headers=own).get_json() == []
    assert inkbox.request("POST", "/api/v1/identities", headers=own, json={"agent_handle": "x"}).status_code == 201
    header = {"X-Emulator-World": "second"}
    assert _call(control, "GET", "/clock", headers=header).get_json()["now"].startswith("2030")
    assert inkbox.request("GET", "/api/v1/identities", headers=header).get_json() == []
    assert len(inkbox.request("GET", "/api/v1/identities").get_json()) == 1
    assert _call(control, "POST", "/worlds", json={"name": "second"}).status_code == 409
    assert _call(control, "DELETE", "/worlds/second").status_code == 204
    assert _call(control, "DELETE", "/worlds/default").status_code == 409
    assert inkbox.request("GET", "/api/v1/identities", headers=header).status_code == 404


def test_coverage_lists_every_operation(control: Client) -> None:
    rows = _call(control, "GET", "/coverage").get_json()["operations"]
    inkbox = [row for row in rows if row["provider"] == "inkbox"]
    assert Counter(row["revision"] for row in inkbox) == {"2026-04": 29, "2026-11": 73}
    assert all(row["built"] for row in inkbox)


def test_settings_are_listed_and_unknown_ones_refused(control: Client) -> None:
    assert _call(control, "GET", "/settings").get_json()["inkbox"]["imports_per_day"] == 20
    answer = _call(control, "PUT", "/settings/inkbox/nope", json={"value": 1})
    known = "imports_per_day, paid_plan, sending_domains, storage_limit_bytes, subscriptions_per_owner"
    assert answer.status_code == 404
    assert answer.get_json() == {"error": f"inkbox has no setting 'nope'; it has {known}"}


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("postern/daily_cap", [None, True, 3], ["ten", [], 1.5]),
        ("postern/paid_provisioning", [True, False], [1, "yes", None]),
        ("inboxai/inbox_limit", [0, 7], ["7", None, True]),
        ("inboxai/attachment_hosts", [[], ["127.0.0.1"]], ["127.0.0.1", [1], None]),
        ("inboxai/platform_domain", ["x.test"], [1, None]),
    ],
)
def test_a_setting_takes_what_its_default_shows(control: Client, path: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert _call(control, "PUT", f"/settings/{path}", json={"value": value}).status_code == 200, value
    for value in bad:
        answer = _call(control, "PUT", f"/settings/{path}", json={"value": value})
        assert answer.status_code == 422, value
        assert "by default" in answer.get_json()["error"]


def test_a_file_link_of_nobodys_is_refused(control: Client) -> None:
    for token in ("x", "a.b", "é.x", "W10.W10"):
        assert _call(control, "GET", f"/files/{token}").status_code == 404


def test_wrong_paths_and_methods_are_json(control: Client) -> None:
    assert _call(control, "GET", "/nope").get_json() == {"error": "Not Found"}
    answer = _call(control, "DELETE", "/health")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_mailboxes_are_made_and_listed_with_what_is_unread(control: Client, emulator: Emulator) -> None:
    made = _call(control, "POST", "/mailboxes", json={"provider": "inkbox", "name": "support"}).get_json()
    assert made["address"] == "support@inkboxmail.com"
    emulator.receive(made["address"], "Hi")
    listed = _call(control, "GET", "/mailboxes").get_json()["mailboxes"]
    [mine] = [one for one in listed if one["provider"] == "inkbox"]
    assert (mine["address"], mine["mails"], mine["unread"]) == ("support@inkboxmail.com", 1, 1)
    assert _call(control, "POST", "/mailboxes", json={"provider": "postern"}).status_code == 201
    assert _call(control, "POST", "/mailboxes", json={"provider": "inkbox", "name": "support"}).status_code == 409
    answer = _call(control, "POST", "/mailboxes", json={"provider": "inkbx"})
    assert (answer.status_code, answer.get_json()["error"]) == (404, "no provider 'inkbx'; did you mean 'inkbox'?")


@pytest.mark.parametrize("provider", providers.names())
def test_a_name_that_no_mailbox_can_have_is_refused(control: Client, provider: str) -> None:
    for name in ("a b", "@", "é\u0000", "x" * 500, ""):
        answer = _call(control, "POST", "/mailboxes", json={"provider": provider, "name": name})
        assert 200 <= answer.status_code < 500, (name, answer.get_json())


def test_the_journal_is_waited_for(control: Client, inkbox: Account) -> None:
    answers: list[Any] = []
    ask = "/journal?after=0&kind=http&wait=30"
    waiter = threading.Thread(target=lambda: answers.append(_call(control, "GET", ask).get_json()))
    waiter.start()
    inkbox.request("GET", "/api/whoami")
    waiter.join(30)
    assert [entry["operation"] for entry in answers[0]["entries"]] == ["whoami"]
    for wait in ("0", "-1", "nan", "x", "0.01"):
        assert _call(control, "GET", f"/journal?after=9&wait={wait}").get_json()["entries"] == []


def test_events_tell_of_every_change_and_end_with_the_server(emulator_server: Emulator, inkbox_server: Account) -> None:
    assert emulator_server.servers is not None
    with httpx.stream("GET", f"{emulator_server.servers.url}/_emulator/events", timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        told = (json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: "))
        assert next(told) == {"now": "2026-01-01T12:00:00.000Z", "journal": 0}
        inkbox_server.request("GET", "/api/whoami")
        assert next(told)["journal"] == 1
        emulator_server.advance("1h")
        assert next(told)["now"] == "2026-01-01T13:00:00.000Z"
        emulator_server.fault("latency", seconds=1)
        emulator_server.close()
        assert list(told) == []


def test_streams_and_waits_leave_threads_for_everybody_else(emulator_server: Emulator) -> None:
    assert emulator_server.servers is not None
    url = f"{emulator_server.servers.url}/_emulator"
    with httpx.Client(timeout=30, limits=httpx.Limits(max_connections=None)) as client, ExitStack() as opened:
        for _ in range(THREADS + 4):
            opened.enter_context(client.stream("GET", f"{url}/events"))
        assert client.get(f"{url}/health").json()["ready"] is True


def test_a_stream_of_a_client_that_has_gone_ends(emulator_server: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_HEARTBEAT", 0.01)
    assert emulator_server.servers is not None
    with httpx.stream("GET", f"{emulator_server.servers.url}/_emulator/events", timeout=30):
        assert emulator_server.world.journal._listeners._hearing
    deadline = time.monotonic() + 30
    while emulator_server.world.journal._listeners._hearing:
        assert time.monotonic() < deadline
        time.sleep(0.01)
