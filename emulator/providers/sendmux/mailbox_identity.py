"""Under which name a mailbox sends, with which signatures, and how much it may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from emulator.mail import MAILBOXES, Mailbox
from emulator.mail.filing import used_bytes
from emulator.providers.sendmux import resources
from emulator.world import Collection, World


@dataclass(frozen=True, slots=True)
class Signatures:
    """What is written below the mail of a mailbox; `id` is the mailbox's."""

    id: str
    text: str = ""
    html: str = ""


class Quota(NamedTuple):
    """How much a mailbox may hold and holds, in bytes."""

    id: str
    used: int
    limit: int


SIGNATURES: Collection[Signatures] = Collection("sendmux.signatures", logged=lambda s: s.id)

_PREFIX: Final = "mbx_"


def identity_id(mailbox_id: str) -> str:
    """Return the id of the identity of a mailbox."""
    return f"idn_{mailbox_id.removeprefix(_PREFIX)}"


def quota_id(mailbox_id: str) -> str:
    """Return the id of the quota of a mailbox."""
    return f"quota_{mailbox_id.removeprefix(_PREFIX)}"


def signatures_of(world: World, mailbox: Mailbox) -> Signatures:
    """Return the signatures of a mailbox."""
    return world.store.get(SIGNATURES, mailbox.id) or Signatures(mailbox.id)


def update_identity(world: World, mailbox: Mailbox, changes: Mapping[str, Any]) -> Mailbox:
    """Change the sender's name and the signatures, what is supplied; null and an empty text clear them."""
    known = signatures_of(world, mailbox)
    changed = Signatures(
        mailbox.id,
        changes.get("text_signature", known.text) or "",
        changes.get("html_signature", known.html) or "",
    )
    if changed != known:
        is_new = world.store.get(SIGNATURES, mailbox.id) is None
        (world.store.add if is_new else world.store.put)(SIGNATURES, changed)
    name = changes.get("name", mailbox.display_name) or None
    if name == mailbox.display_name:
        return mailbox
    return world.store.put(MAILBOXES, replace(mailbox, display_name=name, updated_at=world.now()))


def quota_of(world: World, mailbox: Mailbox) -> Quota:
    """Return how much a mailbox may hold and holds."""
    limit = resources.plan_of(world, mailbox).quota_bytes
    return Quota(quota_id(mailbox.id), used_bytes(world, mailbox), limit)
