"""myagentmail's drafts: mail that is written and not yet sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from emulator.mail import MESSAGES, Draft, Message, replies
from emulator.mail.postoffice import send
from emulator.provider import Problem
from emulator.providers.myagentmail.messages import Window, as_list, find_message
from emulator.providers.myagentmail.resources import Inbox, mailbox_of
from emulator.providers.myagentmail.settings import NAME
from emulator.world import Collection, Order, World


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """A draft of an inbox. `reply_to_message_id` is the message that it answers."""

    id: str
    inbox_id: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    subject: str | None
    plain_body: str | None
    html_body: str | None
    reply_to_message_id: str | None
    created_at: datetime
    updated_at: datetime
    n: int


DRAFTS: Collection[SavedDraft] = Collection(
    "myagentmail.drafts",
    ordered={"of_inbox": Order(groups=lambda d: (d.inbox_id,), sort=lambda d: (d.created_at, d.n))},
)

_TEXTS = {"subject": "subject", "plainBody": "plain_body", "htmlBody": "html_body"}


def create_draft(world: World, inbox: Inbox, body: Mapping[str, Any]) -> SavedDraft:
    """Save a draft; 404 if it answers a message that the inbox does not have."""
    now = world.now()
    empty = SavedDraft(
        id=world.new_id(NAME, "draft", inbox.id),
        inbox_id=inbox.id,
        to=(),
        cc=(),
        bcc=(),
        subject=None,
        plain_body=None,
        html_body=None,
        reply_to_message_id=None,
        created_at=now,
        updated_at=now,
        n=world.store.tick(DRAFTS.name, inbox.id),
    )
    return world.store.add(DRAFTS, _changed(world, inbox, empty, body))


def list_drafts(world: World, inbox: Inbox, window: Window) -> list[SavedDraft]:
    """Return a part of the drafts of an inbox, newest first."""
    return world.store.newest(DRAFTS, "of_inbox", inbox.id, start=window.offset, count=window.limit)


def find_draft(world: World, inbox: Inbox, draft_id: str) -> SavedDraft:
    """Return a draft of an inbox by id; 404 if there is none."""
    draft = world.store.get(DRAFTS, draft_id.lower())
    if draft is None or draft.inbox_id != inbox.id:
        raise Problem("not_found", "Draft not found")
    return draft


def update_draft(world: World, inbox: Inbox, draft: SavedDraft, changes: Mapping[str, Any]) -> SavedDraft:
    """Change what is supplied, null empties; 404 if it then answers a message that the inbox does not have."""
    return world.store.put(DRAFTS, replace(_changed(world, inbox, draft, changes), updated_at=world.now()))


def delete_draft(world: World, draft: SavedDraft) -> None:
    """Delete a draft."""
    world.store.remove(DRAFTS, draft.id)


def send_draft(world: World, inbox: Inbox, saved: SavedDraft) -> Message:
    """Send a draft, in the thread that it answers, and delete it; 400 if it goes to nobody."""
    if not (saved.to or saved.cc or saved.bcc):
        raise Problem("refused", "The draft has no recipient")
    mailbox, answered = mailbox_of(world, inbox), _answered(world, saved)
    draft = Draft(
        sender=inbox.primary,
        sender_name=mailbox.display_name,
        to=list(saved.to),
        cc=list(saved.cc),
        bcc=list(saved.bcc),
        subject=saved.subject,
        text=saved.plain_body,
        html=saved.html_body,
    )
    if answered is not None:
        in_reply_to, references = replies.ancestry(answered)
        subject = replies.reply_subject(answered.mail.subject) if saved.subject is None else saved.subject
        draft = replace(draft, subject=subject, in_reply_to=in_reply_to, references=references)
    delete_draft(world, saved)
    return send(world, mailbox, draft, None if answered is None else answered.thread_id)


def _answered(world: World, saved: SavedDraft) -> Message | None:
    # Not find_message: one that was deleted meanwhile is still in its thread.
    return None if saved.reply_to_message_id is None else world.store.get(MESSAGES, saved.reply_to_message_id)


def _changed(world: World, inbox: Inbox, draft: SavedDraft, given: Mapping[str, Any]) -> SavedDraft:
    changes: dict[str, Any] = {ours: given[theirs] for theirs, ours in _TEXTS.items() if theirs in given}
    changes |= {name: tuple(as_list(given[name])) for name in ("to", "cc", "bcc") if name in given}
    if "replyToMessageId" in given:
        wanted = given["replyToMessageId"]
        changes["reply_to_message_id"] = None if wanted is None else find_message(world, inbox, wanted).id
    return replace(draft, **changes)
