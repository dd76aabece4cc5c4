"""Imports: a file of old mail is uploaded, and comes into a mailbox as if it had always been there."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, Final

from emulator.mail import MAILBOXES, MESSAGES, Mail, Mailbox, Message, addresses, threads
from emulator.mail.filing import deposit
from emulator.provider import MEGABYTE, Problem, retry_after
from emulator.providers.inkbox.resources import Organization
from emulator.providers.inkbox.settings import NAME, setting
from emulator.world import Collection, Order, Page, World
from emulator.world.agenda import handler, schedule
from emulator.world.ordered import Key

UPLOAD_LIFETIME: Final = timedelta(minutes=5)

_RUN: Final = "inkbox.import"
_FINISH: Final = "inkbox.import_done"
_DAY: Final = timedelta(hours=24)
_MAX_MESSAGE: Final = 50 * MEGABYTE
_MAX_MESSAGES: Final = 100_000
_MAX_ENTRIES: Final = 65_000
_MAX_UNPACKED: Final = 1024 * MEGABYTE
_SEPARATOR: Final = re.compile(rb"(?m)^From [^\n]*\n")
_UNSAFE: Final = (".exe", ".bat", ".scr")
_ENDED: Final = ("completed", "failed", "cancelled")
_COUNTED: Final = ("processed", "imported", "skipped_duplicate", "failed", "rejected_unsafe")


class NoMailError(Exception):
    """A file cannot be read as what it is said to be."""


@dataclass(frozen=True, slots=True)
class Job:
    """An import into a mailbox. `token` opens its upload until `upload_until`; `data` is what was uploaded.

    `counts` say what became of the messages, in the order of `_COUNTED`.
    """

    id: str
    mailbox_id: str
    account_id: str
    source_format: str
    original_addresses: tuple[str, ...] | None
    mark_as_read: bool
    token: str
    upload_until: datetime
    created_at: datetime
    updated_at: datetime
    n: int
    status: str = "pending_upload"
    data: bytes | None = None
    upload_size: int | None = None
    counts: tuple[int, ...] = (0,) * len(_COUNTED)
    error: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """Which job a message came with; `id` is the message's."""

    id: str
    job_id: str


JOBS: Collection[Job] = Collection(
    "inkbox.import_jobs",
    ordered={
        "of_mailbox": Order(groups=lambda j: (j.mailbox_id,), sort=lambda j: (j.created_at, j.n)),
        "of_account": Order(groups=lambda j: (j.account_id,), sort=lambda j: (j.created_at, j.n)),
    },
)
IMPORTED: Collection[Imported] = Collection("inkbox.imported")


def job_of(world: World, message: Message) -> str | None:
    """Return the id of the job that a message came with, if it did."""
    found = world.store.get(IMPORTED, message.id)
    return None if found is None else found.job_id


def counted(job: Job) -> dict[str, int]:
    """Return what became of the messages of a job, by the API's names."""
    return {f"messages_{name}": count for name, count in zip(_COUNTED, job.counts, strict=True)}


def create_job(world: World, organization: Organization, mailbox: Mailbox, body: Mapping[str, Any]) -> Job:
    """Begin an import; 409 while another one of the mailbox lasts, 429 after the last one of 24 hours."""
    if any(job.status not in _ENDED for job in world.store.each(JOBS, "of_mailbox", mailbox.id)):
        raise Problem("conflict", "The mailbox has an import that has not ended")
    _check_quota(world, organization)
    now, given = world.now(), body.get("original_addresses")
    job = Job(
        id=world.new_id(NAME, "import_job", mailbox.id),
        mailbox_id=mailbox.id,
        account_id=organization.id,
        source_format=body.get("source_format", "auto"),
        original_addresses=None if given is None else tuple(addresses.unique(given)),
        mark_as_read=body.get("mark_as_read", True),
        token=world.new_id(NAME, "upload_token", mailbox.id),
        upload_until=now + UPLOAD_LIFETIME,
        created_at=now,
        updated_at=now,
        n=world.store.tick(JOBS.name, mailbox.id),
    )
    return world.store.add(JOBS, job)


def list_jobs(world: World, mailbox: Mailbox, limit: int, after: Key | None) -> Page[Job]:
    """Return a page of the imports into a mailbox, newest first."""
    return world.store.page(JOBS, "of_mailbox", mailbox.id, limit=limit, after=after)


def find_job(world: World, mailbox: Mailbox, job_id: str) -> Job:
    """Return an import by id; 404 if there is none."""
    job = world.store.get(JOBS, job_id.lower())
    if job is None or job.mailbox_id != mailbox.id:
        raise Problem("not_found", "Import job not found")
    return job


def refresh_upload(world: World, job: Job) -> Job:
    """Give an import another token for its upload; 409 once it was started."""
    _must_be(job, "pending_upload")
    token = world.new_id(NAME, "upload_token", job.mailbox_id)
    return _put(world, replace(job, token=token, upload_until=world.now() + UPLOAD_LIFETIME))


def upload(world: World, job_id: str, token: str, data: bytes) -> None:
    """Take the file of an import; 404 for no import, 403 for a wrong or old token, 409 once it was started."""
    job = world.store.get(JOBS, job_id)
    if job is None:
        raise Problem("not_found", "There is no such upload")
    if not hmac.compare_digest(token.encode(), job.token.encode()) or world.now() >= job.upload_until:
        raise Problem("forbidden", "The upload target is not valid, or has expired")
    _must_be(job, "pending_upload")
    _put(world, replace(job, data=data, upload_size=len(data)))


def start_job(world: World, job: Job) -> Job:
    """Queue an import; 409 if nothing was uploaded, or it was started already."""
    _must_be(job, "pending_upload")
    if job.data is None:
        raise Problem("conflict", "Nothing was uploaded yet")
    schedule(world, world.now(), _RUN, job.id)
    return _put(world, replace(job, status="queued"))


def cancel_job(world: World, job: Job) -> Job:
    """End an import early; 409 if it has ended."""
    if job.status in _ENDED:
        raise Problem("conflict", f"The import is {job.status}")
    return _put(world, replace(job, status="cancelled", data=None, finished_at=world.now()))


@handler(_RUN)
def _run(world: World, job_id: str) -> None:
    job = world.store.get(JOBS, job_id)
    if job is not None and job.status == "queued":
        _put(world, replace(job, status="running", started_at=world.now()))
        schedule(world, world.now(), _FINISH, job.id)


@handler(_FINISH)
def _finish(world: World, job_id: str) -> None:
    job = world.store.get(JOBS, job_id)
    box = None if job is None else world.store.get(MAILBOXES, job.mailbox_id)
    if job is None or job.status != "running" or box is None or job.data is None:
        return
    counts, error = dict.fromkeys(_COUNTED, 0), None
    try:
        for raw in _messages(job.source_format, job.data):
            counts["processed"] += 1
            counts[_take_in(world, job, box, raw)] += 1
    except NoMailError as failure:
        error = str(failure)
    status = "completed" if error is None else "failed"
    done = replace(job, status=status, error=error, counts=tuple(counts.values()), data=None, finished_at=world.now())
    _put(world, done)


def _take_in(world: World, job: Job, box: Mailbox, raw: bytes) -> str:
    """File one mail, and return what it counts as."""
    mail = Mail(raw)
    if len(raw) > _MAX_MESSAGE or not mail.lines:
        return "failed"
    if any((part.filename or "").lower().endswith(_UNSAFE) for part in mail.body.attachments):
        return "rejected_unsafe"
    if mail.message_id is not None and threads.find_by_message_id(world, box.id, mail.message_id) is not None:
        return "skipped_duplicate"
    own = {addresses.normalize(one) for one in (box.address, *(job.original_addresses or ()))}
    by_owner = any(addresses.normalize(one) in own for one in mail.bare_addresses("from"))
    message = deposit(world, box, mail, "outbound" if by_owner else "inbound", _date(world, mail))
    world.store.add(IMPORTED, Imported(message.id, job.id))
    if job.mark_as_read:
        world.store.put(MESSAGES, replace(message, is_read=True))
    return "imported"


def _date(world: World, mail: Mail) -> datetime:
    """Return when a mail came: as it says itself, but not later than now."""
    written = mail.date
    if written is None:
        return world.now()
    aware = written if written.tzinfo else written.replace(tzinfo=UTC)
    return min(aware.astimezone(UTC), world.now())


# Files


def _messages(source_format: str, data: bytes) -> Iterator[bytes]:
    """Yield the mails of a file; NoMailError if it cannot be read as what it is said to be, or holds too many."""
    kind = _kind(data) if source_format == "auto" else source_format
    if kind != _kind(data) and kind != "eml":
        raise NoMailError(f"The file is no {kind}")
    for n, raw in enumerate({"eml": _of_eml, "mbox": _of_mbox, "zip": _of_zip}[kind](data)):
        if n == _MAX_MESSAGES:
            raise NoMailError(f"The file holds more than {_MAX_MESSAGES} messages")
        yield raw


def _kind(data: bytes) -> str:
    if data.startswith(b"PK"):
        return "zip"
    return "mbox" if data.startswith(b"From ") else "eml"


def _of_eml(data: bytes) -> Iterator[bytes]:
    yield data


def _of_mbox(data: bytes) -> Iterator[bytes]:
    starts = [found for found in _SEPARATOR.finditer(data) if _after_blank(data, found.start())]
    for found, following in zip(starts, [*starts[1:], None], strict=True):
        end = len(data) if following is None else following.start()
        # A line that begins with From was quoted with > when the file was written.
        yield re.sub(rb"(?m)^>(>*From )", rb"\1", data[found.end() : end]).rstrip(b"\r\n") + b"\r\n"


def _after_blank(data: bytes, start: int) -> bool:
    return start == 0 or data[max(0, start - 3) : start].endswith((b"\n\n", b"\n\r\n"))


def _of_zip(data: bytes) -> Iterator[bytes]:
    import zipfile

    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > _MAX_ENTRIES or sum(entry.file_size for entry in entries) > _MAX_UNPACKED:
                raise NoMailError("The archive is too large")
            for entry in entries:
                if entry.filename.lower().endswith((".eml", ".mbox")):
                    inner = archive.read(entry)
                    yield from _of_mbox(inner) if _kind(inner) == "mbox" else _of_eml(inner)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError):
        raise NoMailError("The archive cannot be read") from None


def _check_quota(world: World, organization: Organization) -> None:
    allowed, since = setting(world, "imports_per_day"), world.now() - _DAY
    recent = [job for job in world.store.each(JOBS, "of_account", organization.id) if job.created_at > since]
    if len(recent) < allowed:
        return
    wait = recent[len(recent) - allowed].created_at + _DAY - world.now() if allowed else _DAY
    headers = retry_after(wait)
    raise Problem(
        "rate_limited",
        f"At most {allowed} imports in 24 hours",
        code="mail_import_quota_exceeded",
        headers=headers,
        details={"retry_after_seconds": int(headers["Retry-After"])},
    )


def _must_be(job: Job, status: str) -> None:
    if job.status != status:
        raise Problem("conflict", f"The import is {job.status}, not {status}")


def _put(world: World, job: Job) -> Job:
    return world.store.put(JOBS, replace(job, updated_at=world.now()))
