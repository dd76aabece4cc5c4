"""An answer that is lost: what a client finds when it repeats a create, for every POST of every provider.

The documented exchanges are the creates and what has to be there before them. Where a provider promises idempotency,
the repeated request leaves exactly one resource; where it promises none, a second one, or a refusal of the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from werkzeug.test import TestResponse

from emulator import Emulator, coverage
from emulator.openapi import Operation
from emulator.provider import Provider, choose_revision
from emulator.world import Snapshot
from tests.replay import Replay, fixtures_of, in_words_of

_KEY = "Idempotency-Key"
# What is written besides resources.
_NOT_RESOURCES = {"counters", "idempotency", "tasks", "settings", "credentials", "folder visits"}

_IN_BODY = {
    ("postern", "create_inbox"): "client_id",
    ("postern", "send_message"): "idempotency_key",
    ("postern", "reply_to_message"): "idempotency_key",
    ("myagentmail", "create_inbox"): "username",
}
"""What stands in the body for an idempotency key; Sendmux and Inkbox have the header, where their documents list it."""

_LIFETIMES = {"sendmux": 24 * 3600, "inkbox": 7 * 24 * 3600}
"""For how many seconds a key in the header is known."""

_TWICE = {
    "inboxai": {
        *("create_api_key", "create_webhook"),
        *("send_message", "reply_to_message", "reply_all_to_message", "forward_message"),
    },
    "inkbox": {"send_message", "agent_signup"},
    "inkbox 2026-11": {"create_subscription", "create_api_key", "duplicate_draft", "replay_webhook_delivery"},
    "myagentmail": {
        *("create_draft", "create_list", "create_webhook", "create_tenant", "create_workspace_key"),
        *("send_message", "reply_message", "reply_all_message", "forward_message"),
    },
    "postern": {"create_enrollment_token", "create_webhook"},
    "sendmux": {"upload_mailbox_attachment", "create_mailbox_attachment_upload"},
}
"""Without a promise, what is repeated is done once more: there are two."""

_REFUSED = {
    "inboxai": {"create_domain", "create_inbox"},  # the name is taken
    "inkbox": {
        *("create_identity", "create_mailbox"),  # the handle, or the identity's only mailbox, is there
        "link_mailbox",  # it is linked
        "resend_signup_verification",  # it is too early
    },
    "inkbox 2026-11": {
        *("create_identity", "agent_signup"),  # the handle is taken
        *("create_identity_contact_rule", "create_mailbox_contact_rule"),  # there is one that says it
        "add_draft_attachments",  # the draft has another generation
        "create_import",  # the mailbox has one that has not ended
        *("start_import", "cancel_import"),  # it was started, or has ended
        "resend_signup_verification",  # it is too early
    },
    "myagentmail": {
        *("create_domain", "create_workspace", "add_inbox_address", "add_list_entry"),  # the name is taken
        "send_draft",  # it is gone
    },
    "postern": {"purchase"},  # the nonce of the payment is used
    "sendmux": {"create_folder"},  # the name is taken
}
"""Without a promise, what is repeated is refused, and the client finds that it was done: there is one."""

_MAKES_NOTHING = {
    "inboxai": {"verify_domain"},
    "inkbox": {
        "verify_signup",
        "create_signing_key",  # it takes the place of the one before
    },
    "inkbox 2026-11": {
        *("verify_signup", "set_default_domain"),
        *("create_signing_key", "create_identity_signing_key"),  # it takes the place of the one before
        *("refresh_import_upload", "upload_import"),  # as the one before
        "send_draft",  # the same generation of a draft is sent once
    },
    "myagentmail": set[str](),
    "postern": {
        "wait_for_email",
        "enroll",  # the handle is the same agent again, with one more key
    },
    "sendmux": {"verify_domain", "batch_get_messages", "batch_update_messages", "batch_delete_messages"},
}
"""No creates: what is repeated finds what it wants, or brings it about again."""


_TWICE_WITHOUT_KEY = {
    "inkbox 2026-11": {"send_message", "reply_all", "forward_message", "create_draft"},
    "myagentmail": {"create_inbox"},
    "postern": {"create_inbox", "send_message", "reply_to_message"},
    "sendmux": {
        *("create_attachment_upload", "create_mailbox_key", "create_provider", "create_webhook", "upload_attachment"),
        *("send_email", "send_email_batch", "send_mailbox_message", "test_webhook"),
    },
}
"""What the promise is worth: without the key there are two. The others name what they make, or bring about a state."""


def _of(table: Mapping[str, set[str]], provider: Provider) -> set[str]:
    """Return what a table says of a generation, if it is named there, else of its provider."""
    return table.get(f"{provider.name} {provider.revision}", table.get(provider.name, set()))


def _promised(provider: str, operation: Operation) -> str | None:
    """Return the name under which a provider takes an idempotency key for an operation, None if it takes none."""
    if any(parameter["name"] == _KEY for parameter in operation.parameters):
        return _KEY
    return _IN_BODY.get((provider, operation.id))


class LostAnswers(Replay):
    """Plays exchanges; each POST that succeeds is lost first, in both ways, and repeated."""

    def __init__(self, emulator: Emulator, provider: Provider) -> None:
        super().__init__(emulator.account(provider.name))
        self.provider = provider
        self.outcomes: dict[str, str] = {}
        self.twice_without_key: set[str] = set()

    def _exchange(self, name: str, exchange: dict[str, Any]) -> None:
        succeeds = exchange["response"]["status"] < 300
        if exchange["request"]["method"] == "POST" and succeeds:
            before = self.account.emulator.snapshot()
            self._prepare(exchange)
            with self.account.emulator.world.step():
                choose_revision(self.account.emulator.world, self.provider, self.provider.revision)
            request = in_words_of(self.provider, self._fill(exchange["request"]))
            self._lose(self.provider.document.operations[exchange["operation"]], request)
            self.account.emulator.restore(before)
        super()._exchange(name, exchange)

    def _lose(self, operation: Operation, request: dict[str, Any]) -> None:
        start, key = self.account.emulator.snapshot(), _promised(self.provider.name, operation)
        keyed = _with_key(request, key)
        if self._sent(keyed).status_code >= 300:
            return  # a later generation refuses what the first one takes: the exchange is the first one's
        single, repeated, same = self._lost_and_repeated(operation, keyed, start)
        if key is None or _is_numbered(keyed, single):
            # A number makes the name of somebody else free, and each time it is another one.
            outcome = "refused" if repeated.status_code >= 300 else "nothing" if same else "twice"
            assert outcome != "refused" or same, f"{operation.id} refused, and did it all the same"
            self.outcomes.setdefault(operation.id, outcome)
            return
        assert repeated.status_code < 300, f"{operation.id}: {repeated.text}"
        assert same, f"{operation.id} promises idempotency by {key}, and did it twice"
        assert _ids(repeated) == _ids(single), operation.id
        self.outcomes[operation.id] = "replayed"
        if key == _KEY:
            self._expire(operation, keyed, repeated)
        if not self._lost_and_repeated(operation, _without_key(request, key), start)[2]:
            self.twice_without_key.add(operation.id)

    def _lost_and_repeated(
        self, operation: Operation, request: dict[str, Any], start: Snapshot
    ) -> tuple[TestResponse, TestResponse, bool]:
        """Return the answer that is not lost, that of the repeated request, and whether this left as much as one."""
        emulator = self.account.emulator
        emulator.restore(start)
        before = _resources(emulator)
        single = self._sent(request)
        once = _resources(emulator)
        emulator.restore(start)
        self._drop(operation, request, after=False)
        assert _resources(emulator) == before, f"{operation.id}: lost on its way in, and yet something was done"
        retried = self._sent(request)
        assert (retried.status_code, _resources(emulator)) == (single.status_code, once), operation.id
        emulator.restore(start)
        self._drop(operation, request, after=True)
        assert _resources(emulator) == once, f"{operation.id}: lost on its way out, and yet not done"
        repeated = self._sent(request)
        return single, repeated, _resources(emulator) == once

    def _expire(self, operation: Operation, request: dict[str, Any], replayed: TestResponse) -> None:
        """Make sure that the key is known for its time and no longer: a replay says what the first answer said."""
        emulator = self.account.emulator
        emulator.advance(f"{_LIFETIMES[self.provider.name] - 1}s")
        assert self._says(self._sent(request)) == self._says(replayed), operation.id
        emulator.advance("1s")
        assert self._says(self._sent(request)) != self._says(replayed), operation.id

    def _says(self, answer: TestResponse) -> str:
        """Return what tells an answer from another one: its request id, without such an id all of it."""
        name = self.provider.request_id_header
        return answer.text if name is None else answer.headers[name]

    def _drop(self, operation: Operation, request: dict[str, Any], *, after: bool) -> None:
        self.account.emulator.fault("drop", provider=self.provider.name, operation=operation.id, after=after)
        with pytest.raises(ConnectionResetError):
            self._sent(request)

    def _sent(self, request: dict[str, Any]) -> TestResponse:
        options = {name: request[name] for name in ("json", "data") if name in request}
        return self.account.request(request["method"], request["path"], headers=request.get("headers", {}), **options)


def _with_key(request: dict[str, Any], name: str | None) -> dict[str, Any]:
    if name is None:
        return request
    if name == _KEY:
        return {**request, "headers": {_KEY: "one", **request.get("headers", {})}}
    return {**request, "json": {name: "one", **request.get("json", {})}}


def _without_key(request: dict[str, Any], key: str) -> dict[str, Any]:
    parts = {part: request[part] for part in ("headers", "json") if isinstance(request.get(part), dict)}
    return {**request, **{part: {name: given[name] for name in given if name != key} for part, given in parts.items()}}


def _is_numbered(request: dict[str, Any], answer: TestResponse) -> bool:
    wanted, got = (body.get("username") for body in (request.get("json", {}), answer.get_json()))
    return got is not None and got != wanted


def _resources(emulator: Emulator) -> dict[str, frozenset[str]]:
    """Return the ids of everything that there is, by collection."""
    root = emulator.world.store.root
    return {name: frozenset(root[name].rows) for name in root if name not in _NOT_RESOURCES and root[name].rows}


def _ids(response: TestResponse) -> list[Any]:
    """Return the ids that an answer names, wherever."""
    found, stack = [], [response.get_json(silent=True)]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            found += [item for key, item in value.items() if key in ("id", "public_id", "message_id", "inbox_id")]
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return sorted(map(str, found))


def _played(provider: Provider) -> LostAnswers:
    """Play every exchange of a provider, and return what became of the answers that were lost."""
    played = LostAnswers(Emulator(), provider)
    for path in fixtures_of(provider):
        with Emulator() as emulator:
            replay = LostAnswers(emulator, provider)
            replay.outcomes, replay.twice_without_key = played.outcomes, played.twice_without_key
            replay.play(path)
    return played


@pytest.mark.parametrize(
    "provider", coverage.generations(), ids=lambda provider: f"{provider.name}-{provider.revision}"
)
def test_a_create_whose_answer_was_lost_can_be_repeated(provider: Provider) -> None:
    built = coverage.built(provider)
    posts = [one for one in provider.document.operations.values() if one.method == "POST" and one.id in built]
    expected = {one.id: "replayed" for one in posts if _promised(provider.name, one)}
    tables = {"twice": _TWICE, "refused": _REFUSED, "nothing": _MAKES_NOTHING}
    expected |= {operation: outcome for outcome, table in tables.items() for operation in _of(table, provider)}
    played = _played(provider)
    assert played.outcomes == expected
    assert set(expected) == {one.id for one in posts}, "every POST was lost"
    assert played.twice_without_key == _of(_TWICE_WITHOUT_KEY, provider)
