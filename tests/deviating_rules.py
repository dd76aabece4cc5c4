"""Answers that the document allows, and that break a rule which the journeys know."""

from __future__ import annotations

from tests.changes import (
    asking,
    instead,
    showing_key,
    turned_round,
    with_header,
    with_query,
    with_value,
    without_header,
)
from tests.deviating import Asked, Deviation, Reply, answers, requests

_INKBOX_KEY = "ApiKey_00000000-0000-4000-8000-000000000001"
_SECRET = "whsec_" + "5e" * 16


def _another_handle(asked: Asked) -> None:
    given = asked.json
    seen = asked.notes.setdefault("handles", [])
    if given["agent_handle"] in seen:
        asked.json = {**given, "agent_handle": f"{given['agent_handle']}-2"}
    seen.append(given["agent_handle"])


def _forget_code(reply: Reply) -> None:
    whole = reply.json
    if whole["extracted"]:
        whole["extracted"]["otp_code"] = None
    reply.json = whole


def _fresh_secret(reply: Reply) -> None:
    whole = reply.json
    key = whole["data"].get("credential") or whole["data"]["api_key"]
    name = "secret" if "secret" in key else "key"
    key[name] = key[name][:-8] + f"{id(reply) % 10**8:08d}"
    reply.json = whole


def _as_if_deleted(asked: Asked) -> Reply:
    path = asked.environ["PATH_INFO"]
    body = b'{"ok": true, "data": {"deleted": true, "id": "%s"}, "meta": {"request_id": "req_1"}}'
    return Reply(200, {"Content-Type": "application/json"}, body % path.rpartition("/")[2].encode())


RULES = [
    Deviation(
        "lists the oldest message first",
        "inkbox",
        "list_messages",
        "lists_are_paged",
        ("rule", "paged newest first"),
        answers("list_messages", turned_round("items")),
    ),
    Deviation(
        "gives the same cursor with every page",
        "inkbox",
        "list_messages",
        "lists_are_paged",
        ("rule", "paged newest first"),
        requests("list_messages", with_query("limit=2")),
    ),
    Deviation(
        "takes a limit of any size",
        "inkbox",
        "list_messages",
        "a_limit_outside",
        ("rule", "limit outside"),
        requests("list_messages", with_query("limit=100")),
    ),
    Deviation(
        "forgets what is changed",
        "inkbox",
        "update_message",
        "read_and_star",
        ("rule", "read and star"),
        requests("update_message", asking("is_starred", value=False)),
    ),
    Deviation(
        "keeps what is deleted",
        "inkbox",
        "get_message",
        "deleted_message_is_gone",
        ("rule", "deleted message"),
        requests("delete_message", instead(204)),
    ),
    Deviation(
        "lets anybody in",
        "inkbox",
        "list_mailboxes",
        "missing_and_a_wrong_key",
        ("rule", "wrong key"),
        requests("list_mailboxes", showing_key("X-Service-Token", _INKBOX_KEY)),
    ),
    Deviation(
        "splits a thread at the reply",
        "inkbox",
        "send_message",
        "one_thread_on_each_side",
        ("rule", "one thread"),
        requests("send_message", asking("in_reply_to_message_id")),
    ),
    Deviation(
        "loses mail",
        "inkbox",
        "list_messages",
        "one_thread_on_each_side",
        ("rule", "one thread"),
        answers("list_messages", with_value([], "items")),
    ),
    Deviation(
        "ranks what it finds the wrong way round",
        "inkbox",
        "search_mailbox",
        "search_ranks",
        ("rule", "search ranks"),
        answers("search_mailbox", turned_round("items")),
    ),
    Deviation(
        "keeps the bcc line for everybody to see",
        "inkbox",
        "get_message",
        "bcc_recipients",
        ("rule", "bcc"),
        answers("get_message", with_value(["carol@example.com"], "bcc_addresses")),
    ),
    Deviation(
        "makes a second identity of one handle",
        "inkbox",
        "create_identity",
        "a_handle_is_unique",
        ("rule", "handle is unique"),
        requests("create_identity", _another_handle),
    ),
    Deviation(
        "adds labels to the old ones",
        "inboxai",
        "update_message",
        "new_labels_take",
        ("rule", "new labels"),
        answers("update_message", with_value(["old", "important"], "labels")),
    ),
    Deviation(
        "lists threads by their beginning",
        "inboxai",
        "list_threads",
        "threads_are_listed_by_most_recent",
        ("rule", "most recent activity"),
        answers("list_threads", turned_round("data")),
    ),
    Deviation(
        "forgets idempotency keys",
        "postern",
        "create_inbox",
        "same_client_id",
        ("rule", "same client id"),
        requests("create_inbox", asking("client_id")),
    ),
    Deviation(
        "sends twice in spite of an idempotency key",
        "postern",
        "send_message",
        "an_idempotency_key_sends_once",
        ("rule", "idempotency key sends once"),
        requests("send_message", asking("idempotency_key")),
    ),
    Deviation(
        "takes an idempotency key for another request",
        "postern",
        "create_inbox",
        "other_input_is_a_conflict",
        ("rule", "conflict"),
        requests("create_inbox", asking("display_name", value="One")),
    ),
    Deviation(
        "repeats a page",
        "postern",
        "list_inboxes",
        "next_cursor_is_passed_back",
        ("rule", "next cursor"),
        requests("list_inboxes", with_query("limit=2")),
    ),
    Deviation(
        "finds no code in a mail",
        "postern",
        "wait_for_email",
        "codes_links_and_credentials",
        ("rule", "codes links"),
        answers("wait_for_email", _forget_code),
    ),
    Deviation(
        "signs webhooks with another secret",
        "postern",
        "send_message",
        "webhook_is_signed",
        ("rule", "webhook is signed"),
        answers("create_webhook", with_value(_SECRET, "secret")),
    ),
    Deviation(
        "signs webhooks with another secret",
        "inboxai",
        "send_message",
        "webhook_is_signed",
        ("rule", "webhook is signed"),
        answers("create_webhook", with_value("5e" * 32, "secret")),
    ),
    Deviation(
        "numbers a name that is its own",
        "myagentmail",
        "create_inbox",
        "returned_with_200_and_existed",
        ("rule", "existed"),
        requests("create_inbox", asking("username")),
    ),
    Deviation(
        "sends to people who never wrote",
        "myagentmail",
        "send_message",
        "recipient_that_never_wrote",
        ("rule", "recipient that never wrote"),
        requests("send_message", asking("verified", value=True)),
    ),
    Deviation(
        "forgets idempotency keys",
        "sendmux",
        "create_mailbox",
        "returns_the_original_response",
        ("rule", "original response"),
        requests("create_mailbox", without_header("Idempotency-Key")),
    ),
    Deviation(
        "replays a creation with another secret",
        "sendmux",
        "create_mailbox",
        "returns_the_original_response",
        ("rule", "original response"),
        answers("create_mailbox", _fresh_secret),
    ),
    Deviation(
        "says another request id in header and body",
        "sendmux",
        "get_mailbox",
        "every_answer_carries",
        ("rule", "request id"),
        answers("get_mailbox", with_header("X-Request-Id", "req_other"), 404),
    ),
    Deviation(
        "has more pages for ever",
        "sendmux",
        "list_mailboxes",
        "page_by_page",
        ("rule", "page by page"),
        requests("list_mailboxes", with_query("limit=2")),
    ),
    Deviation(
        "keeps a revoked key open",
        "sendmux",
        "get_connection",
        "until_it_is_revoked",
        ("rule", "revoked"),
        requests("delete_mailbox_key", _as_if_deleted),
    ),
    Deviation(
        "ignores the ETag of a write",
        "sendmux",
        "update_mailbox",
        "old_etag_is_a_conflict",
        ("rule", "old etag"),
        requests("update_mailbox", without_header("If-Match")),
    ),
]
