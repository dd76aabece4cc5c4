"""Answers that are unusual, and that no document forbids."""

from __future__ import annotations

from tests.changes import once, with_header
from tests.deviating import Deviation, Reply, answers, requests

_RATE_LIMITED = Reply(429, {"Content-Type": "application/json", "Retry-After": "0"}, b'{"detail": "Slow down"}')

HARMLESS = [
    Deviation(
        "sends a header more",
        "inkbox",
        "list_mailboxes",
        "the_list_holds",
        None,
        answers("list_mailboxes", with_header("X-Served-By", "edge-7")),
    ),
    Deviation(
        "is too busy once, and says when to come again",
        "inkbox",
        "list_mailboxes",
        "the_list_holds",
        None,
        requests("list_mailboxes", once(_RATE_LIMITED)),
    ),
    Deviation(
        "delivers a moment later",
        "inkbox",
        "list_messages",
        "one_thread_on_each_side",
        None,
        requests(
            "list_messages",
            once(
                Reply(
                    200, {"Content-Type": "application/json"}, b'{"items": [], "next_cursor": null, "has_more": false}'
                )
            ),
        ),
    ),
    Deviation(
        "writes the fields of an object in another order",
        "postern",
        "get_inbox",
        "getting_a_mailbox",
        None,
        answers("get_inbox", lambda reply: setattr(reply, "json", dict(reversed(reply.json.items())))),
    ),
]
