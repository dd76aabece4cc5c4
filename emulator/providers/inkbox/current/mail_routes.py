"""Mailboxes, messages and threads over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from emulator.mail import Mailbox, files
from emulator.mail.filing import remove_message, remove_thread
from emulator.provider import NO_CONTENT, Answer, Call, Problem, once_per_key
from emulator.providers.inkbox import signup
from emulator.providers.inkbox import wire as first
from emulator.providers.inkbox.current import access, mailboxes, messages, opens, threads, wire
from emulator.providers.inkbox.current.access import caller
from emulator.providers.inkbox.current.messages import Outgoing
from emulator.providers.inkbox.current.routes import routes
from emulator.providers.inkbox.messages import find_attachment, find_message, find_thread, mark_message
from emulator.providers.inkbox.settings import NAME
from emulator.world.idempotency import look_up

_LINK_LIFETIME: Final = timedelta(hours=1)
_MAIL: Final = "/api/v1/mail"
_MAILBOX: Final = f"{_MAIL}/mailboxes/<email_address>"
_MESSAGE: Final = f"{_MAILBOX}/messages/<message_id>"
_THREAD: Final = f"{_MAILBOX}/threads/<thread_id>"
_OPENS: Final = f"{_MAIL}/opens/"
_IDEMPOTENCY_LIFETIME: Final = timedelta(days=7)


def mailbox_of(call: Call, email_address: str) -> Mailbox:
    """Return the mailbox of the path."""
    return access.find_mailbox(call.world, caller(call), email_address)


def send(call: Call, mailbox: Mailbox, mail: Outgoing) -> dict[str, Any]:
    """Send a mail within the limits of an agent that registered itself, and return the message."""
    signup.check_may_send(call.world, caller(call).organization, mail.draft.recipients)
    sent = messages.dispatch(call.world, mailbox, mail, f"{call.base_url}{_OPENS}")
    return wire.message(call.world, sent)


def once(call: Call, mailbox: Mailbox, operation: str, given: object, perform: Callable[[], dict[str, Any]]) -> Answer:
    """Do what a request asks for, or answer again what was answered under the same idempotency key."""
    scope, key = _scope(call, mailbox.id, operation), call.headers.get("Idempotency-Key")
    text = once_per_key(call.world, scope, key, given, lambda: json.dumps(perform()), lifetime=_IDEMPOTENCY_LIFETIME)
    return Answer(json.loads(text), 201)


def _scope(call: Call, sender_id: str, operation: str) -> tuple[str, ...]:
    return (NAME, caller(call).organization.id, sender_id, operation)


# Mailboxes


@routes.get(f"{_MAIL}/mailboxes")
def list_mailboxes(call: Call) -> Answer:
    return Answer([wire.mailbox(call.world, each) for each in access.list_mailboxes(call.world, caller(call))])


@routes.get(_MAILBOX)
def get_mailbox(call: Call, email_address: str) -> Answer:
    return Answer(wire.mailbox(call.world, mailbox_of(call, email_address)))


@routes.patch(_MAILBOX)
def update_mailbox(call: Call, email_address: str) -> Answer:
    mailbox = mailbox_of(call, email_address)
    changed, notice = mailboxes.update_mailbox(call.world, caller(call), mailbox, call.body)
    return Answer(wire.updated_mailbox(call.world, changed, notice))


@routes.get(f"{_MAILBOX}/search")
def search_mailbox(call: Call, email_address: str) -> Answer:
    mailbox, query = mailbox_of(call, email_address), call.query
    found = messages.search_messages(call.world, mailbox, query["q"], query["limit"])
    return Answer({"items": [wire.message(call.world, each) for each in found], "next_cursor": None, "has_more": False})


# Messages


@routes.get(f"{_MAILBOX}/messages")
def list_messages(call: Call, email_address: str) -> Answer:
    found = messages.list_messages(call.world, mailbox_of(call, email_address), call.query, call.cursor())
    return Answer(first.page(found, lambda each: wire.message(call.world, each)))


@routes.post(f"{_MAILBOX}/messages")
def send_message(call: Call, email_address: str) -> Answer:
    mailbox = mailbox_of(call, email_address)

    def perform() -> dict[str, Any]:
        return send(call, mailbox, messages.new_mail(call.world, mailbox, call.body))

    return once(call, mailbox, "mail.send", call.body, perform)


@routes.get(_MESSAGE)
def get_message(call: Call, email_address: str, message_id: str) -> Answer:
    mailbox = mailbox_of(call, email_address)
    message = messages.read_message(call.world, mailbox, message_id)
    return Answer(wire.message_detail(call.world, mailbox, message))


@routes.patch(_MESSAGE)
def update_message(call: Call, email_address: str, message_id: str) -> Answer:
    message = find_message(call.world, mailbox_of(call, email_address), message_id)
    return Answer(wire.message(call.world, mark_message(call.world, message, call.body)))


@routes.delete(_MESSAGE)
def delete_message(call: Call, email_address: str, message_id: str) -> Answer:
    message = find_message(call.world, mailbox_of(call, email_address), message_id)
    remove_message(call.world, message)
    return NO_CONTENT


@routes.get(f"{_MESSAGE}/attachments/<path:filename>")
def get_attachment(call: Call, email_address: str, message_id: str, filename: str) -> Answer:
    message = find_message(call.world, mailbox_of(call, email_address), message_id)
    index = find_attachment(message, filename)
    url = call.file_url(files.sign(call.world, message.id, index, _LINK_LIFETIME))
    if call.query["redirect"]:
        return Answer("", 302, {"Location": url})
    return Answer({"url": url, "filename": filename, "expires_in": int(_LINK_LIFETIME.total_seconds())})


@routes.post(f"{_MESSAGE}/reply-all")
def reply_all(call: Call, email_address: str, message_id: str) -> Answer:
    mailbox = mailbox_of(call, email_address)
    message = find_message(call.world, mailbox, message_id)

    def perform() -> dict[str, Any]:
        return send(call, mailbox, messages.reply_to_all(mailbox, message, call.body))

    return once(call, mailbox, "mail.reply_all", [message.id, call.body], perform)


@routes.post(f"{_MESSAGE}/forward")
def forward_message(call: Call, email_address: str, message_id: str) -> Answer:
    mailbox = mailbox_of(call, email_address)
    message = find_message(call.world, mailbox, message_id)

    def perform() -> dict[str, Any]:
        return send(call, mailbox, messages.forward(mailbox, message, call.body))

    return once(call, mailbox, "mail.forward", [message.id, call.body], perform)


@routes.get("/api/v1/message-sends/lookup")
def find_sent_message(call: Call) -> Answer:
    query, who = call.query, caller(call)
    mine = {each.id for each in access.list_mailboxes(call.world, who)}
    sender_id = query["sender_id"].lower()
    scope = _scope(call, sender_id, query["operation"])
    known = look_up(call.world, scope, call.headers["Idempotency-Key"]) if sender_id in mine else None
    if known is None or query["sender_kind"] != "mailbox":
        raise Problem("not_found", "No message was sent with this key")
    return Answer({"message_id": json.loads(known)["id"]})


@routes.get(f"{_OPENS}<token>")
def record_open(call: Call, token: str) -> Answer:
    opens.record(call.world, token)
    return Answer(opens.PIXEL, 200, {"Content-Type": "image/gif", "Cache-Control": "no-store"})


# Threads


@routes.get(f"{_MAILBOX}/threads")
def list_threads(call: Call, email_address: str) -> Answer:
    mailbox, query = mailbox_of(call, email_address), call.query
    found = threads.list_threads(call.world, caller(call), mailbox, query.get("folder"), query["limit"], call.cursor())
    return Answer(first.page(found, lambda each: wire.thread(call.world, each)))


@routes.get(f"{_MAILBOX}/threads/folders")
def list_thread_folders(call: Call, email_address: str) -> Answer:
    return Answer(threads.list_folders(call.world, caller(call), mailbox_of(call, email_address)))


@routes.get(_THREAD)
def get_thread(call: Call, email_address: str, thread_id: str) -> Answer:
    thread = find_thread(call.world, mailbox_of(call, email_address), thread_id)
    return Answer(wire.thread_detail(call.world, thread, threads.messages_of(call.world, thread)))


@routes.patch(_THREAD)
def update_thread(call: Call, email_address: str, thread_id: str) -> Answer:
    mailbox = mailbox_of(call, email_address)
    thread = find_thread(call.world, mailbox, thread_id)
    if "folder" in call.body:
        threads.move_thread(call.world, mailbox, thread, call.body["folder"])
    return Answer(wire.thread(call.world, thread))


@routes.delete(_THREAD)
def delete_thread(call: Call, email_address: str, thread_id: str) -> Answer:
    remove_thread(call.world, find_thread(call.world, mailbox_of(call, email_address), thread_id))
    return NO_CONTENT
