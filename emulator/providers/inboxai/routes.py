"""InboxAI over HTTP: one function per operation, named by its operationId."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Blueprint

from emulator.mail import Mailbox, Message, Thread, files, threads
from emulator.mail.filing import remove_thread
from emulator.provider import NO_CONTENT, Answer, Call
from emulator.providers.inboxai import attachments, domains, keys, messages, resources, webhooks, wire
from emulator.providers.inboxai.pages import Window
from emulator.world import Account

routes = Blueprint("inboxai", __name__)

_LINK_LIFETIME: Final = timedelta(hours=1)
_MAX_PAGE_SIZE: Final = 100
_API: Final = "/api/v0"
_INBOX: Final = f"{_API}/inboxes/<inbox_id>"
_MESSAGE: Final = f"{_INBOX}/messages/<message_id>"
_THREAD: Final = f"{_INBOX}/threads/<thread_id>"
_DOMAIN: Final = f"{_API}/domains/<domain_id>"
_WEBHOOK: Final = f"{_API}/webhooks/<webhook_id>"


# Organization


@routes.get(f"{_API}/organizations")
def get_organization(call: Call) -> Answer:
    return Answer(wire.organization(resources.organization(call.world, _account(call))))


# Inboxes


@routes.post(f"{_API}/inboxes")
def create_inbox(call: Call) -> Answer:
    return Answer(_inbox_json(call, resources.create_inbox(call.world, _account(call), call.body)), 201)


@routes.get(f"{_API}/inboxes")
def list_inboxes(call: Call) -> Answer:
    found = resources.list_inboxes(call.world, _account(call), _window(call))
    return Answer(wire.page(found, lambda inbox: _inbox_json(call, inbox)))


@routes.get(_INBOX)
def get_inbox(call: Call, inbox_id: str) -> Answer:
    return Answer(_inbox_json(call, _inbox(call, inbox_id)))


@routes.patch(_INBOX)
def update_inbox(call: Call, inbox_id: str) -> Answer:
    return Answer(_inbox_json(call, resources.update_inbox(call.world, _account(call), inbox_id, call.body)))


@routes.delete(_INBOX)
def delete_inbox(call: Call, inbox_id: str) -> Answer:
    resources.delete_inbox(call.world, _account(call), inbox_id)
    return NO_CONTENT


# Messages


@routes.post(f"{_INBOX}/messages/send")
def send_message(call: Call, inbox_id: str) -> Answer:
    inbox = _inbox(call, inbox_id)
    parts = attachments.read_attachments(call)
    return Answer(wire.sent(messages.send_message(call.world, inbox, call.body, parts)))


@routes.get(f"{_INBOX}/messages")
def list_messages(call: Call, inbox_id: str) -> Answer:
    return Answer(wire.page(messages.list_messages(call.world, _inbox(call, inbox_id), _window(call)), wire.message))


@routes.get(_MESSAGE)
def get_message(call: Call, inbox_id: str, message_id: str) -> Answer:
    return Answer(wire.message_detail(_message(call, inbox_id, message_id)))


@routes.patch(_MESSAGE)
def update_message(call: Call, inbox_id: str, message_id: str) -> Answer:
    message = _message(call, inbox_id, message_id)
    return Answer(wire.message_detail(messages.label_message(call.world, message, call.body["labels"])))


@routes.post(f"{_MESSAGE}/reply")
def reply_to_message(call: Call, inbox_id: str, message_id: str) -> Answer:
    return _reply(call, inbox_id, message_id, everybody=False)


@routes.post(f"{_MESSAGE}/reply-all")
def reply_all_to_message(call: Call, inbox_id: str, message_id: str) -> Answer:
    return _reply(call, inbox_id, message_id, everybody=True)


@routes.post(f"{_MESSAGE}/forward")
def forward_message(call: Call, inbox_id: str, message_id: str) -> Answer:
    message = _message(call, inbox_id, message_id)
    return Answer(wire.sent(messages.forward(call.world, _inbox(call, inbox_id), message, call.body)))


@routes.get(f"{_MESSAGE}/attachments/<attachment_id>")
def get_attachment(call: Call, inbox_id: str, message_id: str, attachment_id: str) -> Answer:
    message = _message(call, inbox_id, message_id)
    index = attachments.find_attachment(message, attachment_id)
    url = call.file_url(files.sign(call.world, message.id, index, _LINK_LIFETIME))
    return Answer(wire.attachment_link(message, index, url, call.world.now() + _LINK_LIFETIME))


# Threads


@routes.get(f"{_INBOX}/threads")
def list_threads(call: Call, inbox_id: str) -> Answer:
    found = messages.list_threads(call.world, _inbox(call, inbox_id), _window(call))
    return Answer(wire.page(found, lambda thread: wire.thread(thread, threads.messages_of(call.world, thread))))


@routes.get(_THREAD)
def get_thread(call: Call, inbox_id: str, thread_id: str) -> Answer:
    thread = _thread(call, inbox_id, thread_id)
    return Answer(wire.thread_detail(thread, threads.messages_of(call.world, thread)))


@routes.delete(_THREAD)
def delete_thread(call: Call, inbox_id: str, thread_id: str) -> Answer:
    remove_thread(call.world, _thread(call, inbox_id, thread_id))
    return NO_CONTENT


# Domains


@routes.post(f"{_API}/domains")
def create_domain(call: Call) -> Answer:
    name, feedback = call.body["domain"], call.body.get("feedback_enabled", True)
    return Answer(wire.domain(domains.create_domain(call.world, _account(call), name, feedback)), 201)


@routes.get(f"{_API}/domains")
def list_domains(call: Call) -> Answer:
    return Answer(wire.page(domains.list_domains(call.world, _account(call), _window(call)), wire.domain))


@routes.get(_DOMAIN)
def get_domain(call: Call, domain_id: str) -> Answer:
    return Answer(wire.domain(domains.find_domain(call.world, _account(call), domain_id)))


@routes.delete(_DOMAIN)
def delete_domain(call: Call, domain_id: str) -> Answer:
    domains.delete_domain(call.world, _account(call), domain_id)
    return NO_CONTENT


@routes.post(f"{_DOMAIN}/verify")
def verify_domain(call: Call, domain_id: str) -> Answer:
    return Answer(wire.domain(domains.verify_domain(call.world, _account(call), domain_id)))


# Webhooks


@routes.post(f"{_API}/webhooks")
def create_webhook(call: Call) -> Answer:
    return Answer(wire.created_webhook(webhooks.create_webhook(call.world, _account(call), call.body)), 201)


@routes.get(f"{_API}/webhooks")
def list_webhooks(call: Call) -> Answer:
    return Answer(wire.page(webhooks.list_webhooks(call.world, _account(call), _window(call)), wire.webhook))


@routes.get(_WEBHOOK)
def get_webhook(call: Call, webhook_id: str) -> Answer:
    return Answer(wire.webhook(webhooks.find_webhook(call.world, _account(call), webhook_id)))


@routes.patch(_WEBHOOK)
def update_webhook(call: Call, webhook_id: str) -> Answer:
    return Answer(wire.webhook(webhooks.update_webhook(call.world, _account(call), webhook_id, call.body)))


@routes.delete(_WEBHOOK)
def delete_webhook(call: Call, webhook_id: str) -> Answer:
    webhooks.delete_webhook(call.world, _account(call), webhook_id)
    return NO_CONTENT


# API keys


@routes.post(f"{_API}/api-keys")
def create_api_key(call: Call) -> Answer:
    return Answer(wire.created_api_key(keys.create_key(call.world, _account(call), call.body["name"])), 201)


@routes.get(f"{_API}/api-keys")
def list_api_keys(call: Call) -> Answer:
    found = keys.list_keys(call.world, _account(call), _window(call))
    return Answer(wire.page(found, lambda key: wire.api_key(key, keys.used_at(call.world, key))))


@routes.delete(f"{_API}/api-keys/<key_id>")
def delete_api_key(call: Call, key_id: str) -> Answer:
    keys.revoke_key(call.world, _account(call), key_id)
    return NO_CONTENT


def _account(call: Call) -> Account:
    assert call.account is not None  # every key belongs to an organization
    return call.account


def _window(call: Call) -> Window:
    return Window(call.query["page"], min(call.query["page_size"], _MAX_PAGE_SIZE))


def _inbox(call: Call, inbox_id: str) -> Mailbox:
    return resources.find_inbox(call.world, _account(call), inbox_id)


def _inbox_json(call: Call, inbox: Mailbox) -> dict[str, object]:
    return wire.inbox(inbox, resources.client_id(call.world, inbox))


def _message(call: Call, inbox_id: str, message_id: str) -> Message:
    return messages.find_message(call.world, _inbox(call, inbox_id), message_id)


def _reply(call: Call, inbox_id: str, message_id: str, *, everybody: bool) -> Answer:
    inbox, message = _inbox(call, inbox_id), _message(call, inbox_id, message_id)
    parts = attachments.read_attachments(call)
    return Answer(wire.sent(messages.reply(call.world, inbox, message, call.body, parts, everybody=everybody)))


def _thread(call: Call, inbox_id: str, thread_id: str) -> Thread:
    return messages.find_thread(call.world, _inbox(call, inbox_id), thread_id)
