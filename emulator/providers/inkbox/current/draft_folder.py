"""The Drafts folder: mail programs see the drafts of the API in it, and the API those that they put there."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from emulator.mail import MESSAGES, Mail, Mailbox, Message, addresses, folders
from emulator.mail.compose import compose
from emulator.mail.filing import remove_message
from emulator.mail.folders import Folder, Marks
from emulator.providers.inkbox.current import drafts
from emulator.providers.inkbox.current.drafts import DRAFTS, SavedDraft
from emulator.world import World

_MARKS: Final = Marks(read=True, flags=(r"\Draft",))


def show(world: World, mailbox: Mailbox, draft: SavedDraft) -> SavedDraft:
    """Put a draft into the folder as a mail, in the place of what was there of it."""
    written = drafts.outgoing(world, mailbox, draft).draft
    mail = compose(written, message_id=drafts.message_id(mailbox, draft), date=draft.updated_at)
    if draft.bcc:  # only the sender sees a draft
        mail = Mail(f"Bcc: {', '.join(draft.bcc)}\r\n".encode() + mail.raw)
    hide(world, draft)
    copy = folders.keep(world, _folder(mailbox), mail, _MARKS, draft.updated_at)
    return world.store.put(DRAFTS, replace(draft, copy_id=copy.id))


def hide(world: World, draft: SavedDraft) -> None:
    """Take a draft out of the folder."""
    copy = world.store.get(MESSAGES, draft.copy_id or "")
    if copy is not None:
        remove_message(world, copy)


def take_over(world: World, mailbox: Mailbox) -> None:
    """Let the API have what mail programs did: new drafts, other text of a draft, and none where one was deleted."""
    there = {message.id: message for message in folders.messages_in(world, _folder(mailbox))}
    known = {draft.copy_id for draft in world.store.each(DRAFTS, "of_mailbox", mailbox.id)}
    for message in there.values():
        if message.id not in known:
            _adopt(world, mailbox, message)
    for draft in list(world.store.each(DRAFTS, "of_mailbox", mailbox.id)):
        if draft.copy_id not in there:
            drafts.delete_draft(world, draft)


def _adopt(world: World, mailbox: Mailbox, message: Message) -> None:
    """Make a draft of a mail, or change the one that it was written over, which its Message-ID tells."""
    mail = message.mail
    named = (mail.message_id or "").strip("<>").partition("@")[0]
    draft = world.store.get(DRAFTS, named)
    is_new = draft is None or draft.mailbox_id != mailbox.id or draft.sent_id is not None
    if draft is None or is_new:
        draft = drafts.empty(world, mailbox)
    to, cc, bcc, reply_to = (
        tuple(filter(addresses.is_address, mail.bare_addresses(name))) for name in ("to", "cc", "bcc", "reply-to")
    )
    changed = replace(
        draft,
        generation=draft.generation if is_new else draft.generation + 1,
        updated_at=world.now(),
        to=to,
        cc=cc,
        bcc=bcc,
        reply_to=next(iter(reply_to), None),
        subject=mail.subject,
        body_text=mail.body.text,
        body_html=mail.body.html,
        answers=mail.in_reply_to if is_new else draft.answers,
        references=tuple(mail.references) if is_new else draft.references,
        attachments=mail.body.attachments,
        copy_id=message.id,
    )
    (world.store.add if is_new else world.store.put)(DRAFTS, changed)


def _folder(mailbox: Mailbox) -> Folder:
    return Folder(folders.DRAFTS, mailbox.id, "Drafts", folders.DRAFTS)
