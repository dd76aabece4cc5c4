"""Inkbox of today on the wire: mailboxes, messages, threads and identities as JSON, and the error envelope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from emulator.mail import Mailbox, Message, Thread, addresses, replies
from emulator.mail.filing import used_bytes
from emulator.provider import Answer, Problem
from emulator.providers.inkbox import resources
from emulator.providers.inkbox import wire as first
from emulator.providers.inkbox.current import imports, keys, mailboxes, opens, threads
from emulator.providers.inkbox.current.access import Caller, owner_of
from emulator.providers.inkbox.current.domains import SendingDomain
from emulator.providers.inkbox.current.mailboxes import Notice, Signature
from emulator.providers.inkbox.current.messages import display_name
from emulator.providers.inkbox.current.rules import Rule
from emulator.providers.inkbox.resources import Identity
from emulator.providers.inkbox.settings import NAME, setting
from emulator.world import ACCOUNTS, Credential, World, timestamp

_ZONE: Final = "inkboxwire.com"
_CODES: Final = {"idempotency_conflict": "idempotency_key_reused"}
"""Inkbox's word for what the house calls otherwise."""


def moment(at: datetime | None) -> str | None:
    """Return a time as it is written, or None."""
    return None if at is None else timestamp(at)


# Mailboxes


def identity_mailbox(world: World, box: Mailbox) -> dict[str, Any]:
    """Return the mailbox as its identity shows it."""
    return {**_mailbox(world, box), "created_at": timestamp(box.created_at), "updated_at": timestamp(box.updated_at)}


def mailbox(world: World, box: Mailbox) -> dict[str, Any]:
    """Return the mailbox object."""
    storage = {
        "storage_used_bytes": used_bytes(world, box),
        "storage_limit_bytes": setting(world, "storage_limit_bytes"),
    }
    return {**identity_mailbox(world, box), **storage}


def updated_mailbox(world: World, box: Mailbox, notice: Notice | None) -> dict[str, Any]:
    """Return the mailbox after a change, with what a change of the filter mode left behind."""
    shown = notice and {
        "new_filter_mode": notice.mode,
        "redundant_rule_action": notice.action,
        "redundant_rule_count": notice.rules,
    }
    return {**mailbox(world, box), "filter_mode_change_notice": shown}


def _mailbox(world: World, box: Mailbox) -> dict[str, Any]:
    owner = owner_of(world, box)
    inbound, outbound = (owner.inbound_mode, owner.outbound_mode) if owner else ("blacklist", "blacklist")
    return {
        "id": box.id,
        "email_address": box.address,
        "sending_domain": addresses.domain(box.address),
        "agent_identity_id": owner and owner.id,
        "filter_mode": inbound,
        "inbound_filter_mode": inbound,
        "outbound_filter_mode": outbound,
        **_signature(mailboxes.signature_of(world, box)),
    }


def _signature(signature: Signature) -> dict[str, Any]:
    return {
        "signature_html": signature.html,
        "signature_text": signature.text,
        "signature_enabled": signature.enabled,
    }


# Messages and threads


def message(world: World, item: Message) -> dict[str, Any]:
    """Return the message object of lists: no bodies."""
    note = opens.note_of(world, item)
    opened_at, count = (note.opened_at, note.count) if note else (None, 0)
    return {
        **first.message(item),
        "from_display_name": display_name(item),
        "first_opened_at": moment(opened_at),
        "open_count": count,
        "import_job_id": imports.job_of(world, item),
    }


def message_detail(world: World, box: Mailbox, item: Message) -> dict[str, Any]:
    """Return the message object with bodies and headers, and whom a reply to all goes to."""
    to, cc = replies.reply_all_recipients(item, [box.address])
    outbound = item.direction == "outbound"
    ses_message_id = world.derived_id(NAME, "ses_message_id", item.id) if outbound else None
    return {
        **first.message_detail(item, ses_message_id),
        **message(world, item),
        "reply_all_recipients": {"to": to, "cc": cc},
    }


def thread(world: World, item: Thread) -> dict[str, Any]:
    """Return the thread object of lists."""
    shown = first.thread(item)
    del shown["status"]
    return {**shown, "folder": threads.folder_of(world, item)}


def thread_detail(world: World, item: Thread, messages: Sequence[Message]) -> dict[str, Any]:
    """Return the thread object with its messages, oldest first."""
    return {**thread(world, item), "messages": [message(world, each) for each in messages]}


# Identities


def identity(world: World, who: Caller, item: Identity) -> dict[str, Any]:
    """Return the identity object with its channels."""
    box = resources.mailbox_of(world, item)
    return {
        "id": item.id,
        "organization_id": who.organization.organization_id,
        "agent_handle": item.agent_handle,
        "display_name": item.display_name,
        "description": item.description,
        "email_address": box and box.address,
        "imessage_enabled": False,
        "contact_sharing_enabled": True,
        "imessage_filter_mode": "blacklist",
        "mail_filter_mode": item.inbound_mode,
        "mail_inbound_filter_mode": item.inbound_mode,
        "mail_outbound_filter_mode": item.outbound_mode,
        "phone_filter_mode": "blacklist",
        "signing_key_configured": item.signing_key is not None,
        "signing_key_created_at": moment(item.signing_key_at),
        "mailbox": box and identity_mailbox(world, box),
        "phone_number": None,
        "imessage_number": None,
        "tunnel": _tunnel(world, item),
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.updated_at),
    }


def _tunnel(world: World, item: Identity) -> dict[str, Any]:
    return {
        "id": world.derived_id(NAME, "tunnel", item.id),
        "tunnel_name": item.agent_handle,
        "agent_identity_id": item.id,
        "tls_mode": item.tls_mode,
        "status": "active" if item.tls_mode == "edge" else "awaiting_cert",
        "public_host": f"{item.agent_handle}.{_ZONE}",
        "zone": _ZONE,
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.created_at),
    }


# Contact rules and domains


def rule(item: Rule, owner: Mapping[str, Any]) -> dict[str, Any]:
    """Return a contact rule; `owner` is what it is keyed by."""
    return {
        "id": item.id,
        **owner,
        "action": item.action,
        "match_type": item.match_type,
        "match_target": item.target,
        "direction": item.direction,
        "status": "active",
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.updated_at),
    }


def domain(world: World, who: Caller, item: SendingDomain) -> dict[str, Any]:
    """Return a sending domain; one that is verified is so since its organization is there."""
    account = world.store.get(ACCOUNTS, who.organization.id)
    verified_at = account.created_at if account and item.status == "verified" else None
    return {
        "id": world.derived_id(NAME, "sending_domain", item.name),
        "domain": item.name,
        "status": item.status,
        "is_default": item.is_default,
        "verified_at": moment(verified_at),
    }


# Keys


def signing_key(item: Identity) -> dict[str, Any]:
    """Return a signing key in the one answer that shows it."""
    return {"signing_key": item.signing_key, "created_at": moment(item.signing_key_at)}


def signing_key_status(at: datetime | None) -> dict[str, Any]:
    """Tell whether there is a signing key, and since when."""
    return {"configured": at is not None, "created_at": moment(at)}


def whoami(who: Caller, credential: Credential, key_id: str, *, claimed: bool) -> dict[str, Any]:
    """Return what an API key is."""
    kind = "admin_scoped" if who.is_admin else f"agent_scoped.{'claimed' if claimed else 'unclaimed'}"
    shown = first.whoami(credential, key_id, who.organization)
    return {**shown, "auth_subtype": f"api_key.{kind}", "scope": who.identity_id}


def api_key(world: World, who: Caller, key: Credential) -> dict[str, Any]:
    """Return what is shown of an API key; not the key itself."""
    start, end = keys.shown_of(key)
    about = keys.description_of(world, key)
    return {
        "id": keys.key_id(world, key),
        "organization_id": who.organization.organization_id,
        "created_by": about.created_by,
        "creator_type": key.kind,
        "scoped_identity_id": key.subject,
        "label": key.label,
        "description": about.text,
        "status": "active",
        "last4": end,
        "display_prefix": start,
        "last_used_at": moment(key.last_used_at),
        "expires_at": moment(key.expires_at),
        "revoked_at": None,
        "created_at": timestamp(key.created_at),
        "updated_at": timestamp(key.created_at),
    }


# Errors


def problem(error: Problem, request_id: str) -> Answer:
    """Return `{"detail": ...}`: an object for an error that has a word or says more, else as ever."""
    answer = first.problem(error, request_id)
    if answer.status == first.UNPROCESSABLE or not (error.code or error.details):
        return answer
    word = {"error": _CODES.get(error.code, error.code)} if error.code else {}
    return answer._replace(body={"detail": {**word, "message": error.message, **error.details}})
