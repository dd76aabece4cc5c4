"""InboxAI's mail: sending, replying, forwarding; the messages of an inbox, their labels, and its threads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from emulator.mail import MESSAGES, THREADS, Attachment, Draft, Mailbox, Message, Thread, addresses, replies
from emulator.mail.postoffice import send
from emulator.provider import Problem
from emulator.providers.inboxai import domains
from emulator.providers.inboxai.pages import Listed, Window, listed
from emulator.world import World

SERVER_HEADERS: Final = frozenset(
    {
        "from",
        "sender",
        "to",
        "cc",
        "bcc",
        "reply-to",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "return-path",
        "received",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
        "content-id",
    }
)
"""The header fields that the server writes itself."""


def send_message(world: World, inbox: Mailbox, body: Mapping[str, Any], attachments: tuple[Attachment, ...]) -> Message:
    """Send a mail as the request body describes it and return the sender's copy."""
    draft = Draft(
        sender=inbox.address,
        sender_name=inbox.display_name,
        to=_as_list(body["to"]),
        cc=_as_list(body.get("cc")),
        bcc=_as_list(body.get("bcc")),
        reply_to=_as_list(body.get("reply_to")),
        subject=body.get("subject"),
        text=body.get("text"),
        html=body.get("html"),
        attachments=attachments,
        headers=body.get("headers") or {},
    )
    return _post(world, inbox, draft, body)


def reply(
    world: World,
    inbox: Mailbox,
    message: Message,
    body: Mapping[str, Any],
    attachments: tuple[Attachment, ...],
    *,
    everybody: bool,
) -> Message:
    """Reply to the sender (or Reply-To) of a message, or to everybody but the inbox itself; 400 if that is nobody."""
    to, cc = replies.reply_recipients(message), list[str]()
    if everybody:
        to, cc = replies.reply_all_recipients(message, [inbox.address])
    if not to and not cc:
        raise Problem("refused", "The message has nobody to reply to")
    draft = replies.reply_draft(
        inbox,
        message,
        to,
        cc=[*cc, *_as_list(body.get("cc"))],
        text=body.get("text"),
        html=body.get("html"),
        attachments=attachments,
    )
    return _post(world, inbox, draft, body, message.thread_id)


def forward(world: World, inbox: Mailbox, message: Message, body: Mapping[str, Any]) -> Message:
    """Forward a message with its attachments in a new thread; a given text or HTML takes the original's place."""
    text, html = body.get("text"), body.get("html")
    if text is None and html is None:
        text = replies.forwarded_text(message)
        html = None if message.mail.body.html is None else replies.forwarded_html(message)
    draft = Draft(
        sender=inbox.address,
        sender_name=inbox.display_name,
        to=_as_list(body["to"]),
        cc=_as_list(body.get("cc")),
        subject=replies.forward_subject(message.mail.subject),
        text=text,
        html=html,
        attachments=replies.forwarded_attachments(message),
    )
    return _post(world, inbox, draft, body)


def list_messages(world: World, inbox: Mailbox, window: Window) -> Listed[Message]:
    """Return a page of the messages of an inbox, sent and received, newest first."""
    return listed(world, MESSAGES, "timeline", inbox.id, window)


def find_message(world: World, inbox: Mailbox, message_id: str) -> Message:
    """Return a message of an inbox by id; 404 if there is none."""
    message = world.store.get(MESSAGES, message_id)
    if message is None or message.mailbox_id != inbox.id:
        raise Problem("not_found", "Message not found")
    return message


def label_message(world: World, message: Message, labels: Iterable[str]) -> Message:
    """Give a message these labels and no others, each once."""
    once = tuple(dict.fromkeys(labels))
    return world.store.put(MESSAGES, replace(message, labels=once, updated_at=world.now()))


def custom_headers(message: Message) -> dict[str, str]:
    """Return the headers of a message: all of a received one, what the sender added to a sent one."""
    headers = message.mail.headers
    if message.direction == "inbound":
        return headers
    return {name: value for name, value in headers.items() if name.lower() not in SERVER_HEADERS}


def list_threads(world: World, inbox: Mailbox, window: Window) -> Listed[Thread]:
    """Return a page of the threads of an inbox, last activity first."""
    return listed(world, THREADS, "activity", inbox.id, window)


def find_thread(world: World, inbox: Mailbox, thread_id: str) -> Thread:
    """Return a thread of an inbox by id; 404 if there is none."""
    thread = world.store.get(THREADS, thread_id)
    if thread is None or thread.mailbox_id != inbox.id:
        raise Problem("not_found", "Thread not found")
    return thread


def _post(world: World, inbox: Mailbox, draft: Draft, body: Mapping[str, Any], thread_id: str | None = None) -> Message:
    domains.check_may_send(world, addresses.domain(inbox.address).lower())
    message = send(world, inbox, draft, thread_id)
    labels = body.get("labels")
    return label_message(world, message, labels) if labels else message


def _as_list(given: str | list[str] | None) -> list[str]:
    return [] if given is None else [given] if isinstance(given, str) else given
