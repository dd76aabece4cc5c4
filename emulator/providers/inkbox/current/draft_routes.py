"""Drafts and imports over HTTP."""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any, Final

from werkzeug.datastructures import FileStorage
from werkzeug.formparser import MultiPartParser

from emulator.mail import MESSAGES, Mailbox
from emulator.provider import NO_CONTENT, Answer, Call, Problem, content_disposition
from emulator.providers.inkbox import wire as first
from emulator.providers.inkbox.current import draft_folder, draft_wire, drafts, imports, wire
from emulator.providers.inkbox.current.access import caller
from emulator.providers.inkbox.current.drafts import SavedDraft
from emulator.providers.inkbox.current.imports import Job
from emulator.providers.inkbox.current.mail_routes import mailbox_of, once, send
from emulator.providers.inkbox.current.routes import routes

_MAIL: Final = "/api/v1/mail"
_DRAFTS: Final = f"{_MAIL}/mailboxes/<email_address>/drafts"
_DRAFT: Final = f"{_DRAFTS}/<draft_id>"
_PART: Final = f"{_DRAFT}/attachments/<part_index>"
_IMPORTS: Final = f"{_MAIL}/mailboxes/<email_address>/imports"
_JOB: Final = f"{_IMPORTS}/<job_id>"


# Drafts


@routes.get(_DRAFTS)
def list_drafts(call: Call, email_address: str) -> Answer:
    mailbox = _mailbox(call, email_address)
    found = drafts.list_drafts(call.world, mailbox, call.query["limit"], call.cursor())
    return Answer(first.page(found, lambda each: draft_wire.draft_summary(mailbox, each)))


@routes.post(_DRAFTS)
def create_draft(call: Call, email_address: str) -> Answer:
    mailbox = _mailbox(call, email_address)

    def perform() -> dict[str, Any]:
        return _shown(call, mailbox, drafts.create_draft(call.world, mailbox, call.body))

    return once(call, mailbox, "mail.create_draft", call.body, perform)


@routes.get(_DRAFT)
def get_draft(call: Call, email_address: str, draft_id: str) -> Answer:
    mailbox = _mailbox(call, email_address)
    return Answer(draft_wire.draft(call.world, mailbox, drafts.find_draft(call.world, mailbox, draft_id)))


@routes.patch(_DRAFT)
def update_draft(call: Call, email_address: str, draft_id: str) -> Answer:
    mailbox, draft = _locked(call, email_address, draft_id)
    return Answer(_shown(call, mailbox, drafts.update_draft(call.world, mailbox, draft, call.body)))


@routes.delete(_DRAFT)
def delete_draft(call: Call, email_address: str, draft_id: str) -> Answer:
    _, draft = _locked(call, email_address, draft_id)
    draft_folder.hide(call.world, draft)
    drafts.delete_draft(call.world, draft)
    return NO_CONTENT


@routes.post(f"{_DRAFT}/duplicate")
def duplicate_draft(call: Call, email_address: str, draft_id: str) -> Answer:
    mailbox, draft = _locked(call, email_address, draft_id)
    return Answer(_shown(call, mailbox, drafts.duplicate_draft(call.world, mailbox, draft)), 201)


@routes.post(f"{_DRAFT}/attachments")
def add_draft_attachments(call: Call, email_address: str, draft_id: str) -> Answer:
    mailbox, draft = _locked(call, email_address, draft_id)
    return Answer(_shown(call, mailbox, drafts.add_attachments(call.world, draft, call.body["attachments"])))


@routes.get(_PART)
def get_draft_attachment(call: Call, email_address: str, draft_id: str, part_index: str) -> Answer:
    _, draft = _locked(call, email_address, draft_id)
    part = draft.attachments[drafts.find_attachment(draft, part_index)]
    headers = {"Content-Type": part.content_type, "Content-Disposition": content_disposition(part)}
    return Answer(part.data, 200, {**headers, "X-Content-Type-Options": "nosniff"})


@routes.delete(_PART)
def remove_draft_attachment(call: Call, email_address: str, draft_id: str, part_index: str) -> Answer:
    mailbox, draft = _locked(call, email_address, draft_id)
    index = drafts.find_attachment(draft, part_index)
    return Answer(_shown(call, mailbox, drafts.remove_attachment(call.world, draft, index)))


@routes.post(f"{_DRAFT}/send")
def send_draft(call: Call, email_address: str, draft_id: str) -> Answer:
    before = drafts.sent_before(call.world, mailbox_of(call, email_address), draft_id, call.body["generation"])
    message = None if before is None else call.world.store.get(MESSAGES, before)
    if message is not None:
        return Answer(wire.message(call.world, message), 201)
    mailbox, draft = _locked(call, email_address, draft_id)
    draft_folder.hide(call.world, draft)
    sent = send(call, mailbox, drafts.outgoing(call.world, mailbox, draft))
    drafts.became(call.world, draft, sent["id"])
    return Answer(sent, 201)


def _mailbox(call: Call, email_address: str) -> Mailbox:
    """Return the mailbox of the path, after what mail programs did in its Drafts folder."""
    mailbox = mailbox_of(call, email_address)
    draft_folder.take_over(call.world, mailbox)
    return mailbox


def _locked(call: Call, email_address: str, draft_id: str) -> tuple[Mailbox, SavedDraft]:
    """Return the mailbox and the draft of the path, if it has the generation that the request knows."""
    mailbox, generation = _mailbox(call, email_address), (call.body or call.query)["generation"]
    return mailbox, drafts.find_draft(call.world, mailbox, draft_id, generation)


def _shown(call: Call, mailbox: Mailbox, draft: SavedDraft) -> dict[str, Any]:
    """Let mail programs see a draft as it is now, and return it as JSON."""
    return draft_wire.draft(call.world, mailbox, draft_folder.show(call.world, mailbox, draft))


# Imports


@routes.post(_IMPORTS)
def create_import(call: Call, email_address: str) -> Answer:
    mailbox, who = mailbox_of(call, email_address), caller(call)
    job = imports.create_job(call.world, who.organization, mailbox, call.body)
    return Answer({"job": draft_wire.job(job), "upload": draft_wire.upload_target(job, call.base_url)}, 201)


@routes.get(_IMPORTS)
def list_imports(call: Call, email_address: str) -> Answer:
    mailbox = mailbox_of(call, email_address)
    return Answer(
        first.page(imports.list_jobs(call.world, mailbox, call.query["limit"], call.cursor()), draft_wire.job)
    )


@routes.get(_JOB)
def get_import(call: Call, email_address: str, job_id: str) -> Answer:
    return Answer(draft_wire.job(_job(call, email_address, job_id)))


@routes.post(f"{_JOB}/upload-url")
def refresh_import_upload(call: Call, email_address: str, job_id: str) -> Answer:
    job = imports.refresh_upload(call.world, _job(call, email_address, job_id))
    return Answer(draft_wire.upload_target(job, call.base_url))


@routes.post(f"{_JOB}/start")
def start_import(call: Call, email_address: str, job_id: str) -> Answer:
    return Answer(draft_wire.job(imports.start_job(call.world, _job(call, email_address, job_id))))


@routes.post(f"{_JOB}/cancel")
def cancel_import(call: Call, email_address: str, job_id: str) -> Answer:
    return Answer(draft_wire.job(imports.cancel_job(call.world, _job(call, email_address, job_id))))


@routes.post(f"{_MAIL}/import-uploads/<job_id>")
def upload_import(call: Call, job_id: str) -> Answer:
    fields, uploaded = _form(call.body)
    imports.upload(call.world, job_id, fields.get("key", ""), uploaded.stream.read())
    return NO_CONTENT


def _job(call: Call, email_address: str, job_id: str) -> Job:
    return imports.find_job(call.world, mailbox_of(call, email_address), job_id)


def _in_memory(*_: object, **__: object) -> IO[bytes]:
    """Return where a part of a form is kept: a file on disk would have to be closed."""
    return BytesIO()


def _form(data: bytes) -> tuple[dict[str, str], FileStorage]:
    """Read multipart/form-data; its first line is the boundary."""
    boundary = data.partition(b"\r\n")[0].removeprefix(b"--")
    parser = MultiPartParser(stream_factory=_in_memory)
    try:
        form, sent = parser.parse(BytesIO(data), boundary, len(data))
    except ValueError:
        raise Problem("refused", "The body is no multipart/form-data") from None
    if "file" not in sent:
        raise Problem("refused", "The form has no part named file")
    return dict(form), sent["file"]
