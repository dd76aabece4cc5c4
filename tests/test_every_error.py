"""Every error that a contract document knows can be had, and is as documented; most of them without a fault rule."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from emulator import Account, coverage
from emulator.provider import Provider
from tests.every_error import Judge, Undocumented, documented, provoked

_SERVERS_DOING = {429, 500, 502, 503}
"""What a client does not bring about by a request; limits may, where a provider has them."""

# Their only parameter besides the path is If-None-Match, which may be any text.
_CONDITIONAL = [
    *("get_mailbox", "get_mailbox_filters", "get_domain", "get_domain_filters", "get_webhook", "get_provider"),
    *("get_email_log", "get_connection", "get_mailbox_connection", "get_own_mailbox", "get_session", "get_identity"),
    *("get_usage", "get_message", "get_folder", "get_thread", "get_submission", "get_openapi_document"),
]
_NOT_BUILT = {
    "myagentmail": {"open_web_socket", "open_inbox_web_socket"},
    "sendmux": {
        "get_provider_limits",
        "get_provider_usage",
        "request_sending_account_limit",
        "get_shared_ses_limit_request",
        "create_shared_ses_limit_request",
        "cancel_shared_ses_limit_request",
    },
}
_NEVER = {
    # Any class of key may ask who it is.
    "myagentmail": {("get_me", 403)},
    "sendmux": {
        *((operation, 400) for operation in _CONDITIONAL),
        ("delete_folder", 400),  # If-Match, too, may be any text
        ("get_connection", 403),  # any key may ask who it is
        ("verify_domain", 409),  # no state forbids it
        ("batch_get_messages", 404),  # what is not there is in `not_found`
        ("complete_mailbox_attachment_upload", 400),  # its token is in the URL, any bytes are right or 413
        ("complete_mailbox_attachment_upload", 422),  # nobody announces a hash to the Mailbox API
        ("complete_attachment_upload", 400),  # a missing token is 401
    },
}
"""What the documents list and the emulator never answers by itself, with the reason."""

_OF_ONE_GENERATION = {
    ("sendmux", "2026-04"): {("update_mailbox", 422)},  # any quota will do
    ("inkbox", "2026-11"): {("replay_webhook_delivery", 422)},  # of calls and Slack, which there are none of
}


@pytest.mark.parametrize(
    "provider", coverage.generations(), ids=lambda provider: f"{provider.name}-{provider.revision}"
)
def test_every_documented_error_is_provoked_and_what_a_client_can_bring_about_without_a_rule(
    provider: Provider,
) -> None:
    how = provoked(provider)
    assert list(how) == documented(provider)
    by_rule = {error for error in how if how[error] == "fault" and error.status not in _SERVERS_DOING}
    built = {error for error in by_rule if error.operation not in _NOT_BUILT.get(provider.name, ())}
    never = _NEVER.get(provider.name, set()) | _OF_ONE_GENERATION.get((provider.name, provider.revision), set())
    assert built == never


def test_what_is_not_built_is_named_here() -> None:
    for provider in coverage.generations():
        missing = set(provider.document.operations) - coverage.built(provider)
        assert missing == _NOT_BUILT.get(provider.name, set())


# The judge


_SPOILED: dict[str, tuple[Callable[[TestResponse], None], str]] = {
    "field missing": (lambda answer: _write(answer, {"error": {"code": "x", "message": "x"}}), "required property"),
    "no envelope": (lambda answer: _write(answer, []), "not of type"),
    "page of HTML": (lambda answer: answer.headers.set("Content-Type", "text/html"), "is text/html"),
    "header missing": (lambda answer: answer.headers.remove("X-Postern-Request-Id"), "came without"),
}


def _write(answer: TestResponse, body: object) -> None:
    answer.data = json.dumps(body).encode()


@pytest.mark.parametrize("how", _SPOILED)
def test_an_error_that_is_not_as_documented_is_noticed(postern: Account, how: str) -> None:
    provider, (spoil, words) = postern.provider, _SPOILED[how]
    operation, judge = provider.document.operations["list_inboxes"], Judge(provider)
    answer = postern.request("GET", operation.path, headers={"Authorization": "Bearer nobody"})
    judge.check(operation, answer, "unspoiled")
    spoil(answer)
    with pytest.raises(Undocumented, match=words):
        judge.check(operation, answer, how)
