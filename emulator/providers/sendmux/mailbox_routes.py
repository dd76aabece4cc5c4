"""Sendmux's Mailbox API over HTTP: the messages, folders, threads and changes of one mailbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from werkzeug.datastructures import ContentRange
from werkzeug.http import parse_range_header

from emulator.mail import Mailbox, Message, files, threads
from emulator.mail.filing import used_bytes
from emulator.provider import Answer, Call, Problem
from emulator.providers.sendmux import (
    access,
    mailbox_changes,
    mailbox_events,
    mailbox_folders,
    mailbox_identity,
    mailbox_messages,
    mailbox_session,
    mailbox_threads,
    management_wire,
    resources,
    submissions,
    uploads,
    wire,
)
from emulator.providers.sendmux import mailbox_wire as shown
from emulator.providers.sendmux.access import mailbox_of_key
from emulator.providers.sendmux.mailbox_content import THREAD_CHARS, options_of, raw_body
from emulator.providers.sendmux.mailbox_events import Listener
from emulator.providers.sendmux.mailbox_sending import MAX_UPLOAD, send_message
from emulator.providers.sendmux.routes import routes
from emulator.providers.sendmux.settings import setting
from emulator.providers.sendmux.submissions import Submission

_API: Final = "/api/v1/mailbox"
_MESSAGE: Final = f"{_API}/messages/<message_id>"
_FOLDER: Final = f"{_API}/folders/<folder_id>"
_THREAD: Final = f"{_API}/threads/<thread_id>"
_LINK_LIFETIME: Final = timedelta(minutes=15)
_MAX_IDS: Final = 100
_NOT_FILTERS: Final = frozenset({"mailbox_id", "limit", "since_query_state", "up_to_id", "calculate_total"})


# Account and identity


@routes.get(f"{_API}/connection")
def get_mailbox_connection(call: Call) -> Answer:
    key, account = access.admit(call), access.team(call)
    return wire.tagged(call, management_wire.connection(account, key, [mailbox_of_key(call)]))


@routes.get(f"{_API}/me")
def get_own_mailbox(call: Call) -> Answer:
    mailbox = mailbox_of_key(call)
    plan, used = resources.plan_of(call.world, mailbox), used_bytes(call.world, mailbox)
    return wire.tagged(call, {**management_wire.mailbox(mailbox, plan), "quota_used_bytes": used})


@routes.get(f"{_API}/mailboxes")
def list_granted_mailboxes(call: Call) -> Answer:
    mailbox, words = mailbox_of_key(call), call.query.get("q", "").lower()
    call.cursor()
    found = [mailbox] if words in mailbox.id or words in mailbox.address.lower() else []
    return wire.listed(call, [shown.granted_mailbox(each) for each in found], None)


@routes.get(f"{_API}/session")
def get_session(call: Call) -> Answer:
    mailbox = mailbox_of_key(call)
    every = call.provider.document.operations.values()
    operations = [operation for operation in every if access.surface(operation) == "Mailbox"]
    return wire.tagged(call, mailbox_session.session(mailbox, _states(call, mailbox), operations))


@routes.get(f"{_API}/identity")
def get_identity(call: Call) -> Answer:
    return wire.ok(call, _identity(call, mailbox_of_key(call)))


@routes.patch(f"{_API}/identity")
def update_identity(call: Call) -> Answer:
    changed = mailbox_identity.update_identity(call.world, mailbox_of_key(call), call.body)
    return wire.ok(call, _identity(call, changed))


@routes.get(f"{_API}/identities")
def list_identities(call: Call) -> Answer:
    mailbox = mailbox_of_key(call)
    call.cursor()
    meta = {"identity_state": mailbox_changes.state(call.world, mailbox, "identities")}
    return wire.listed(call, [_identity(call, mailbox)], None, meta=meta)


@routes.get(f"{_API}/quotas")
def list_quotas(call: Call) -> Answer:
    mailbox, query = mailbox_of_key(call), call.query
    call.cursor()
    item = shown.quota(mailbox_identity.quota_of(call.world, mailbox))
    wanted = all(query.get(name, item[name]) == item[name] for name in ("name", "scope", "resource_type"))
    found = [item] if wanted and query.get("type", "Mail") in item["types"] else []
    return wire.listed(call, found, None, meta=_query_state(call, mailbox, "quotas"))


@routes.get(f"{_API}/usage")
def get_usage(call: Call) -> Answer:
    mailbox = mailbox_of_key(call)
    state = mailbox_changes.state(call.world, mailbox, "quotas")
    return wire.tagged(call, shown.usage(mailbox_identity.quota_of(call.world, mailbox), state))


# Messages


@routes.get(f"{_API}/messages")
def list_messages(call: Call) -> Answer:
    mailbox = mailbox_of_key(call)
    found = mailbox_messages.list_messages(call.world, mailbox, call.query, call.cursor())
    return wire.page(call, found, lambda item: shown.message(item, _link(call)), meta=_sync_state(call, mailbox))


@routes.get(f"{_API}/messages/count")
def count_messages(call: Call) -> Answer:
    mailbox = mailbox_of_key(call)
    total = mailbox_messages.count_messages(call.world, mailbox, call.query)
    return wire.ok(call, {"total": total, **_sync_state(call, mailbox)})


@routes.get(f"{_API}/messages/search-snippets")
def search_message_snippets(call: Call) -> Answer:
    mailbox, query = mailbox_of_key(call), dict(call.query)
    words, asked, not_found = query["q"], query.get("message_ids"), list[str]()
    if asked is None:
        found = mailbox_messages.wanted_messages(call.world, mailbox, query)[: query["limit"]]
    else:
        ids = list(dict.fromkeys(filter(None, asked.split(","))))
        if len(ids) > _MAX_IDS:
            raise Problem("refused", f"message_ids names more than {_MAX_IDS}")
        known = {each: mailbox_messages.get_message(call.world, mailbox, each) for each in ids}
        found = [each for each in known.values() if each is not None]
        not_found = [each for each, message in known.items() if message is None]
    snippets = [shown.search_snippet(each, words) for each in found]
    return wire.ok(call, {"snippets": snippets, "not_found": not_found, **_sync_state(call, mailbox)})


@routes.get(f"{_API}/messages/query-changes")
def query_message_changes(call: Call) -> Answer:
    mailbox, query = mailbox_of_key(call), call.query
    asked = {name: value for name, value in query.items() if name not in _NOT_FILTERS}
    found = [each.id for each in mailbox_messages.wanted_messages(call.world, mailbox, asked)]
    results = found[: found.index(query["up_to_id"]) + 1] if query.get("up_to_id") in found else found
    since, limit = query.get("since_query_state"), query["limit"]
    changes = mailbox_changes.query_changes(call.world, mailbox, "messages", asked, results, since, limit)
    return wire.ok(call, shown.query_changes(changes, len(found) if query.get("calculate_total") else None))


@routes.post(f"{_API}/messages/send")
def send_mailbox_message(call: Call) -> Answer:
    mailbox = mailbox_of_key(call)

    def send() -> Answer:
        return wire.ok(call, {"message_id": send_message(call.world, mailbox, call.body).id, "status": "queued"})

    return wire.once(call, mailbox.id, send)


@routes.post(f"{_API}/messages:batch-get")
def batch_get_messages(call: Call) -> Answer:
    mailbox, body = mailbox_of_key(call), call.body
    options, mode = options_of(body), body.get("body_mode", "none")
    state = mailbox_changes.state(call.world, mailbox, "messages")
    known = {each: mailbox_messages.get_message(call.world, mailbox, each) for each in dict.fromkeys(body["ids"])}
    found = [shown.batch_item(each, mode, options, state, _link(call)) for each in known.values() if each is not None]
    not_found = [each for each, message in known.items() if message is None]
    return wire.ok(call, {"messages": found, "not_found": not_found, "states": {"email_state": state}})


@routes.post(f"{_API}/messages:batch-update")
def batch_update_messages(call: Call) -> Answer:
    made = mailbox_messages.update_messages(call.world, mailbox_of_key(call), call.body)
    return wire.ok(call, shown.batch(made, "updated"))


@routes.post(f"{_API}/messages:batch-delete")
def batch_delete_messages(call: Call) -> Answer:
    made = mailbox_messages.delete_messages(call.world, mailbox_of_key(call), call.body)
    return wire.ok(call, shown.batch(made, "deleted"))


@routes.get(_MESSAGE)
def get_message(call: Call, message_id: str) -> Answer:
    message = _message(call, message_id)
    answer = wire.ok(call, shown.message_detail(message, _link(call)))
    # Whatever the client has, its links may have expired.
    fresh = bool(message.mail.body.attachments)
    return wire.with_etag(call, answer, shown.message_detail(message), fresh=fresh)


@routes.patch(_MESSAGE)
def update_message(call: Call, message_id: str) -> Answer:
    message = _message(call, message_id)
    wire.check_match(call, shown.message_detail(message))
    changed = mailbox_messages.update_message(call.world, message, call.body)
    answer = wire.ok(call, shown.message_detail(changed, _link(call)))
    return wire.with_etag(call, answer, shown.message_detail(changed))


@routes.delete(_MESSAGE)
def delete_message(call: Call, message_id: str) -> Answer:
    mailbox, message = mailbox_of_key(call), _message(call, message_id)
    wire.check_match(call, shown.message_detail(message))
    mailbox_messages.delete_message(call.world, mailbox, message, permanent=call.query.get("permanent", False))
    return wire.deleted(call, message_id)


@routes.get(f"{_MESSAGE}/body")
def get_message_body(call: Call, message_id: str) -> Answer:
    mailbox, message = mailbox_of_key(call), _message(call, message_id)
    raw = raw_body(message, call.query["part"], call.query["max_body_chars"])
    return wire.tagged(call, shown.body(message, raw, mailbox_changes.state(call.world, mailbox, "messages")))


@routes.get(f"{_MESSAGE}/content")
def get_message_content(call: Call, message_id: str) -> Answer:
    mailbox, message, options = mailbox_of_key(call), _message(call, message_id), options_of(call.query)
    state = mailbox_changes.state(call.world, mailbox, "messages")
    answer = wire.ok(call, shown.content(message, options, state, _link(call)))
    stable = shown.content(message, options, state)
    return wire.with_etag(call, answer, stable, fresh=bool(stable["attachments"]))


@routes.get(f"{_MESSAGE}/attachments/<attachment_id>")
def get_message_attachment(call: Call, message_id: str, attachment_id: str) -> Answer:
    message = _message(call, message_id)
    part = message.mail.body.attachments[mailbox_messages.find_attachment(message, attachment_id)]
    headers = {
        "Content-Type": part.content_type,
        "Content-Disposition": "attachment",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
    }
    asked, size = call.headers.get("Range"), len(part.data)
    if asked is None:
        return Answer(part.data, 200, headers)
    wanted = parse_range_header(asked)
    span = None if wanted is None or wanted.units != "bytes" else wanted.range_for_length(size)
    if span is None:
        raise Problem("refused", "The range is not valid")
    headers["Content-Range"] = str(ContentRange("bytes", *span, size))
    return Answer(part.data[slice(*span)], 206, headers)


# Uploads


@routes.post(f"{_API}/attachments:upload")
def upload_mailbox_attachment(call: Call) -> Answer:
    mailbox = mailbox_of_key(call)
    _check_size(len(call.body))
    return wire.ok(
        call, shown.upload(uploads.add_upload(call.world, "blob", mailbox.id, call.query["filename"], None, call.body))
    )


@routes.post(f"{_API}/attachment-uploads")
def create_mailbox_attachment_upload(call: Call) -> Answer:
    mailbox, body = mailbox_of_key(call), call.body
    _check_size(body["size_bytes"])
    made = uploads.add_intent(
        call.world, "blob", mailbox.id, body["filename"], body["content_type"], int(body["size_bytes"])
    )
    url = f"{call.base_url}{_API}/attachment-uploads/{made.id}?upload_token={made.token}"
    return wire.ok(call, shown.upload_intent(made, url))


@routes.put(f"{_API}/attachment-uploads/<upload_id>")
def complete_mailbox_attachment_upload(call: Call, upload_id: str) -> Answer:
    intent = uploads.find_intent(call.world, "blob", upload_id, call.query.get("upload_token"))
    return wire.ok(call, shown.upload(uploads.complete(call.world, intent, call.body)))


# Folders


@routes.get(f"{_API}/folders")
def list_folders(call: Call) -> Answer:
    found = mailbox_folders.list_folders(call.world, mailbox_of_key(call))
    after = call.cursor()
    start = 0 if after is None else next((at for at, each in enumerate(found, 1) if each.folder.id == after[-1]), 0)
    rest = found[start : start + call.query["limit"]]
    return wire.listed(call, [shown.folder(each) for each in rest], None)


@routes.post(f"{_API}/folders")
def create_folder(call: Call) -> Answer:
    mailbox = mailbox_of_key(call)
    made = mailbox_folders.create_folder(call.world, mailbox, call.body)
    return wire.created(call, _folder_json(call, mailbox, made.id), f"{_API}/folders/{made.id}")


@routes.get(f"{_API}/folders/changes")
def get_folder_changes(call: Call) -> Answer:
    return _changes(call, "folders")


@routes.get(f"{_API}/folders/query-changes")
def query_folder_changes(call: Call) -> Answer:
    mailbox, query = mailbox_of_key(call), call.query
    results = [each.folder.id for each in mailbox_folders.list_folders(call.world, mailbox)]
    since, limit = query.get("since_query_state"), query["limit"]
    changes = mailbox_changes.query_changes(call.world, mailbox, "folders", {}, results, since, limit)
    return wire.ok(call, shown.query_changes(changes, len(results)))


@routes.get(_FOLDER)
def get_folder(call: Call, folder_id: str) -> Answer:
    return wire.tagged(call, _folder_json(call, mailbox_of_key(call), folder_id))


@routes.patch(_FOLDER)
def update_folder(call: Call, folder_id: str) -> Answer:
    mailbox = mailbox_of_key(call)
    wire.check_match(call, _folder_json(call, mailbox, folder_id))
    folder = mailbox_folders.find_folder(call.world, mailbox, folder_id)
    mailbox_folders.update_folder(call.world, mailbox, folder, call.body)
    return wire.changed(call, _folder_json(call, mailbox, folder_id))


@routes.delete(_FOLDER)
def delete_folder(call: Call, folder_id: str) -> Answer:
    mailbox = mailbox_of_key(call)
    wire.check_match(call, _folder_json(call, mailbox, folder_id))
    mailbox_folders.delete_folder(call.world, mailbox_folders.find_folder(call.world, mailbox, folder_id))
    return wire.deleted(call, folder_id)


# Threads


@routes.get(f"{_API}/threads")
def list_threads(call: Call) -> Answer:
    mailbox = mailbox_of_key(call)
    found, states = mailbox_threads.list_threads(call.world, mailbox, call.query, call.cursor()), _states(call, mailbox)
    meta = _query_state(call, mailbox, "threads")
    return wire.page(call, found, lambda each: shown.thread(each, states, _link(call)), meta=meta)


@routes.get(_THREAD)
def get_thread(call: Call, thread_id: str) -> Answer:
    mailbox = mailbox_of_key(call)
    thread = mailbox_threads.find_thread(call.world, mailbox, thread_id)
    found, states = mailbox_threads.conversation(call.world, thread), _states(call, mailbox)
    answer = wire.ok(call, shown.thread_detail(found, states, _link(call)))
    fresh = bool(found.messages[-1].mail.body.attachments)
    return wire.with_etag(call, answer, shown.thread_detail(found, states), fresh=fresh)


@routes.get(f"{_THREAD}/messages")
def list_thread_messages(call: Call, thread_id: str) -> Answer:
    mailbox = mailbox_of_key(call)
    thread = mailbox_threads.find_thread(call.world, mailbox, thread_id)
    found = mailbox_threads.list_thread_messages(call.world, thread, call.query, call.cursor())
    meta = {"thread_id": thread.id, **_sync_state(call, mailbox)}
    return wire.page(call, found, lambda item: shown.message(item, _link(call)), meta=meta)


@routes.get(f"{_THREAD}/content")
def get_thread_content(call: Call, thread_id: str) -> Answer:
    mailbox, options = mailbox_of_key(call), options_of(call.query, THREAD_CHARS)
    thread, states = mailbox_threads.find_thread(call.world, mailbox, thread_id), _states(call, mailbox)
    found = mailbox_threads.list_thread_messages(call.world, thread, call.query, call.cursor())
    meta = {
        "thread_id": thread.id,
        "participants": shown.thread_participants(threads.messages_of(call.world, thread)),
        "states": {**shown.thread_states(states), "option_hash": options.hash},
    }
    state = states["messages"]
    answer = wire.page(call, found, lambda each: shown.content(each, options, state, _link(call)), meta=meta)
    stable = [shown.content(each, options, state) for each in found.records]
    fresh = any(each["attachments"] for each in stable)
    return wire.with_etag(call, answer, [stable, meta, found.next_key is None], fresh=fresh)


# Changes, events and submissions


@routes.get(f"{_API}/changes")
def get_changes(call: Call) -> Answer:
    types = call.query.get("types")
    if types is None:
        return _changes(call, "messages")
    mailbox, query, names = mailbox_of_key(call), call.query, list(filter(None, types.split(",")))
    unknown = [name for name in names if name not in mailbox_changes.TYPES]
    if unknown or not names:
        raise Problem("refused", f"types is a list of {', '.join(mailbox_changes.TYPES)}")
    found = {
        name: mailbox_changes.changes(call.world, mailbox, name, query.get(f"{name}_since_state"), query["limit"])
        for name in names
    }
    return wire.ok(call, {"types": {name: shown.changes(each) for name, each in found.items()}})


@routes.get(f"{_API}/events")
def stream_events(call: Call) -> Answer:
    world, link, listener = call.world, _link(call), _listener(call)
    with world.step():
        mailbox_of_key(call)

    def find() -> Mailbox:
        if access.admit(call).revoked:
            raise Problem("unauthorized", "The API key was revoked")
        return mailbox_of_key(call)

    def write(event_type: str, item: Message | None) -> dict[str, Any]:
        at = wire.time(world.now() if item is None else item.created_at)
        return shown.event(event_type, mailbox_of_key(call), at, item, link)

    frames: Iterator[bytes] = mailbox_events.stream(world, find, listener, write)
    return Answer(frames, 200, {"Content-Type": "text/event-stream; charset=utf-8"})


@routes.get(f"{_API}/submissions")
def list_submissions(call: Call) -> Answer:
    mailbox = mailbox_of_key(call)
    found = submissions.list_submissions(call.world, mailbox, call.query, call.cursor())
    meta = _query_state(call, mailbox, "submissions")
    return wire.page(call, found, lambda item: _submission_json(call, item), meta=meta)


@routes.get(f"{_API}/submissions/changes")
def get_submission_changes(call: Call) -> Answer:
    return _changes(call, "submissions")


@routes.get(f"{_API}/submissions/<submission_id>")
def get_submission(call: Call, submission_id: str) -> Answer:
    found = submissions.find_submission(call.world, mailbox_of_key(call), submission_id)
    return wire.tagged(call, _submission_json(call, found))


@routes.get(f"{_API}/quotas/changes")
def get_quota_changes(call: Call) -> Answer:
    return _changes(call, "quotas")


def _listener(call: Call) -> Listener:
    query, known = call.query, (mailbox_events.RECEIVED, mailbox_events.SPAM)
    types = list(filter(None, query.get("event_types", ",".join(known)).split(",")))
    if not types or any(name not in known for name in types):
        raise Problem("refused", f"event_types is a list of {' and '.join(known)}")
    longest = timedelta(milliseconds=setting(call.world, "max_stream_ms"))
    return Listener(
        types=frozenset(types),
        last_event_id=call.headers.get("Last-Event-ID") or query.get("last_event_id"),
        ping=timedelta(seconds=query["ping"]),
        close_after=min(longest, timedelta(seconds=query["close_after"])),
    )


def _message(call: Call, message_id: str) -> Message:
    return mailbox_messages.find_message(call.world, mailbox_of_key(call), message_id)


def _link(call: Call) -> shown.Links:
    return lambda message, index: call.file_url(files.sign(call.world, message.id, index, _LINK_LIFETIME))


def _check_size(size: float) -> None:
    if size > MAX_UPLOAD:
        raise Problem("too_large", f"A file may have {MAX_UPLOAD} bytes, this one has {size}")
    if size == 0:
        raise Problem("refused", "The file is empty")


def _folder_json(call: Call, mailbox: Mailbox, folder_id: str) -> dict[str, Any]:
    folder = mailbox_folders.find_folder(call.world, mailbox, folder_id)
    return shown.folder(mailbox_folders.listed(call.world, mailbox, folder))


def _identity(call: Call, mailbox: Mailbox) -> dict[str, Any]:
    return shown.identity(mailbox, mailbox_identity.signatures_of(call.world, mailbox))


def _submission_json(call: Call, item: Submission) -> dict[str, Any]:
    world = call.world
    progress, reports = submissions.progress_of(world, item), submissions.reports_on(world, item)
    return shown.submission(item, progress, submissions.undo_status(world, item), reports)


def _states(call: Call, mailbox: Mailbox) -> Mapping[str, str]:
    return {name: mailbox_changes.state(call.world, mailbox, name) for name in mailbox_changes.TYPES}


def _sync_state(call: Call, mailbox: Mailbox) -> dict[str, str]:
    return {"sync_state": mailbox_changes.state(call.world, mailbox, "messages")}


def _query_state(call: Call, mailbox: Mailbox, name: str) -> dict[str, str]:
    return {"query_state": mailbox_changes.state(call.world, mailbox, name)}


def _changes(call: Call, name: str) -> Answer:
    mailbox = mailbox_of_key(call)
    since, limit = call.query.get("since_state"), call.query["limit"]
    return wire.ok(call, shown.changes(mailbox_changes.changes(call.world, mailbox, name, since, limit)))
