"""The wire of the contract suites: what it lets through to a live provider, how it waits, what it hides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from contract.budget import Budget, Pace, Refused
from contract.choice import Choice
from contract.exchange import Exchange, Paths
from contract.judge import Api
from contract.run import Run
from contract.scrub import HIDDEN, Scrubber
from contract.target import Target
from emulator import providers
from tests.deviating import Reply, requests
from tests.live_provider import LiveProvider, live_provider


@pytest.fixture
def live() -> Iterator[LiveProvider]:
    with live_provider() as served:
        yield served


def _target(live: LiveProvider, monkeypatch: pytest.MonkeyPatch, provider: str = "inboxai", **chosen: Any) -> Target:
    monkeypatch.setenv("KEY", live.emulator.account(provider).api_key)
    choice = Choice(
        provider=provider, base_url=f"{live.url}/{provider}", key_env=("KEY",), rate=10000.0, profile="journeys"
    )
    run = Run(replace(choice, **chosen))
    run.begin(served=False)
    return Target(provider, run)


def _inbox(api: Api, name: str) -> dict[str, Any]:
    made: dict[str, Any] = api.call("create_inbox", json={"username": name}, expect=201)
    return made


# What is let through


def test_reading_changes_nothing(live: LiveProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(_target(live, monkeypatch, profile="read"))
    api.call("list_inboxes", expect=200)
    with pytest.raises(Refused, match="create_inbox changes something; --profile journeys allows that"):
        _inbox(api, "new")
    assert [method for method, _ in live.requests] == ["GET"]


def test_what_was_there_before_is_not_touched(live: LiveProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = live.emulator.account("inboxai").request("POST", "/api/v0/inboxes", json={"username": "mine"}).get_json()
    api, path = Api(_target(live, monkeypatch)), {"inbox_id": mine["inbox_id"]}
    api.call("get_inbox", path, expect=200)
    for operation, body in (
        ("delete_inbox", None),
        ("update_inbox", {"display_name": "x"}),
        ("send_message", {"to": "a@b.test"}),
    ):
        with pytest.raises(Refused, match=f"{operation} would touch what this run did not create"):
            api.call(operation, path, json=body, expect=200)
    assert {method for method, _ in live.requests} == {"GET"}


def test_what_was_there_is_not_the_runs_though_a_create_answers_with_it(
    live: LiveProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.emulator.account("myagentmail").request("POST", "/v1/inboxes", json={"username": "mine"})
    api = Api(_target(live, monkeypatch, "myagentmail"))
    again = api.call("create_inbox", json={"username": "mine"}, expect=200)
    assert api.target.run.ledger.open == {}
    with pytest.raises(Refused, match="did not create"):
        api.call("delete_inbox", {"inbox_id": again["id"]}, expect=200)
    assert api.target.run.budget.reserved == 0


def test_what_the_run_made_is_changed_and_so_is_what_lies_in_it(
    live: LiveProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(_target(live, monkeypatch))
    made = _inbox(api, "new")
    path = {"inbox_id": made["inbox_id"]}
    sent = api.call("send_message", path, json={"to": made["email_address"], "text": "x"}, expect=200)
    api.call("update_message", {**path, "message_id": sent["message_id"]}, json={"labels": ["a"]}, expect=200)
    api.call("delete_inbox", path, expect=204)
    assert api.target.run.ledger.open == {}


def test_a_new_key_for_the_account_opens_nothing_more(live: LiveProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = live.emulator.account("inboxai").request("POST", "/api/v0/inboxes", json={"username": "mine"}).get_json()
    api = Api(_target(live, monkeypatch))
    key = api.call("create_api_key", json={"name": "new"}, expect=201)["key"]
    with pytest.raises(Refused, match="did not create"):
        api.call("delete_inbox", {"inbox_id": mine["inbox_id"]}, key=key, expect=204)


def test_what_cannot_be_undone_has_to_be_named(live: LiveProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(_target(live, monkeypatch, "postern"))
    with pytest.raises(Refused, match="purchase cannot be undone; --allow purchase allows it"):
        api.call("purchase", json={}, expect=200)
    allowed = Api(_target(live, monkeypatch, "postern", allow=("purchase",)))
    allowed.call("purchase", json={}, expect=403)


def test_what_the_document_does_not_know_is_not_sent(live: LiveProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    target = _target(live, monkeypatch)
    with pytest.raises(Refused, match="PUT /inboxai/api/v0/inboxes is not in the contract document"):
        target.http.put("/api/v0/inboxes")
    assert live.requests == []


def test_a_create_keeps_the_request_that_deletes_it_in_reserve(
    live: LiveProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(_target(live, monkeypatch, budget=3))
    made = _inbox(api, "first")
    with pytest.raises(Refused, match="the budget of 3 requests is spent"):
        _inbox(api, "second")
    api.call("list_inboxes", expect=200)
    with pytest.raises(Refused):
        api.call("list_inboxes", expect=200)
    assert api.target.run.ledger.find("delete_inbox", {"inbox_id": made["inbox_id"]})


# Waiting


def test_a_busy_provider_is_asked_again_after_the_time_it_names(
    live: LiveProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, slept = _target(live, monkeypatch), list[float]()
    target.run.pace = Pace(None, sleep=slept.append)
    replies = iter([Reply(429, {"Retry-After": "7"}, b""), Reply(503, {}, b""), None])
    live.deviate = requests("list_inboxes", lambda _: next(replies))("inboxai")
    Api(target).call("list_inboxes", expect=200)
    assert slept == [7.0, 2.0]
    assert target.run.budget.sent == 3


def test_a_429_that_is_expected_is_taken_as_it_is(live: LiveProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    live.deviate = requests("list_inboxes", lambda _: Reply(429, {"Retry-After": "7"}, b"{}"))("inboxai")
    Api(_target(live, monkeypatch)).call("list_inboxes", expect=429)
    assert len(live.requests) == 1


def test_requests_are_spaced_out() -> None:
    now, slept = [100.0], list[float]()
    pace = Pace(4.0, clock=lambda: now[0], sleep=slept.append)
    for _ in range(3):
        pace.wait()
    now[0] += 10
    pace.wait()
    assert slept == [0.25, 0.5]


@pytest.mark.parametrize(("header", "seconds"), [("3", 3.0), ("3600", 60.0), (None, 4.0), ("soon", 4.0), ("", 4.0)])
def test_a_wait_is_what_was_asked_for_and_a_minute_at_most(header: str | None, seconds: float) -> None:
    slept = list[float]()
    Pace(None, sleep=slept.append).hold(header, attempt=2)
    assert slept == [seconds]


def test_a_wait_may_be_asked_for_as_a_date() -> None:
    slept = list[float]()
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    Pace(None, sleep=slept.append).hold(at, attempt=0)
    assert 15 < slept[0] <= 20


def test_a_budget_counts_what_it_holds_back() -> None:
    budget = Budget(3)
    budget.take(reserve=1)
    budget.take()
    with pytest.raises(Refused):
        budget.take()
    budget.take_reserved()
    assert (budget.sent, budget.reserved, budget.left) == (3, 0, 0)


# What is hidden


def _exchange(answer: Any, headers: dict[str, str] | None = None) -> Exchange:
    request = httpx.Request(
        "POST", "https://x.test/v1/a?token=t0psecret", headers={"Authorization": "Bearer k3y-of-mine"}
    )
    kinds = {"Content-Type": "application/json", **(headers or {})}
    return Exchange(None, {}, request, b"", 200, httpx.Headers(kinds), json.dumps(answer).encode())


@pytest.mark.parametrize(
    "text", ["a field is missing", "2026-01-01T12:00:00Z", "message.received", "409", "create_inbox", "X-Request-Id"]
)
def test_words_times_and_small_numbers_are_shown(text: str) -> None:
    assert Scrubber().text(text) == text


@pytest.mark.parametrize(
    "secret",
    ["Zq9vT4kLwe81pXmB", "sk_live_51Hx9", "whsec_5e5e5e5e", "eyJhbGciOi.J9.abc", "d41d8cd98f00b204", "483920174"],
)
def test_what_could_be_a_secret_is_hidden(secret: str) -> None:
    assert secret not in Scrubber().text(f"use {secret} now")
    assert secret not in json.dumps(Scrubber().evidence(_exchange({"note": secret}, {"X-Trace": secret})))


def test_what_stood_under_the_name_of_a_secret_is_hidden_everywhere() -> None:
    scrubber = Scrubber()
    scrubber.learn_from(_exchange({"password": "correct horse"}))
    assert scrubber.known("say correct horse, k3y-of-mine") == f"say {HIDDEN}, {HIDDEN}"


def test_words_of_the_document_are_no_secrets() -> None:
    from contract.scrub import words_of

    scrubber = Scrubber(words=words_of(providers.get("sendmux").document))
    scrubber.learn_from(_exchange({"credential": "api_key", "secret": "rotate_webhook_secret"}))
    assert scrubber.known("api_key rotate_webhook_secret") == "api_key rotate_webhook_secret"


# Which operation a request is


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "/inkbox/api/v1/identities", "list_identities"),
        ("GET", "/inkbox/api/v1/identities/", "list_identities"),
        ("GET", "/inkbox/api/v1/identities/a%2Fb", "get_identity"),
        ("PUT", "/inkbox/api/v1/identities", None),
        ("GET", "/api/v1/identities", None),
        ("GET", "/inkbox/", None),
    ],
)
def test_the_operation_of_a_request_is_found(method: str, path: str, operation: str | None) -> None:
    paths = Paths(providers.get("inkbox").document, "http://127.0.0.1:1/inkbox")
    found, parameters = paths.find(method, f"http://127.0.0.1:1{path}")
    assert (found.id if found else None) == operation
    assert parameters.get("agent_handle", "a/b") == "a/b"
    assert paths.find(method, f"http://other.test{path}") == (None, {})
