"""Inkbox over HTTP: one function per operation, named by its operationId."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Blueprint

from emulator.mail import Mailbox, files, threads
from emulator.mail.filing import remove_message, remove_thread
from emulator.provider import NO_CONTENT, Answer, Call
from emulator.providers.inkbox import messages, resources, signup, wire
from emulator.providers.inkbox.resources import Identity, Organization
from emulator.providers.inkbox.settings import NAME
from emulator.world import timestamp

routes = Blueprint("inkbox", __name__)

_LINK_LIFETIME: Final = timedelta(hours=1)
_MAILBOX: Final = "/api/v1/mail/mailboxes/<email_address>"
_IDENTITY: Final = "/api/v1/identities/<agent_handle>"


# Mailboxes


@routes.post("/api/v1/mail/mailboxes")
def create_mailbox(call: Call) -> Answer:
    organization = _organization(call)
    signup.check_may_create_mailbox(call.world, organization)
    mailbox = resources.create_mailbox(
        call.world,
        organization,
        call.body["agent_handle"],
        call.body.get("display_name"),
        call.body.get("email_local_part"),
    )
    return Answer(_mailbox_json(call, mailbox), 201)


@routes.get("/api/v1/mail/mailboxes")
def list_mailboxes(call: Call) -> Answer:
    found = resources.list_mailboxes(call.world, _organization(call))
    return Answer([_mailbox_json(call, mailbox) for mailbox in found])


@routes.get(_MAILBOX)
def get_mailbox(call: Call, email_address: str) -> Answer:
    return Answer(_mailbox_json(call, _mailbox(call, email_address)))


@routes.patch(_MAILBOX)
def update_mailbox(call: Call, email_address: str) -> Answer:
    mailbox = resources.update_mailbox(call.world, _organization(call), email_address, call.body)
    return Answer(_mailbox_json(call, mailbox))


@routes.delete(_MAILBOX)
def delete_mailbox(call: Call, email_address: str) -> Answer:
    resources.delete_mailbox(call.world, _organization(call), email_address)
    return NO_CONTENT


@routes.get(f"{_MAILBOX}/search")
def search_mailbox(call: Call, email_address: str) -> Answer:
    return _search(call, [_mailbox(call, email_address)])


@routes.get("/api/v1/mail/search")
def search_messages(call: Call) -> Answer:
    return _search(call, resources.list_mailboxes(call.world, _organization(call)))


# Messages


@routes.get(f"{_MAILBOX}/messages")
def list_messages(call: Call, email_address: str) -> Answer:
    mailbox, after = _mailbox(call, email_address), call.cursor()
    found = messages.list_messages(call.world, mailbox, call.query.get("direction"), call.query["limit"], after)
    return Answer(wire.page(found, wire.message))


@routes.post(f"{_MAILBOX}/messages")
def send_message(call: Call, email_address: str) -> Answer:
    mailbox, given = _mailbox(call, email_address), call.body["recipients"]
    everybody = [*given["to"], *(given.get("cc") or ()), *(given.get("bcc") or ())]
    signup.check_may_send(call.world, _organization(call), everybody)
    return Answer(wire.message(messages.send_message(call.world, mailbox, call.body)), 201)


@routes.get(f"{_MAILBOX}/messages/<message_id>")
def get_message(call: Call, email_address: str, message_id: str) -> Answer:
    message = messages.find_message(call.world, _mailbox(call, email_address), message_id)
    outbound = message.direction == "outbound"
    ses_message_id = call.world.derived_id(NAME, "ses_message_id", message.id) if outbound else None
    return Answer(wire.message_detail(message, ses_message_id))


@routes.patch(f"{_MAILBOX}/messages/<message_id>")
def update_message(call: Call, email_address: str, message_id: str) -> Answer:
    message = messages.find_message(call.world, _mailbox(call, email_address), message_id)
    return Answer(wire.message(messages.mark_message(call.world, message, call.body)))


@routes.delete(f"{_MAILBOX}/messages/<message_id>")
def delete_message(call: Call, email_address: str, message_id: str) -> Answer:
    message = messages.find_message(call.world, _mailbox(call, email_address), message_id)
    remove_message(call.world, message)
    return NO_CONTENT


@routes.get(f"{_MAILBOX}/messages/<message_id>/attachments/<path:filename>")
def get_attachment(call: Call, email_address: str, message_id: str, filename: str) -> Answer:
    message = messages.find_message(call.world, _mailbox(call, email_address), message_id)
    index = messages.find_attachment(message, filename)
    url = call.file_url(files.sign(call.world, message.id, index, _LINK_LIFETIME))
    if call.query["redirect"]:
        return Answer("", 302, {"Location": url})
    return Answer({"url": url, "filename": filename, "expires_in": int(_LINK_LIFETIME.total_seconds())})


# Threads


@routes.get(f"{_MAILBOX}/threads")
def list_threads(call: Call, email_address: str) -> Answer:
    mailbox, after = _mailbox(call, email_address), call.cursor()
    return Answer(wire.page(messages.list_threads(call.world, mailbox, call.query["limit"], after), wire.thread))


@routes.get(f"{_MAILBOX}/threads/<thread_id>")
def get_thread(call: Call, email_address: str, thread_id: str) -> Answer:
    thread = messages.find_thread(call.world, _mailbox(call, email_address), thread_id)
    return Answer(wire.thread_detail(thread, threads.messages_of(call.world, thread)))


@routes.delete(f"{_MAILBOX}/threads/<thread_id>")
def delete_thread(call: Call, email_address: str, thread_id: str) -> Answer:
    remove_thread(call.world, messages.find_thread(call.world, _mailbox(call, email_address), thread_id))
    return NO_CONTENT


# Identities


@routes.post("/api/v1/identities")
def create_identity(call: Call) -> Answer:
    organization, mailbox = _organization(call), call.body.get("mailbox")
    if mailbox is not None:
        signup.check_may_create_mailbox(call.world, organization)
    identity = resources.create_identity(call.world, organization, call.body["agent_handle"], mailbox)
    return Answer(wire.identity(identity, organization, resources.mailbox_of(call.world, identity)), 201)


@routes.get("/api/v1/identities")
def list_identities(call: Call) -> Answer:
    organization = _organization(call)
    found = resources.list_identities(call.world, organization)
    return Answer([wire.identity(each, organization, resources.mailbox_of(call.world, each)) for each in found])


@routes.get(_IDENTITY)
def get_identity(call: Call, agent_handle: str) -> Answer:
    return _identity_detail(call, resources.find_identity(call.world, _organization(call), agent_handle))


@routes.patch(_IDENTITY)
def update_identity(call: Call, agent_handle: str) -> Answer:
    organization = _organization(call)
    identity = resources.update_identity(call.world, organization, agent_handle, call.body)
    return Answer(wire.identity(identity, organization, resources.mailbox_of(call.world, identity)))


@routes.delete(_IDENTITY)
def delete_identity(call: Call, agent_handle: str) -> Answer:
    resources.delete_identity(call.world, _organization(call), agent_handle)
    return NO_CONTENT


@routes.post(f"{_IDENTITY}/mailbox")
def link_mailbox(call: Call, agent_handle: str) -> Answer:
    mailbox_id = call.body["mailbox_id"]
    return _identity_detail(call, resources.link_mailbox(call.world, _organization(call), agent_handle, mailbox_id))


@routes.delete(f"{_IDENTITY}/mailbox")
def unlink_mailbox(call: Call, agent_handle: str) -> Answer:
    resources.unlink_mailbox(call.world, _organization(call), agent_handle)
    return NO_CONTENT


# Keys


@routes.post("/api/v1/signing-keys")
def create_signing_key(call: Call) -> Answer:
    key = resources.rotate_signing_key(call.world, _organization(call))
    return Answer({"signing_key": key, "created_at": timestamp(call.world.now())}, 201)


@routes.get("/api/whoami")
def whoami(call: Call) -> Answer:
    assert call.credential is not None  # the contract asks for one
    organization = _organization(call) if call.account else None
    key_id = call.world.derived_id(NAME, "api_key", "id", call.credential.id)
    return Answer(wire.whoami(call.credential, key_id, organization))


# Agents that register themselves


@routes.post("/api/v1/agent-signup")
def agent_signup(call: Call) -> Answer:
    body = call.body
    made = signup.register(call.world, body["human_email"], body["note_to_human"], body.get("display_name"))
    return Answer(wire.registration(made), 201)


@routes.post("/api/v1/agent-signup/verify")
def verify_signup(call: Call) -> Answer:
    organization, claim = signup.verify(call.world, _organization(call), call.body["verification_code"])
    return Answer(wire.claim(organization, claim, "The agent is claimed."))


@routes.post("/api/v1/agent-signup/resend-verification")
def resend_signup_verification(call: Call) -> Answer:
    organization = _organization(call)
    return Answer(wire.resent(organization, signup.resend(call.world, organization)))


@routes.get("/api/v1/agent-signup/status")
def signup_status(call: Call) -> Answer:
    return Answer(wire.signup_status(signup.signup_of(call.world, _organization(call))))


def _organization(call: Call) -> Organization:
    return resources.organization_of(call.world, call.account)


def _mailbox(call: Call, email_address: str) -> Mailbox:
    return resources.find_mailbox(call.world, _organization(call), email_address)


def _mailbox_json(call: Call, mailbox: Mailbox) -> dict[str, object]:
    return wire.mailbox(mailbox, resources.webhook_url(call.world, mailbox))


def _identity_detail(call: Call, identity: Identity) -> Answer:
    mailbox = resources.mailbox_of(call.world, identity)
    return Answer(wire.identity_detail(identity, _organization(call), mailbox))


def _search(call: Call, mailboxes: list[Mailbox]) -> Answer:
    found = messages.search_messages(call.world, mailboxes, call.query["q"], call.query["limit"])
    return Answer(wire.search_result(found))
