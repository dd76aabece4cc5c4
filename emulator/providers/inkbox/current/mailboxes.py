"""What a mailbox is beside its mail: its signature, and how much it may hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Final, NamedTuple

from emulator.mail import MAILBOXES, Draft, Mailbox
from emulator.mail.filing import used_bytes
from emulator.mail.parse import plain
from emulator.provider import Problem
from emulator.providers.inkbox.current import rules
from emulator.providers.inkbox.current.access import Caller, identity_of
from emulator.providers.inkbox.resources import IDENTITIES
from emulator.providers.inkbox.settings import setting
from emulator.world import Collection, World

_ACTIVE_CONTENT: Final = re.compile(r"(?si)<(script|style)\b.*?(?:</\1\s*>|\Z)")
_FOOTER: Final = "Sent with Inkbox"
_UPGRADE_URL: Final = "https://inkbox.ai/console?tab=billing"


@dataclass(frozen=True, slots=True)
class Signature:
    """What is written below the mail of a mailbox while it is enabled; `id` is the mailbox's."""

    id: str
    html: str | None = None
    text: str | None = None
    enabled: bool = False


class Notice(NamedTuple):
    """What changing a filter mode left behind: active rules that say what happens anyhow."""

    mode: str
    action: str
    rules: int


SIGNATURES: Collection[Signature] = Collection("inkbox.signatures")


def signature_of(world: World, mailbox: Mailbox) -> Signature:
    """Return the signature of a mailbox."""
    return world.store.get(SIGNATURES, mailbox.id) or Signature(mailbox.id)


def update_mailbox(
    world: World, who: Caller, mailbox: Mailbox, changes: Mapping[str, Any]
) -> tuple[Mailbox, Notice | None]:
    """Change filter mode and signature; 403 for the mode with a key of one identity, 402 for a signature unpaid."""
    notice = _change_mode(world, who, mailbox, changes["filter_mode"]) if "filter_mode" in changes else None
    _change_signature(world, mailbox, changes)
    return world.store.put(MAILBOXES, replace(mailbox, updated_at=world.now())), notice


def check_storage(world: World, mailbox: Mailbox) -> None:
    """Refuse with 402 what makes a mailbox hold more than it may."""
    limit = setting(world, "storage_limit_bytes")
    if used_bytes(world, mailbox) <= limit:
        return
    message = f"The mailbox is at its storage limit of {limit} bytes; delete messages or upgrade the plan"
    details = {"upgrade_url": _UPGRADE_URL, "limit_bytes": limit}
    raise Problem("payment_required", message, code="storage_limit_exceeded", details=details)


def finished(world: World, mailbox: Mailbox, draft: Draft) -> Draft:
    """Return a draft as it is sent: with the signature, and with the footer of a plan that is not paid."""
    signature = signature_of(world, mailbox)
    if signature.enabled:
        text = signature.text or (plain(signature.html).strip() if signature.html else None)
        draft = _below(draft, f"-- \n{text}" if text else None, signature.html or (text and _as_html(text)))
    if not setting(world, "paid_plan"):
        draft = _below(draft, _FOOTER, f"<p>{_FOOTER}</p>")
    return draft


def _below(draft: Draft, text: str | None, html: str | None) -> Draft:
    """Add a text below the text of a draft, and HTML below its HTML; one without any body gets the text."""
    if text is None and html is None:
        return draft
    if draft.html is not None:
        draft = replace(draft, html=within_body(draft.html, html or ""))
    if draft.text is not None or draft.html is None:
        draft = replace(draft, text="\n\n".join(filter(None, (draft.text, text))))
    return draft


def within_body(html: str, more: str) -> str:
    """Return some HTML with more of it at the end of its body."""
    end = html.lower().rfind("</body")
    return html + more if end < 0 else html[:end] + more + html[end:]


def _as_html(text: str) -> str:
    return "<p>" + escape(text).replace("\n", "<br>") + "</p>"


def _change_mode(world: World, who: Caller, mailbox: Mailbox, mode: str) -> Notice | None:
    who.must_be_admin()
    identity = identity_of(world, mailbox)
    if (identity.inbound_mode, identity.outbound_mode) == (mode, mode):
        return None
    world.store.put(IDENTITIES, replace(identity, inbound_mode=mode, outbound_mode=mode, updated_at=world.now()))
    redundant = "block" if mode == "whitelist" else "allow"
    found = [rule for rule in rules.rules_of(world, identity) if rule.action == redundant]
    return Notice(mode, redundant, len(found))


def _change_signature(world: World, mailbox: Mailbox, changes: Mapping[str, Any]) -> None:
    known = signature_of(world, mailbox)
    html = _ACTIVE_CONTENT.sub("", changes.get("signature_html", known.html) or "") or None
    text = changes.get("signature_text", known.text) or None
    if html is not None and "signature_html" in changes and "signature_text" not in changes:
        text = plain(html).strip() or None
    changed = Signature(mailbox.id, html, text, changes.get("signature_enabled", known.enabled))
    sets = any(changes.get(name) for name in ("signature_html", "signature_text", "signature_enabled"))
    if sets and not setting(world, "paid_plan"):
        raise Problem("payment_required", "Signatures are not part of this plan")
    if changed != known:
        is_new = world.store.get(SIGNATURES, mailbox.id) is None
        (world.store.add if is_new else world.store.put)(SIGNATURES, changed)
