"""Sendmux's Management API on the wire: teams, mailboxes, domains, webhooks, sending accounts and logs as JSON."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from emulator.mail import Mailbox, Message
from emulator.provider import Call
from emulator.providers.sendmux import logs
from emulator.providers.sendmux.domains import Domain
from emulator.providers.sendmux.events import DIALECT
from emulator.providers.sendmux.filters import Filters
from emulator.providers.sendmux.generation import Generation, generation
from emulator.providers.sendmux.keys import Key
from emulator.providers.sendmux.resources import Created, Plan
from emulator.providers.sendmux.sending_accounts import SMTP, SendingAccount
from emulator.providers.sendmux.webhooks import KEPT_FOR, Tried, Webhook
from emulator.providers.sendmux.wire import optional_time, time
from emulator.world import Account

_SERVER: Final = "mail.sendmux.ai"
_IMAP_PORT: Final = 993
_SMTP_PORT: Final = 587
_PREFIX_SHOWN: Final = 12
_SUFFIX_SHOWN: Final = 4
_MAIL_FROM: Final = "feedback-smtp.us-east-1.amazonses.com"
_SPF: Final = "v=spf1 include:amazonses.com ~all"
_FREE: Final = "0.000000"
_PERIODS: Final = ("per_second", "per_minute", "per_hour", "per_day")


# Mailboxes


def mailbox(box: Mailbox, plan: Plan) -> dict[str, Any]:
    """Return the mailbox object."""
    return {
        "id": box.id,
        "email": box.address,
        "display_name": box.display_name,
        "quota_bytes": plan.quota_bytes,
        "send_scope": _send_scope(plan),
        "status": box.status,
        "created_at": time(box.created_at),
    }


def created_mailbox(call: Call, made: Created, plan: Plan) -> dict[str, Any]:
    """Return a new mailbox with its credentials, which are shown here only, or with what went wrong."""
    return {
        "mailbox": mailbox(made.mailbox, plan),
        **_shown_once(call, made.mailbox, made.key),
        "warning": made.warning,
    }


def created_key(call: Call, box: Mailbox, key: Key) -> dict[str, Any]:
    """Return a new key of a mailbox, which is shown here only."""
    return _shown_once(call, box, key)


def filters(item: Filters) -> dict[str, Any]:
    """Return the filters of a mailbox or a domain."""
    rules = [{"type": rule.type, "pattern": rule.pattern, "note": rule.note} for rule in item.rules]
    return {"mode": item.mode, "rules": rules}


def _send_scope(plan: Plan) -> dict[str, Any]:
    scope = plan.send_scope
    given = {"provider_public_ids": scope.provider_ids, "group_public_ids": scope.group_ids}
    return {"type": scope.type, **{name: list(ids) for name, ids in given.items() if ids is not None}}


def _shown_once(call: Call, box: Mailbox, key: Key | None) -> dict[str, Any]:
    if generation(call).one_secret:
        return {"credential": None if key is None else {**_key(key, "secret"), **_servers(call, box)}}
    if key is None:
        return {"api_key": None, "imap_smtp_credentials": None}
    return {"api_key": _key(key, "key"), "imap_smtp_credentials": {**_servers(call, box), "password": key.password}}


def _key(key: Key, name: str) -> dict[str, Any]:
    shown = {"key_prefix": key.secret[:_PREFIX_SHOWN], "key_suffix": key.secret[-_SUFFIX_SHOWN:]}
    return {"public_id": key.id, name: key.secret, **shown}


def _servers(call: Call, box: Mailbox) -> dict[str, Any]:
    smtp, imap = call.doors.get("smtp"), call.doors.get("imaps")
    door = smtp or imap
    return {
        "server": door.host if door else _SERVER,
        "imap_port": imap.port if imap else _IMAP_PORT,
        "smtp_port": smtp.port if smtp else _SMTP_PORT,
        "username": box.address,
    }


# Domains


def domain(item: Domain, mailbox_count: int) -> dict[str, Any]:
    """Return the domain object with its DNS records."""
    return {
        "id": item.id,
        "domain": item.name,
        "mode": item.mode,
        "verification_status": item.status,
        **(_ses(item) if item.checked_at else dict.fromkeys(_ses(item))),
        "verified_at": optional_time(item.verified_at),
        "created_at": time(item.created_at),
        "mailbox_count": mailbox_count,
        "dns_records": _dns_records(item),
    }


def verification(item: Domain) -> dict[str, Any]:
    """Return what verifying a domain came to."""
    found = item.status == "verified"
    names = ("mx", "verification_txt", "spf", "dmarc", "mail_from_mx", "mail_from_spf")
    checks = {name: found or (name == "mx" and item.mode == "send_only") for name in names}
    return {"status": item.status, **_ses(item), "checks": checks}


def zone_file(item: Domain) -> str:
    """Return the DNS records of a domain as lines of a zone file."""
    records = _dns_records(item)
    mail_from = records["mail_from"]
    exchangers = [{"name": item.name, **each} for each in records["mx"]] if item.mode == "send_receive" else []
    texts = {each["name"] + each["value"]: each for each in (records["verification"], records["spf"], records["dmarc"])}
    lines = [f"; {item.name}"]
    lines += [f"{each['name']}. 3600 IN MX {each['priority']} {each['target']}." for each in exchangers]
    lines += [f'{each["name"]}. 3600 IN TXT "{each["value"]}"' for each in texts.values()]
    lines += [f"{each['name']}. 3600 IN CNAME {each['value']}." for each in records["dkim"]]
    lines += [f"{mail_from['mx']['name']}. 3600 IN MX {mail_from['mx']['priority']} {mail_from['mx']['target']}."]
    lines += [f'{mail_from["spf"]["name"]}. 3600 IN TXT "{mail_from["spf"]["value"]}"']
    return "\n".join([*lines, ""])


def _ses(item: Domain) -> dict[str, Any]:
    status = {"verified": "success"}.get(item.status, item.status)
    verified = item.status == "verified"
    return {
        "ses_identity_verification_status": status,
        "ses_verified_for_sending": verified,
        "ses_dkim_status": status,
        "ses_dkim_signing_enabled": verified,
        "ses_identity_checked_at": optional_time(item.checked_at),
        "ses_mail_from_status": status,
    }


def _dns_records(item: Domain) -> dict[str, Any]:
    name, bounce = item.name, f"bounce.{item.name}"
    return {
        "mx": [{"priority": 10, "target": _SERVER}],
        "mail_from": {
            "mx": {"name": bounce, "priority": 10, "target": _MAIL_FROM},
            "spf": {"name": bounce, "value": _SPF},
        },
        "spf": {"name": name, "value": _SPF},
        "dmarc": {"name": f"_dmarc.{name}", "value": "v=DMARC1; p=quarantine"},
        "dkim": [
            {"name": f"{token}._domainkey.{name}", "value": f"{token}.dkim.amazonses.com"} for token in item.dkim_tokens
        ],
        "verification": {"name": f"_sendmux.{name}", "value": f"sendmux-verify={item.account_id}"},
    }


# Webhooks


def webhook(item: Webhook, rules: Generation) -> dict[str, Any]:
    """Return the subscription object without its secret."""
    found = item.subscription
    return {
        "id": found.id,
        "url": found.url,
        "name": item.name,
        "event_types": [rules.events[event] for event in found.events if event in rules.events],
        "filters": {"mailbox_ids": list(found.mailbox_ids)},
        "enabled": found.enabled,
        "failing": found.failing,
        "created_at": time(found.created_at),
        "updated_at": time(found.updated_at),
    }


def webhook_attempt(item: Tried, rules: Generation) -> dict[str, Any]:
    """Return an attempt to post an event."""
    delivery, attempt = item.delivery, item.attempt
    body = delivery.body.encode("utf-8", "surrogatepass")
    return {
        "id": item.id,
        "event_id": delivery.event_id,
        "event_type": rules.events.get(delivery.event_type, delivery.event_type),
        "delivery_attempt": attempt.n,
        "max_attempts": DIALECT.max_attempts,
        "result": item.result,
        "response_status": attempt.status,
        "response_body": attempt.answer,
        "response_ms": round(attempt.seconds * 1000),
        "error_message": attempt.error,
        "next_retry_at": attempt.next_at and time(attempt.next_at),
        "payload_available": True,
        "payload_expires_at": time(attempt.at + KEPT_FOR),
        "request_payload_bytes": len(body),
        "request_payload_sha256": sha256(body).hexdigest(),
        "created_at": time(attempt.at),
    }


def webhook_payload(item: Tried, rules: Generation) -> dict[str, Any]:
    """Return what was posted at an attempt."""
    delivery, attempt = item.delivery, item.attempt
    return {
        "id": item.id,
        "event_id": delivery.event_id,
        "event_type": rules.events.get(delivery.event_type, delivery.event_type),
        "delivery_attempt": attempt.n,
        "created_at": time(attempt.at),
        "expires_at": time(attempt.at + KEPT_FOR),
        "payload": json.loads(delivery.body),
    }


def webhook_with_secret(item: Webhook, rules: Generation) -> dict[str, Any]:
    """Return a subscription with its secret, which is shown when it is made."""
    return {**webhook(item, rules), "secret": item.subscription.secret}


# Sending accounts


def sending_account(item: SendingAccount) -> dict[str, Any]:
    """Return the sending account object with its variables."""
    return {**listed_sending_account(item), "variables": dict(item.variables)}


def listed_sending_account(item: SendingAccount) -> dict[str, Any]:
    """Return the sending account object of lists; the password is never shown."""
    given = item.given
    names = ("smtp_host", "smtp_protocol", "smtp_username", "from_email", "from_name", "reply_to_email")
    return {
        "id": item.id,
        "name": given["name"],
        "type": item.kind,
        "status": item.status,
        "status_reason": None,
        "is_active": item.active,
        "is_shared": item.shared,
        "is_editable": not item.shared,
        "allowed_actions": _allowed_actions(item),
        **{name: given.get(name) for name in (*names, "reply_to_name", "tracking_domain")},
        "smtp_port": _whole(given.get("smtp_port")),
        "has_smtp_password": "smtp_password" in given,
        "oauth_email": None,
        "has_refresh_token": False,
        "quotas": {period: _range((given.get("quotas") or {}).get(period)) for period in _PERIODS},
        "percentage": _whole(given.get("percentage")),
        "created_at": time(item.created_at),
        "updated_at": time(item.updated_at),
        "last_tested_at": optional_time(item.tested_at),
        "last_used_at": None,
    }


def account_stats(items: list[SendingAccount]) -> dict[str, Any]:
    """Return how many sending accounts there are, by status and by type."""
    statuses, kinds = Counter(item.status for item in items), Counter(item.kind for item in items)
    by_status = {name: statuses[name] for name in ("active", "inactive", "error", "pending")}
    by_type = {name: kinds[name] for name in ("smtp", "gmail_api", "outlook_api", "amazon_ses")}
    return {"total": len(items), **by_status, "by_type": by_type, "by_status": by_status}


def account_test(item: SendingAccount, *, success: bool) -> dict[str, Any]:
    """Return what a connection test came to."""
    message = "Connected" if success else "The connection failed"
    return {"success": success, "message": message, "latency_ms": 0, "tested_at": optional_time(item.tested_at)}


def _allowed_actions(item: SendingAccount) -> dict[str, bool]:
    own = item.kind == SMTP
    switches = {"activate": not item.active, "deactivate": item.active}
    return {"update": own, "update_variables": True, "delete": own, **switches, "test": own}


def _range(given: Any) -> dict[str, int] | None:
    if isinstance(given, dict):
        return {name: int(value) for name, value in given.items()}
    return None if given is None else {"min": int(given), "max": int(given)}


def _whole(given: Any) -> int | None:
    return None if given is None else int(given)


# Logs and figures


def delivery_log(item: Message, by: SendingAccount) -> dict[str, Any]:
    """Return the log of a message that was sent."""
    mail, status, refused = item.mail, logs.status_of(item), logs.refusals_of(item)
    count = len(item.recipients)
    return {
        "id": logs.id_of(item),
        "message_id": mail.message_id,
        "provider_id": by.id,
        "provider_name": by.given["name"],
        "from_email": next(iter(mail.bare_addresses("from")), item.sender),
        "sent_from_email": None,
        "to_email": next(iter(item.recipients), None),
        "subject": mail.subject,
        "status": status,
        "status_reason": next(iter(refused.values()), None),
        "attempts": 1,
        "size_bytes": len(mail),
        "delivery_group": None,
        "recipient_count": count,
        "accepted_recipient_count": 0 if status == "pending" else count - len(refused),
        "rejected_recipient_count": len(refused),
        "created_at": time(item.created_at),
        "sent_at": time(item.created_at) if status == "sent" else None,
    }


def delivery_log_detail(item: Message, by: SendingAccount) -> dict[str, Any]:
    """Return the log of a message that was sent, with its recipients."""
    mail, refused = item.mail, logs.refusals_of(item)
    fields = {address.lower(): field for field in ("cc", "to") for address in mail.bare_addresses(field)}
    recipients = [
        {
            "email": address,
            "type": fields.get(address.lower(), "bcc"),
            "status": "rejected" if address in refused else "accepted",
            "reason": refused.get(address),
        }
        for address in item.recipients
    ]
    return {**delivery_log(item, by), "recipients": recipients}


def incoming_log(item: Message, box: Mailbox) -> dict[str, Any]:
    """Return the log of a message that was received."""
    mail = item.mail
    return {
        "id": logs.id_of(item),
        "event_type": "message.received",
        "mailbox_id": box.id,
        "mailbox_email": box.address,
        "from_email": next(iter(mail.bare_addresses("from")), item.sender or None),
        "to_emails": mail.bare_addresses("to") or list(item.recipients),
        "subject": mail.subject,
        "message_id": mail.message_id,
        "message_id_kind": "rfc5322" if mail.message_id else None,
        "is_spam": False,
        "size_bytes": len(mail),
        "received_at": time(item.created_at),
        "amount": _FREE,
        "unit_amount": _FREE,
        "billing_bucket_start": time(item.created_at.replace(minute=0, second=0, microsecond=0)),
    }


def metrics(found: logs.Figures) -> dict[str, Any]:
    """Return how much was sent, how much before that, and step by step."""
    summary, before = _figures(found.summary), _figures(found.before)
    change = {name: _percent(before[name], summary[name]) for name in summary}
    steps = [{"timestamp": time(at), **_figures(counted)} for at, counted in found.steps]
    return {"summary": summary, "comparison": {**before, "change_pct": change}, "timeseries": steps}


def _figures(counted: Counter[str]) -> dict[str, int]:
    return {"total": counted.total(), **{status: counted[status] for status in logs.STATUSES}}


def _percent(before: int, now: int) -> float:
    if before == now:
        return 0
    return 100 if before == 0 else round((now - before) * 100 / before, 2)


# Billing and connection


def balance(amount: str) -> dict[str, Any]:
    """Return the balance of a team, which is charged nothing."""
    unset = dict.fromkeys(("threshold", "amount", "monthly_limit"))
    topup = {"enabled": False, **unset, "monthly_used": _FREE}
    return {
        "balance": amount,
        "balance_purchased": amount,
        "balance_consumed": _FREE,
        "currency": "USD",
        "auto_topup": topup,
    }


def spend_summary(period: timedelta) -> dict[str, Any]:
    """Return what a team spent in a period: nothing."""
    totals = {"total_purchased": _FREE, "total_consumed": _FREE, "transaction_count": 0}
    return {"period_days": period.days, **totals, "currency": "USD"}


def connection(team: Account, key: Key, boxes: list[Mailbox]) -> dict[str, Any]:
    """Return what a key opens."""
    return {
        "label": f"{team.name}: {key.name}",
        "team": {"id": team.id, "name": team.name},
        "credential": {"id": key.id, "name": key.name, "type": "api_key"},
        "permissions": list(key.permissions),
        "mailboxes": [{"id": box.id, "email": box.address} for box in boxes],
    }
