"""Sendmux's Sending API over HTTP: mail in bulk, and the files that go with it."""

from __future__ import annotations

from typing import Final

from emulator.provider import Answer, Call
from emulator.providers.sendmux import sending, uploads, wire
from emulator.providers.sendmux import sending_wire as shown
from emulator.providers.sendmux.access import mailbox_of_key
from emulator.providers.sendmux.generation import generation
from emulator.providers.sendmux.routes import routes

_API: Final = "/api/v1/emails"


# Mail


@routes.post(f"{_API}/send")
def send_email(call: Call) -> Answer:
    mailbox = mailbox_of_key(call)

    def send() -> Answer:
        message = sending.send_email(call.world, mailbox, call.body)
        return wire.ok(call, shown.sent(message), generation(call).sent_status)

    return wire.once(call, mailbox.account_id, send)


@routes.post(f"{_API}/send/batch")
def send_email_batch(call: Call) -> Answer:
    mailbox = mailbox_of_key(call)

    def send() -> Answer:
        results = sending.send_batch(call.world, mailbox, call.body["messages"])
        return wire.ok(call, shown.batch(results, call.operation))

    return wire.once(call, mailbox.account_id, send)


# Files


@routes.post(f"{_API}/attachments")
def upload_attachment(call: Call) -> Answer:
    owner_id, query = mailbox_of_key(call).account_id, call.query
    name, content_type = query["filename"], query.get("content_type")
    sending.check_size(len(call.body))
    sending.check_file(name, content_type, call.body)

    def keep() -> Answer:
        made = uploads.add_upload(call.world, "attachment", owner_id, name, content_type, call.body)
        return wire.created(call, shown.upload(made), f"{_API}/attachments/{made.id}")

    return wire.once(call, owner_id, keep)


@routes.get(f"{_API}/attachments/<attachment_id>")
def get_attachment(call: Call, attachment_id: str) -> Answer:
    owner_id = mailbox_of_key(call).account_id
    return wire.ok(call, shown.upload(sending.find_attachment(call.world, owner_id, attachment_id)))


@routes.post(f"{_API}/attachment-uploads")
def create_attachment_upload(call: Call) -> Answer:
    owner_id, body = mailbox_of_key(call).account_id, call.body
    name, content_type, size = body["filename"], body.get("content_type"), int(body["size_bytes"])
    sending.check_size(size)
    sending.check_file(name, content_type, None)

    def make() -> Answer:
        made = uploads.add_intent(call.world, "attachment", owner_id, name, content_type, size, body.get("sha256"))
        path = f"{_API}/attachment-uploads/{made.id}"
        return wire.created(call, shown.upload_intent(made, f"{call.base_url}{path}"), path)

    return wire.once(call, owner_id, make)


@routes.put(f"{_API}/attachment-uploads/<upload_id>")
def complete_attachment_upload(call: Call, upload_id: str) -> Answer:
    token = call.headers.get("X-Sendmux-Upload-Token")
    intent = uploads.find_intent(call.world, "attachment", upload_id, token)
    sending.check_file(intent.filename, intent.content_type, call.body)
    made = uploads.complete(call.world, intent, call.body)
    return wire.created(call, shown.upload(made), f"{_API}/attachments/{made.id}")


# The document


@routes.get("/api/v1/openapi.json")
def get_openapi_document(call: Call) -> Answer:
    document = dict(call.provider.document.raw)
    answer = Answer(document, 200, {"Cache-Control": "public, max-age=3600"})
    return wire.with_etag(call, answer, document)
