"""Sendmux's Management API over HTTP: a team's mailboxes, domains, webhooks, sending accounts, logs and money."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from emulator.mail import Mailbox, Message
from emulator.mail.records import Direction
from emulator.provider import Answer, Call
from emulator.providers.sendmux import (
    access,
    domains,
    filters,
    keys,
    logs,
    resources,
    sending_accounts,
    webhooks,
    wire,
)
from emulator.providers.sendmux import management_wire as shown
from emulator.providers.sendmux.access import team
from emulator.providers.sendmux.domains import Domain
from emulator.providers.sendmux.generation import generation
from emulator.providers.sendmux.resources import Plan
from emulator.providers.sendmux.routes import routes
from emulator.providers.sendmux.sending_accounts import SendingAccount
from emulator.providers.sendmux.settings import setting
from emulator.providers.sendmux.webhooks import Webhook

_API: Final = "/api/v1"
_MAILBOX: Final = f"{_API}/mailboxes/<public_id>"
_DOMAIN: Final = f"{_API}/domains/<public_id>"
_WEBHOOK: Final = f"{_API}/webhooks/<public_id>"
_PROVIDER: Final = f"{_API}/providers/<public_id>"


# Mailboxes


@routes.get(f"{_API}/mailboxes")
def list_mailboxes(call: Call) -> Answer:
    deleted, limit = call.query.get("include_deleted") == "true", call.query["limit"]
    found = resources.list_mailboxes(call.world, team(call), limit, call.cursor(), include_deleted=deleted)
    return wire.page(call, found, lambda plan: _plan_json(call, plan))


@routes.post(f"{_API}/mailboxes")
def create_mailbox(call: Call) -> Answer:
    account = team(call)

    def create() -> Answer:
        made = resources.create_mailbox(call.world, account, call.body, generation(call))
        shown_once = shown.created_mailbox(call, made, resources.plan_of(call.world, made.mailbox))
        return wire.created(call, shown_once, f"{_API}/mailboxes/{made.mailbox.id}")

    return wire.once(call, account.id, create)


@routes.get(f"{_API}/mailboxes/availability")
def check_mailbox_availability(call: Call) -> Answer:
    email = call.query["email"]
    reason = resources.availability(call.world, team(call), email)
    return wire.ok(call, {"email": email, "available": reason == "available", "reason": reason})


@routes.get(_MAILBOX)
def get_mailbox(call: Call, public_id: str) -> Answer:
    return wire.tagged(call, _mailbox_json(call, _mailbox(call, public_id)))


@routes.patch(_MAILBOX)
def update_mailbox(call: Call, public_id: str) -> Answer:
    mailbox = _mailbox(call, public_id)
    wire.check_match(call, _mailbox_json(call, mailbox))
    changed = resources.update_mailbox(call.world, team(call), mailbox, call.body, generation(call))
    return wire.changed(call, _mailbox_json(call, changed))


@routes.delete(_MAILBOX)
def delete_mailbox(call: Call, public_id: str) -> Answer:
    resources.delete_mailbox(call.world, _mailbox(call, public_id))
    return wire.deleted(call, public_id)


@routes.get(f"{_MAILBOX}/filters")
def get_mailbox_filters(call: Call, public_id: str) -> Answer:
    return _get_filters(call, _mailbox(call, public_id))


@routes.put(f"{_MAILBOX}/filters")
def set_mailbox_filters(call: Call, public_id: str) -> Answer:
    return _set_filters(call, _mailbox(call, public_id))


@routes.post(f"{_MAILBOX}/keys")
def create_mailbox_key(call: Call, public_id: str) -> Answer:
    mailbox, name, rules = _mailbox(call, public_id), call.body["app_name"], generation(call)

    def create() -> Answer:
        key = keys.create_mailbox_key(call.world, mailbox, name, one_secret=rules.one_secret)
        return wire.created(call, shown.created_key(call, mailbox, key), f"{_API}/mailboxes/{mailbox.id}/keys/{key.id}")

    return wire.once(call, mailbox.account_id, create, target=public_id)


@routes.delete(f"{_MAILBOX}/keys/<key_id>")
def delete_mailbox_key(call: Call, public_id: str, key_id: str) -> Answer:
    keys.revoke_mailbox_key(call.world, _mailbox(call, public_id), key_id)
    return wire.deleted(call, key_id)


@routes.post(f"{_MAILBOX}/suspend")
def suspend_mailbox(call: Call, public_id: str) -> Answer:
    return _set_status(call, public_id, "suspended")


@routes.post(f"{_MAILBOX}/resume")
def resume_mailbox(call: Call, public_id: str) -> Answer:
    return _set_status(call, public_id, "active")


# Domains


@routes.get(f"{_API}/domains")
def list_domains(call: Call) -> Answer:
    found = domains.list_domains(call.world, team(call), call.query["limit"], call.cursor())
    return wire.page(call, found, lambda domain: _domain_json(call, domain))


@routes.post(f"{_API}/domains")
def create_domain(call: Call) -> Answer:
    account = team(call)

    def create() -> Answer:
        mode = call.body.get("mode", domains.SEND_RECEIVE)
        made = domains.create_domain(call.world, account, call.body["domain"], mode)
        return wire.created(call, _domain_json(call, made), f"{_API}/domains/{made.id}")

    return wire.once(call, account.id, create)


@routes.get(_DOMAIN)
def get_domain(call: Call, public_id: str) -> Answer:
    return wire.tagged(call, _domain_json(call, _domain(call, public_id)))


@routes.patch(_DOMAIN)
def update_domain(call: Call, public_id: str) -> Answer:
    domain = _domain(call, public_id)
    wire.check_match(call, _domain_json(call, domain))
    return wire.changed(call, _domain_json(call, domains.upgrade_domain(call.world, domain, call.body["mode"])))


@routes.delete(_DOMAIN)
def delete_domain(call: Call, public_id: str) -> Answer:
    domains.delete_domain(call.world, _domain(call, public_id))
    return wire.deleted(call, public_id)


@routes.get(f"{_DOMAIN}/filters")
def get_domain_filters(call: Call, public_id: str) -> Answer:
    return _get_filters(call, _domain(call, public_id))


@routes.put(f"{_DOMAIN}/filters")
def set_domain_filters(call: Call, public_id: str) -> Answer:
    return _set_filters(call, _domain(call, public_id))


@routes.post(f"{_DOMAIN}/verify")
def verify_domain(call: Call, public_id: str) -> Answer:
    return wire.ok(call, shown.verification(domains.verify_domain(call.world, _domain(call, public_id))))


@routes.get(f"{_DOMAIN}/zone-file")
def get_domain_zone_file(call: Call, public_id: str) -> Answer:
    domain = _domain(call, public_id)
    disposition = f'attachment; filename="{domain.name}.zone"'
    headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Disposition": disposition}
    return Answer(shown.zone_file(domain).encode(), 200, headers)


# Webhooks


@routes.get(f"{_API}/webhooks")
def list_webhooks(call: Call) -> Answer:
    found = webhooks.list_webhooks(call.world, team(call), call.query["limit"], call.cursor())
    return wire.page(call, found, lambda webhook: _webhook_json(call, webhook))


@routes.post(f"{_API}/webhooks")
def create_webhook(call: Call) -> Answer:
    account = team(call)

    def create() -> Answer:
        made = webhooks.create_webhook(call.world, account, call.body, generation(call))
        shown_once = shown.webhook_with_secret(made, generation(call))
        return wire.created(call, shown_once, f"{_API}/webhooks/{made.subscription.id}")

    return wire.once(call, account.id, create)


@routes.get(_WEBHOOK)
def get_webhook(call: Call, public_id: str) -> Answer:
    return wire.tagged(call, _webhook_json(call, _webhook(call, public_id)))


@routes.patch(_WEBHOOK)
def update_webhook(call: Call, public_id: str) -> Answer:
    webhook = _webhook(call, public_id)
    wire.check_match(call, _webhook_json(call, webhook))
    changed = webhooks.update_webhook(call.world, team(call), webhook, call.body, generation(call))
    return wire.changed(call, _webhook_json(call, changed))


@routes.delete(_WEBHOOK)
def delete_webhook(call: Call, public_id: str) -> Answer:
    webhooks.delete_webhook(call.world, _webhook(call, public_id))
    return wire.deleted(call, public_id)


@routes.get(f"{_WEBHOOK}/deliveries")
def list_webhook_deliveries(call: Call, public_id: str) -> Answer:
    wanted = call.query.get("event_type")
    newest = {name: event for event, name in generation(call).events.items()}
    found = webhooks.list_attempts(
        call.world,
        _webhook(call, public_id),
        wanted and newest.get(wanted, wanted),
        call.query.get("result"),
        call.query["limit"],
        call.cursor(),
    )
    return wire.page(call, found, lambda tried: shown.webhook_attempt(tried, generation(call)))


@routes.get(f"{_WEBHOOK}/deliveries/<delivery_id>/payload")
def get_webhook_delivery_payload(call: Call, public_id: str, delivery_id: str) -> Answer:
    tried = webhooks.find_attempt(call.world, _webhook(call, public_id), delivery_id)
    return wire.ok(call, shown.webhook_payload(tried, generation(call)))


@routes.post(f"{_WEBHOOK}/rotate-secret")
def rotate_webhook_secret(call: Call, public_id: str) -> Answer:
    webhook = _webhook(call, public_id)

    def rotate() -> Answer:
        rotated = webhooks.rotate_secret(call.world, webhook)
        return wire.ok(call, shown.webhook_with_secret(rotated, generation(call)))

    return wire.once(call, webhook.subscription.account_id, rotate, target=public_id)


@routes.post(f"{_WEBHOOK}/test")
def test_webhook(call: Call, public_id: str) -> Answer:
    webhook = _webhook(call, public_id)

    def test() -> Answer:
        return wire.ok(call, {"event_id": webhooks.test_webhook(call.world, webhook)})

    return wire.once(call, webhook.subscription.account_id, test, target=public_id)


# Sending accounts


@routes.get(f"{_API}/providers")
def list_providers(call: Call) -> Answer:
    query = call.query
    status, kind = query.get("status"), query.get("type")
    found = sending_accounts.list_accounts(
        call.world, team(call), query["limit"], call.cursor(), status=status, kind=kind
    )
    return wire.page(call, found, shown.listed_sending_account)


@routes.post(f"{_API}/providers")
def create_provider(call: Call) -> Answer:
    account = team(call)

    def create() -> Answer:
        made = sending_accounts.create_account(call.world, account, call.body)
        return wire.created(call, shown.sending_account(made), f"{_API}/providers/{made.id}")

    return wire.once(call, account.id, create)


@routes.get(f"{_API}/providers/stats")
def get_provider_stats(call: Call) -> Answer:
    return wire.ok(call, shown.account_stats(sending_accounts.every_account(call.world, team(call))))


@routes.get(_PROVIDER)
def get_provider(call: Call, public_id: str) -> Answer:
    return wire.tagged(call, shown.sending_account(_sending_account(call, public_id)))


@routes.patch(_PROVIDER)
def update_provider(call: Call, public_id: str) -> Answer:
    found = _sending_account(call, public_id)
    wire.check_match(call, shown.sending_account(found))
    return wire.changed(call, shown.sending_account(sending_accounts.update_account(call.world, found, call.body)))


@routes.delete(_PROVIDER)
def delete_provider(call: Call, public_id: str) -> Answer:
    sending_accounts.delete_account(call.world, _sending_account(call, public_id))
    return wire.deleted(call, public_id)


@routes.post(f"{_PROVIDER}/activate")
def activate_provider(call: Call, public_id: str) -> Answer:
    return _set_active(call, public_id, active=True)


@routes.post(f"{_PROVIDER}/deactivate")
def deactivate_provider(call: Call, public_id: str) -> Answer:
    return _set_active(call, public_id, active=False)


@routes.post(f"{_PROVIDER}/test")
def test_provider(call: Call, public_id: str) -> Answer:
    found = _sending_account(call, public_id)

    def test() -> Answer:
        tested = sending_accounts.test_account(call.world, found)
        return wire.ok(call, shown.account_test(tested, success=setting(call.world, "sending_account_test")))

    return wire.once(call, found.account_id, test, target=public_id)


# Logs and figures


@routes.get(f"{_API}/emails/logs")
def list_email_logs(call: Call) -> Answer:
    account, query = team(call), call.query
    by = _shared_account(call)
    if query.get("provider_id", by.id) != by.id:
        return wire.listed(call, [], None)
    wanted = _wanted(call)._replace(status=query.get("status"))
    found = logs.list_logs(call.world, account, "outbound", wanted, query["limit"], call.cursor())
    return wire.page(call, found, lambda message: shown.delivery_log(message, by))


@routes.get(f"{_API}/emails/logs/<public_id>")
def get_email_log(call: Call, public_id: str) -> Answer:
    return wire.tagged(call, shown.delivery_log_detail(_log(call, "outbound", public_id), _shared_account(call)))


@routes.get(f"{_API}/emails/metrics")
def get_email_metrics(call: Call) -> Answer:
    account, query = team(call), call.query
    dates = {name: query.get(name) for name in ("from_date", "to_date")}
    found = logs.figures(call.world, account, query["window"], query["granularity"], **dates)
    return wire.ok(call, shown.metrics(found))


@routes.get(f"{_API}/inboxes/logs")
def list_inbox_logs(call: Call) -> Answer:
    account, query = team(call), call.query
    if query.get("event_type", "message.received") != "message.received":
        return wire.listed(call, [], None)  # nothing is taken for spam
    wanted = _wanted(call)._replace(mailbox_id=query.get("mailbox_id"))
    found = logs.list_logs(call.world, account, "inbound", wanted, query["limit"], call.cursor())
    return wire.page(call, found, lambda message: _incoming_json(call, message))


@routes.get(f"{_API}/inboxes/logs/<public_id>")
def get_inbox_log(call: Call, public_id: str) -> Answer:
    return wire.ok(call, _incoming_json(call, _log(call, "inbound", public_id)))


# Billing


@routes.get(f"{_API}/billing/balance")
def get_balance(call: Call) -> Answer:
    team(call)
    return wire.ok(call, shown.balance(setting(call.world, "balance")))


@routes.get(f"{_API}/billing/summary")
def get_spend_summary(call: Call) -> Answer:
    team(call)
    return wire.ok(call, shown.spend_summary(timedelta(days=int(call.query["days"]))))


@routes.get(f"{_API}/billing/transactions")
def list_transactions(call: Call) -> Answer:
    team(call)
    call.cursor()
    return wire.listed(call, [], None)  # nothing is charged


# Connection


@routes.get(f"{_API}/me")
def get_connection(call: Call) -> Answer:
    account, key = team(call), access.admit(call)
    boxes = [access.mailbox_of_key(call)] if key.mailbox_id else []
    return wire.tagged(call, shown.connection(account, key, boxes))


def _mailbox(call: Call, public_id: str) -> Mailbox:
    return resources.find_mailbox(call.world, team(call), public_id)


def _mailbox_json(call: Call, mailbox: Mailbox) -> dict[str, Any]:
    return shown.mailbox(mailbox, resources.plan_of(call.world, mailbox))


def _plan_json(call: Call, plan: Plan) -> dict[str, Any]:
    return shown.mailbox(resources.mailbox_of(call.world, plan), plan)


def _set_status(call: Call, public_id: str, status: str) -> Answer:
    mailbox = resources.find_ever(call.world, team(call), public_id)

    def change() -> Answer:
        return wire.ok(call, _mailbox_json(call, resources.set_status(call.world, mailbox, status)))

    return wire.once(call, mailbox.account_id, change, target=public_id)


def _get_filters(call: Call, holder: Mailbox | Domain) -> Answer:
    return wire.tagged(call, shown.filters(filters.filters_of(call.world, holder)))


def _set_filters(call: Call, holder: Mailbox | Domain) -> Answer:
    wire.check_match(call, shown.filters(filters.filters_of(call.world, holder)))
    return wire.changed(call, shown.filters(filters.set_filters(call.world, holder, call.body)))


def _domain(call: Call, public_id: str) -> Domain:
    return domains.find_domain(call.world, team(call), public_id)


def _domain_json(call: Call, domain: Domain) -> dict[str, Any]:
    return shown.domain(domain, domains.count_mailboxes(call.world, domain))


def _webhook(call: Call, public_id: str) -> Webhook:
    return webhooks.find_webhook(call.world, team(call), public_id)


def _webhook_json(call: Call, webhook: Webhook) -> dict[str, Any]:
    return shown.webhook(webhook, generation(call))


def _sending_account(call: Call, public_id: str) -> SendingAccount:
    return sending_accounts.find_account(call.world, team(call), public_id)


def _shared_account(call: Call) -> SendingAccount:
    return sending_accounts.every_account(call.world, team(call))[0]


def _set_active(call: Call, public_id: str, *, active: bool) -> Answer:
    found = _sending_account(call, public_id)

    def change() -> Answer:
        return wire.ok(call, shown.sending_account(sending_accounts.set_active(call.world, found, active=active)))

    return wire.once(call, found.account_id, change, target=public_id)


def _wanted(call: Call) -> logs.Wanted:
    query = call.query
    start, end = logs.start_of(query.get("from_date")), logs.end_of(query.get("to_date"))
    return logs.Wanted(start, end, search=query.get("search"))


def _log(call: Call, direction: Direction, public_id: str) -> Message:
    return logs.find_log(call.world, team(call), direction, public_id)


def _incoming_json(call: Call, message: Message) -> dict[str, Any]:
    return shown.incoming_log(message, resources.receiver(call.world, message))
