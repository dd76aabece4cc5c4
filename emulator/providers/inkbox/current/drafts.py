"""Drafts: mail that may be incomplete, edited under an optimistic lock, its `generation`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from emulator.mail import THREADS, Attachment, Draft, Mailbox, Message, addresses, replies
from emulator.provider import Problem, invalid
from emulator.providers.inkbox.current import messages
from emulator.providers.inkbox.current.messages import Outgoing
from emulator.providers.inkbox.messages import answered, check_size, find_message, find_thread
from emulator.providers.inkbox.settings import NAME
from emulator.world import Collection, Order, Page, World
from emulator.world.ordered import Key


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """A draft of a mailbox. `answers` is the Message-ID that it answers, or the id of a message.

    One that forwards a message has its text below the notes, and its attachments. `sent_id` is the message that it
    became; such a draft is kept for whoever sends it once more, and shown to nobody. `copy_id` is the mail in the
    Drafts folder, where mail programs see it.
    """

    id: str
    mailbox_id: str
    generation: int
    created_at: datetime
    updated_at: datetime
    n: int
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    subject: str | None = None
    body_text: str | None = None
    body_html: str | None = None
    reply_to: str | None = None
    thread_id: str | None = None
    answers: str | None = None
    references: tuple[str, ...] = ()
    track_opens: bool = False
    attachments: tuple[Attachment, ...] = ()
    forwards_id: str | None = None
    forward_mode: str = "inline"
    note_text: str | None = None
    note_html: str | None = None
    sent_id: str | None = None
    copy_id: str | None = None


DRAFTS: Collection[SavedDraft] = Collection(
    "inkbox.drafts",
    ordered={
        "of_mailbox": Order(groups=lambda d: () if d.sent_id else (d.mailbox_id,), sort=lambda d: (d.created_at, d.n))
    },
)

_FIELDS: Final = {
    "subject": "subject",
    "body_text": "body_text",
    "body_html": "body_html",
    "reply_to": "reply_to",
    "in_reply_to_message_id": "answers",
    "forward_note_text": "note_text",
    "forward_note_html": "note_html",
}
"""The fields that are taken as they are, by the API's name."""


def create_draft(world: World, mailbox: Mailbox, body: Mapping[str, Any]) -> SavedDraft:
    """Save a draft; 404 for a message or a thread that is not there, 422 for wrong attachments."""
    draft = _changed(world, mailbox, empty(world, mailbox), body)
    parts = messages.attachments(body.get("attachments") or (), html=draft.body_html)
    if body.get("forward_message_id"):
        draft, carried = _forwarding(world, mailbox, draft, body)
        parts = (*carried, *parts)
    check_size(parts)
    return world.store.add(DRAFTS, replace(draft, attachments=parts))


def list_drafts(world: World, mailbox: Mailbox, limit: int, after: Key | None) -> Page[SavedDraft]:
    """Return a page of the drafts of a mailbox, newest first."""
    return world.store.page(DRAFTS, "of_mailbox", mailbox.id, limit=limit, after=after)


def find_draft(world: World, mailbox: Mailbox, draft_id: str, generation: int | None = None) -> SavedDraft:
    """Return a draft by id; 404 if there is none, 409 if it has another generation than the one that is known."""
    draft = world.store.get(DRAFTS, draft_id.lower())
    if draft is None or draft.mailbox_id != mailbox.id or draft.sent_id is not None:
        raise Problem("not_found", "Draft not found")
    if generation not in (None, draft.generation):
        message = f"The draft has generation {draft.generation}, not {generation}"
        raise Problem("conflict", message, code="draft_generation_conflict")
    return draft


def update_draft(world: World, mailbox: Mailbox, draft: SavedDraft, changes: Mapping[str, Any]) -> SavedDraft:
    """Change what is supplied, null clears; 404 for a thread that is not there."""
    changed = _changed(world, mailbox, draft, changes)
    if draft.forwards_id and {"forward_note_text", "forward_note_html"} & changes.keys():
        original = find_message(world, mailbox, draft.forwards_id)
        carried = _carry(original, changed, originals=False)
        changed = replace(changed, body_text=carried.text, body_html=carried.html)
    return _edited(world, changed)


def delete_draft(world: World, draft: SavedDraft) -> None:
    """Delete a draft."""
    world.store.remove(DRAFTS, draft.id)


def duplicate_draft(world: World, mailbox: Mailbox, draft: SavedDraft) -> SavedDraft:
    """Make a copy of a draft, which is edited and sent by itself."""
    new = empty(world, mailbox)
    copy = replace(
        draft, copy_id=None, id=new.id, generation=1, created_at=new.created_at, updated_at=new.updated_at, n=new.n
    )
    return world.store.add(DRAFTS, copy)


def add_attachments(world: World, draft: SavedDraft, given: list[Mapping[str, str]]) -> SavedDraft:
    """Add attachments to a draft; 422 if they are too large, or one cannot be shown inline."""
    parts = (*draft.attachments, *messages.attachments(given, html=draft.body_html))
    check_size(parts)
    return _edited(world, replace(draft, attachments=parts))


def find_attachment(draft: SavedDraft, part_index: str) -> int:
    """Return the index of an attachment as the path names it; 404 if there is none."""
    if not (part_index.isascii() and part_index.isdigit() and len(part_index) < 4):
        raise Problem("not_found", "Attachment not found")
    index = int(part_index)
    if index >= len(draft.attachments):
        raise Problem("not_found", "Attachment not found")
    return index


def remove_attachment(world: World, draft: SavedDraft, index: int) -> SavedDraft:
    """Remove an attachment from a draft."""
    kept = draft.attachments[:index] + draft.attachments[index + 1 :]
    return _edited(world, replace(draft, attachments=kept))


def sent_before(world: World, mailbox: Mailbox, draft_id: str, generation: int) -> str | None:
    """Return the id of the message that this generation of a draft became, if it was sent."""
    draft = world.store.get(DRAFTS, draft_id.lower())
    if draft is None or (draft.mailbox_id, draft.generation) != (mailbox.id, generation):
        return None
    return draft.sent_id


def outgoing(world: World, mailbox: Mailbox, draft: SavedDraft) -> Outgoing:
    """Return the mail that a draft describes."""
    parent, in_reply_to, references = answered(world, mailbox, draft.answers)
    thread_id = parent.thread_id if parent else draft.thread_id
    written = Draft(
        sender=mailbox.address,
        sender_name=mailbox.display_name,
        to=list(draft.to),
        cc=list(draft.cc),
        bcc=list(draft.bcc),
        reply_to=[draft.reply_to] if draft.reply_to else [],
        subject=draft.subject or "",
        text=draft.body_text,
        html=draft.body_html,
        in_reply_to=in_reply_to,
        references=list(draft.references) or references,
        attachments=draft.attachments,
    )
    there = thread_id if thread_id and world.store.get(THREADS, thread_id) else None
    return Outgoing(written, there, draft.track_opens, forwards=draft.forwards_id is not None)


def became(world: World, draft: SavedDraft, message_id: str) -> None:
    """Note that a draft was sent."""
    emptied = replace(draft, attachments=(), body_text=None, body_html=None, sent_id=message_id)
    world.store.put(DRAFTS, emptied)


def message_id(mailbox: Mailbox, draft: SavedDraft) -> str:
    """Return the Message-ID of a draft in the Drafts folder."""
    return f"<{draft.id}@{addresses.domain(mailbox.address)}>"


def in_reply_to(world: World, mailbox: Mailbox, draft: SavedDraft) -> str | None:
    """Return the Message-ID that a draft answers."""
    return answered(world, mailbox, draft.answers)[1]


def empty(world: World, mailbox: Mailbox) -> SavedDraft:
    """Return a new draft that says nothing and is not kept yet."""
    now = world.now()
    n = world.store.tick(DRAFTS.name, mailbox.id)
    return SavedDraft(world.new_id(NAME, "draft", mailbox.id), mailbox.id, 1, now, now, n)


def _edited(world: World, draft: SavedDraft) -> SavedDraft:
    return world.store.put(DRAFTS, replace(draft, generation=draft.generation + 1, updated_at=world.now()))


def _changed(world: World, mailbox: Mailbox, draft: SavedDraft, given: Mapping[str, Any]) -> SavedDraft:
    changes: dict[str, Any] = {ours: given[theirs] for theirs, ours in _FIELDS.items() if theirs in given}
    if "recipients" in given:
        people = given["recipients"] or dict.fromkeys(("to", "cc", "bcc"))
        changes |= {name: tuple(addresses.unique(people[name] or ())) for name in people}
    if "references" in given:
        changes["references"] = tuple(given["references"] or ())
    if "track_opens" in given:
        changes["track_opens"] = given["track_opens"]
    if "thread_id" in given:
        wanted = given["thread_id"]
        changes["thread_id"] = None if wanted is None else find_thread(world, mailbox, wanted).id
    return replace(draft, **changes)


def _forwarding(
    world: World, mailbox: Mailbox, draft: SavedDraft, body: Mapping[str, Any]
) -> tuple[SavedDraft, tuple[Attachment, ...]]:
    """Return a draft that forwards a message, with its body as the note, and what it has of its attachments."""
    if any("content_id" in each for each in body.get("attachments") or ()):
        raise invalid("attachments", "Inline images cannot be forwarded", None)
    original = find_message(world, mailbox, body["forward_message_id"])
    draft = replace(
        draft,
        forwards_id=original.id,
        forward_mode=body.get("forward_mode", "inline"),
        note_text=draft.body_text if draft.note_text is None else draft.note_text,
        note_html=draft.body_html if draft.note_html is None else draft.note_html,
    )
    carried = _carry(original, draft, originals=body.get("include_original_attachments", True))
    subject = replies.forward_subject(original.mail.subject) if draft.subject is None else draft.subject
    return replace(draft, subject=subject, body_text=carried.text, body_html=carried.html), carried.attachments


def _carry(original: Message, draft: SavedDraft, *, originals: bool) -> messages.Carried:
    return messages.carry(original, draft.forward_mode, draft.note_text, draft.note_html, originals=originals)
