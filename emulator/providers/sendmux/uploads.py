"""Files that clients upload before they send them: at once, or by a URL that works without a key."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final, Literal

from emulator.mail import Attachment
from emulator.mail.parse import media_type
from emulator.provider import Problem
from emulator.providers.sendmux.settings import NAME
from emulator.world import Collection, World

Kind = Literal["blob", "attachment"]
"""The Mailbox API calls an uploaded file a blob, the Sending API an attachment; each knows its own alone."""

FILE_LIFETIME: Final = timedelta(hours=24)
INTENT_LIFETIME: Final = timedelta(minutes=15)

# Python's own table: what the machine's files add would make answers differ from one to the next.
_TYPES: Final = mimetypes.MimeTypes()


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a mailbox or team, until it expires."""

    id: str
    owner_id: str
    part: Attachment
    expires_at: datetime

    @property
    def filename(self) -> str:
        """The name it was uploaded under."""
        return self.part.filename or ""


@dataclass(frozen=True, slots=True)
class Intent:
    """A file that somebody may upload with a token. `upload_id` is the file's, once it is there."""

    id: str
    kind: Kind
    owner_id: str
    filename: str
    content_type: str
    size: int
    sha256: str | None
    token: str
    expires_at: datetime
    upload_id: str | None = None


UPLOADS: Collection[Upload] = Collection("sendmux.uploads")
INTENTS: Collection[Intent] = Collection("sendmux.upload_intents")


def add_upload(world: World, kind: Kind, owner_id: str, filename: str, content_type: str | None, data: bytes) -> Upload:
    """Keep a file; without a media type, or with the one that says nothing, the name of the file decides."""
    part = Attachment(filename, type_of(filename, content_type), data)
    upload = Upload(world.new_id(NAME, kind, owner_id), owner_id, part, world.now() + FILE_LIFETIME)
    return world.store.add(UPLOADS, upload)


def get_upload(world: World, owner_id: str, upload_id: str) -> Upload | None:
    """Return a file by id, or None if its owner has none of this id, or it has expired."""
    found = world.store.get(UPLOADS, upload_id)
    return found if found is not None and found.owner_id == owner_id and found.expires_at > world.now() else None


def type_of(filename: str, content_type: str | None) -> str:
    """Return the media type of a file."""
    given = media_type(content_type or "")
    if given != "application/octet-stream":
        return given
    return media_type(_TYPES.guess_type(filename)[0] or "")


def add_intent(
    world: World,
    kind: Kind,
    owner_id: str,
    filename: str,
    content_type: str | None,
    size: int,
    sha256: str | None = None,
) -> Intent:
    """Let a file be uploaded with a token."""
    return world.store.add(
        INTENTS,
        Intent(
            id=world.new_id(NAME, "upload", owner_id),
            kind=kind,
            owner_id=owner_id,
            filename=filename,
            content_type=type_of(filename, content_type),
            size=size,
            sha256=sha256,
            token=world.new_id(NAME, "upload_token", owner_id),
            expires_at=world.now() + INTENT_LIFETIME,
        ),
    )


def find_intent(world: World, kind: Kind, intent_id: str, token: str | None) -> Intent:
    """Return what a token lets somebody upload; 404 if there is no such thing any more, 401 for another token."""
    found = world.store.get(INTENTS, intent_id)
    if found is None or found.kind != kind or found.expires_at <= world.now():
        raise Problem("not_found", "No such upload")
    if token is None or not compare_digest(token.encode(), found.token.encode()):
        raise Problem("unauthorized", "The upload token is not valid")
    return found


def complete(world: World, intent: Intent, data: bytes) -> Upload:
    """Take the file that was announced; 413 for another size, 422 for another hash, 409 if another one is there."""
    if len(data) != intent.size:
        raise Problem("too_large", f"{intent.size} bytes were announced, {len(data)} came")
    if intent.sha256 is not None and hashlib.sha256(data).hexdigest() != intent.sha256:
        raise Problem("invalid", "The bytes have another SHA-256", code="validation_error")
    known = None if intent.upload_id is None else world.store.get(UPLOADS, intent.upload_id)
    if known is None:
        upload = add_upload(world, intent.kind, intent.owner_id, intent.filename, intent.content_type, data)
        world.store.put(INTENTS, replace(intent, upload_id=upload.id))
        return upload
    if known.part.data != data:
        raise Problem("conflict", "Another file was uploaded already")
    return known
