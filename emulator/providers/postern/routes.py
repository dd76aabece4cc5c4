"""Postern over HTTP: one function per operation, named by its operationId."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Blueprint

from emulator.mail import Mailbox, threads
from emulator.mail.extraction import extract
from emulator.provider import Answer, Call, Problem
from emulator.providers.postern import enrollment, payment, resources, wire
from emulator.providers.postern.enrollment import CREATE, READ, SEND, EnrollmentToken
from emulator.providers.postern.settings import setting
from emulator.providers.postern.wait import Wanted, wait_for
from emulator.world import Credential, parse_timestamp

routes = Blueprint("postern", __name__)

_INBOX: Final = "/v1/inboxes/<addr>"
_DEFAULT_WAIT: Final = 120


# Enrollment


@routes.post("/v1/enroll")
def enroll(call: Call) -> Answer:
    made = enrollment.redeem(call.world, call.body["enrollment_token"], call.body.get("agent_handle"))
    return Answer(wire.enrollment(made), 201)


@routes.post("/v1/enrollment-tokens")
def create_enrollment_token(call: Call) -> Answer:
    enrollment.check_admin(_credential(call))
    assert call.account is not None  # an admin key has one
    return Answer(wire.enrollment_token(enrollment.mint_token(call.world, call.account.id, call.body or {})), 201)


# Inboxes


@routes.post("/v1/inboxes")
def create_inbox(call: Call) -> Answer:
    token, body = _token(call, CREATE), call.body or {}
    known = resources.recall_inbox(call.world, token, body)
    if known is not None:
        return Answer(wire.new_inbox(known))
    address = resources.choose_address(call.world, token, body, setting(call.world, "domains"))
    enrollment.spend_slot(call.world, token)
    # Last of all, so that nobody pays for what is refused then.
    if setting(call.world, "paid_provisioning"):
        settles = setting(call.world, "settlement")
        payment.spend_mailbox(call.world, token.account_id, _signed_payload(call), settles=settles)
    return Answer(wire.new_inbox(resources.create_inbox(call.world, token, address, body)), 201)


@routes.get("/v1/inboxes")
def list_inboxes(call: Call) -> Answer:
    token = _token(call, READ)
    found = resources.list_inboxes(call.world, token.account_id, call.query["limit"], call.cursor())
    return Answer(wire.page(found, wire.inbox_item))


@routes.get(_INBOX)
def get_inbox(call: Call, addr: str) -> Answer:
    return Answer(wire.inbox(_inbox(call, READ, addr)))


@routes.delete(_INBOX)
def delete_inbox(call: Call, addr: str) -> Answer:
    mailbox = _inbox(call, CREATE, addr)
    resources.delete_inbox(call.world, mailbox)
    return Answer({"id": mailbox.id, "deleted": True})


# Messages


@routes.post(f"{_INBOX}/send")
def send_message(call: Call, addr: str) -> Answer:
    mailbox = _inbox(call, SEND, addr)
    sent = resources.send_message(call.world, mailbox, call.body, setting(call.world, "daily_cap"))
    return Answer(wire.accepted(sent), 202)


@routes.get(f"{_INBOX}/messages")
def list_messages(call: Call, addr: str) -> Answer:
    mailbox, query = _inbox(call, READ, addr), call.query
    found = resources.list_messages(
        call.world, mailbox, query.get("direction"), query["unread_only"], query["limit"], call.cursor()
    )
    return Answer(wire.page(found, wire.message))


@routes.get("/v1/messages/<id>")
def get_message(call: Call, id: str) -> Answer:  # noqa: A002  # the document's name
    message = resources.find_message(call.world, _token(call, READ).account_id, id)
    return Answer(wire.message_detail(resources.read_message(call.world, message)))


@routes.post("/v1/messages/<id>/reply")
def reply_to_message(call: Call, id: str) -> Answer:  # noqa: A002  # the document's name
    message = resources.find_message(call.world, _token(call, SEND).account_id, id)
    sent = resources.reply_to_message(call.world, message, call.body, setting(call.world, "daily_cap"))
    return Answer(wire.accepted(sent), 202)


@routes.post(f"{_INBOX}/wait")
def wait_for_email(call: Call, addr: str) -> Answer:
    given = call.body or {}
    since, seconds = given.get("since"), given.get("timeout_seconds")
    wanted = Wanted(
        sender=given.get("from"),
        subject=given.get("subject"),
        regex=given.get("regex"),
        since=None if since is None else parse_timestamp(since),
    )
    timeout = min(_DEFAULT_WAIT if seconds is None else seconds, setting(call.world, "max_wait_ms") / 1000)
    found = wait_for(call.world, lambda: _inbox(call, READ, addr), wanted, timedelta(seconds=timeout))
    return Answer(wire.timed_out() if found is None else wire.matched(found, extract(found.mail)))


# Threads


@routes.get(f"{_INBOX}/threads")
def list_threads(call: Call, addr: str) -> Answer:
    found = resources.list_threads(call.world, _inbox(call, READ, addr), call.query["limit"], call.cursor())
    return Answer(wire.page(found, lambda thread: wire.thread(thread, threads.messages_of(call.world, thread))))


@routes.get("/v1/threads/<id>")
def get_thread(call: Call, id: str) -> Answer:  # noqa: A002  # the document's name
    thread = resources.find_thread(call.world, _token(call, READ).account_id, id)
    return Answer(wire.thread_detail(thread, threads.messages_of(call.world, thread)))


# Webhooks


@routes.post("/v1/webhooks")
def create_webhook(call: Call) -> Answer:
    return Answer(wire.webhook(resources.create_webhook(call.world, _token(call, READ).account_id, call.body)), 201)


# Payment


@routes.post("/v1/purchase")
def purchase(call: Call) -> Answer:
    token = _token(call, CREATE)
    if not setting(call.world, "paid_provisioning"):
        raise Problem("forbidden", "The organization does not have paid provisioning")
    balance = payment.purchase(
        call.world, token.account_id, _signed_payload(call), settles=setting(call.world, "settlement")
    )
    return Answer(wire.purchase(balance))


def _credential(call: Call) -> Credential:
    assert call.credential is not None  # the contract asks for one
    return call.credential


def _token(call: Call, scope: str) -> EnrollmentToken:
    return enrollment.token_of(call.world, _credential(call), scope)


def _inbox(call: Call, scope: str, addr: str) -> Mailbox:
    return resources.find_inbox(call.world, _token(call, scope).account_id, addr)


def _signed_payload(call: Call) -> str | None:
    return call.headers.get("PAYMENT-SIGNATURE") or call.headers.get("X-PAYMENT")
