"""The vendor's published SDK, unmodified, against the served emulator in today's generation of the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sendmux_core import RetryOptions, SendmuxApiError, iter_cursor_pages
from sendmux_management import (
    BillingApi,
    ConnectionApi,
    DomainFiltersApi,
    DomainsApi,
    EmailsApi,
    InboxesApi,
    MailboxesApi,
    MailboxFiltersApi,
    ProviderCreateBody,
    SendingAccountsApi,
    WebhooksApi,
    create_management_client,
)

from emulator import Account


@pytest.fixture
def team(sendmux_server: Account) -> Account:
    sendmux_server.use_revision("current")
    return sendmux_server


@pytest.fixture
def client(team: Account) -> Iterator[Any]:
    base_url = f"{team.base_url}/api/v1"
    made: Any = create_management_client(
        api_key=team.api_key, base_url=base_url, retry_options=RetryOptions(max_attempts=1)
    )
    yield made
    made.rest_client._inner.pool_manager.clear()


def test_mailboxes(client: Any) -> None:
    mailboxes = MailboxesApi(client)
    body = {"email": "bot@acme.com", "display_name": "Bot", "quota_bytes": 5368709120}
    created = mailboxes.management_create_mailbox("key-1", body).data
    assert mailboxes.management_create_mailbox("key-1", body).data == created
    box, credential = created.mailbox, created.credential
    assert (box.email, box.quota_bytes, created.warning) == ("bot@acme.com", 5368709120, None)
    assert credential.secret.startswith("smx_mbx_")
    assert mailboxes.management_get_mailbox(box.id).data == box
    changed = mailboxes.management_update_mailbox(box.id, update_mailbox_body={"display_name": None}).data
    assert changed.display_name is None
    assert mailboxes.management_suspend_mailbox(box.id).data.status == "suspended"
    assert mailboxes.management_resume_mailbox(box.id).data.status == "active"
    key = mailboxes.management_create_mailbox_key(box.id, management_create_mailbox_key_request={"app_name": "Laptop"})
    assert mailboxes.management_delete_mailbox_key(box.id, key.data.credential.public_id).data.deleted is True
    assert mailboxes.management_check_mailbox_availability("bot@acme.com").data.reason == "taken"
    assert mailboxes.management_delete_mailbox(box.id).data.id == box.id
    ever = mailboxes.management_list_mailboxes(include_deleted="true").data
    assert (ever[0].id, ever[0].status) == (box.id, "deleted")


def test_cursor_pages_walk_everything(client: Any) -> None:
    mailboxes = MailboxesApi(client)
    for number in range(5):
        mailboxes.management_create_mailbox(management_create_mailbox_request={"email": f"box-{number}@acme.com"})
    found = iter_cursor_pages(lambda cursor: mailboxes.management_list_mailboxes(cursor=cursor, limit=2))
    emails = [box.email for box in found]
    assert emails == [*(f"box-{number}@acme.com" for number in (4, 3, 2, 1, 0)), "agent@myagent.mx"]


def test_filters(client: Any) -> None:
    [box] = MailboxesApi(client).management_list_mailboxes().data
    body = {"mode": "denylist", "rules": [{"type": "deny", "pattern": "spam.example", "note": "Spam"}]}
    set_state = MailboxFiltersApi(client).management_set_mailbox_filters(box.id, set_filter_state_body=body).data
    assert MailboxFiltersApi(client).management_get_mailbox_filters(box.id).data == set_state
    [domain] = DomainsApi(client).management_list_domains().data
    of_domain = DomainFiltersApi(client)
    assert of_domain.management_set_domain_filters(domain.id, set_filter_state_body=body).data == set_state
    assert of_domain.management_get_domain_filters(domain.id).data.mode == "denylist"


def test_domains(client: Any) -> None:
    domains = DomainsApi(client)
    request = {"domain": "mail.example.com", "mode": "send_only"}
    made = domains.management_create_domain(management_create_domain_request=request).data
    assert (made.verification_status, len(made.dns_records.dkim)) == ("pending", 3)
    upgraded = domains.management_update_domain(made.id, management_update_domain_request={"mode": "send_receive"}).data
    assert upgraded.mode == "send_receive"
    assert domains.management_verify_domain(made.id).data.checks.mx is True
    assert domains.management_get_domain(made.id).data.verification_status == "verified"
    assert "mail.sendmux.ai" in domains.management_get_domain_zone_file(made.id)
    assert domains.management_delete_domain(made.id).data.deleted is True


def test_webhooks(client: Any) -> None:
    webhooks = WebhooksApi(client)
    body = {"url": "http://127.0.0.1:9/hook", "event_types": ["message.received", "sendmux.test"], "name": "Hook"}
    made = webhooks.management_create_webhook(webhook_create_body=body).data
    assert made.secret.startswith("whsec_")
    assert webhooks.management_get_webhook(made.id).data.event_types == body["event_types"]
    changed = webhooks.management_update_webhook(made.id, webhook_update_body={"name": None, "enabled": False}).data
    assert (changed.name, changed.enabled) == (None, False)
    assert webhooks.management_test_webhook(made.id).data.event_id.startswith("evt_")
    assert webhooks.management_rotate_webhook_secret(made.id).data.secret != made.secret
    assert webhooks.management_list_delivery(made.id).data == []
    assert [hook.id for hook in webhooks.management_list_webhooks().data] == [made.id]
    assert webhooks.management_delete_webhook(made.id).data.deleted is True


def test_sending_accounts(client: Any) -> None:
    accounts = SendingAccountsApi(client)
    body = {
        "name": "Ours",
        "smtp_host": "smtp.example.com",
        "smtp_port": 587,
        "smtp_protocol": "starttls",
        "smtp_username": "user",
        "smtp_password": "secret",
        "quotas": {"per_day": {"min": 1, "max": 500}},
        "variables": {"region": "eu"},
    }
    made = accounts.management_create_provider(provider_create_body=ProviderCreateBody.from_dict(body)).data
    assert (made.quotas.per_day.max, made.variables) == (500, {"region": "eu"})
    changed = accounts.management_update_provider(made.id, provider_update_body={"percentage": 50}).data
    assert changed.percentage == 50
    assert accounts.management_test_provider(made.id).data.success is True
    assert accounts.management_deactivate_provider(made.id).data.is_active is False
    assert accounts.management_activate_provider(made.id).data.is_active is True
    assert accounts.management_get_provider(made.id).data.last_tested_at is not None
    assert [each.is_shared for each in accounts.management_list_providers().data] == [False, True]
    assert accounts.management_get_provider_stats().data.total == 2
    assert accounts.management_delete_provider(made.id).data.deleted is True


def test_logs_figures_and_money(client: Any, team: Account) -> None:
    team.emulator.receive("agent@myagent.mx", "Hello", "Hi")
    [log] = InboxesApi(client).management_list_inbox_logs().data
    assert (log.subject, log.mailbox_email) == ("Hello", "agent@myagent.mx")
    assert InboxesApi(client).management_get_inbox_log(log.id).data == log
    emails = EmailsApi(client)
    assert emails.management_list_email_logs().data == []
    assert emails.management_get_email_metrics(window="7d", granularity="daily").data.summary.total == 0
    billing = BillingApi(client)
    assert billing.management_list_balance().data.currency == "USD"
    assert billing.management_get_spend_summary(days="7").data.period_days == 7
    assert billing.management_list_transactions().data == []


def test_connection(client: Any) -> None:
    found = ConnectionApi(client).management_get_connection().data
    assert (found.team.name, found.credential.type) == ("Acme", "api_key")


def test_errors_arrive_as_the_sdks_exceptions(client: Any) -> None:
    with pytest.raises(SendmuxApiError) as failed:
        MailboxesApi(client).management_get_mailbox("mbx_none")
    assert (failed.value.status_code, failed.value.code, failed.value.retryable) == (404, "not_found", False)
    with pytest.raises(SendmuxApiError) as refused:
        MailboxesApi(client).management_create_mailbox("k", {"email": "bot@not-verified.example"})
    assert (refused.value.status_code, refused.value.code) == (422, "validation_error")
    assert refused.value.request_id == refused.value.headers["X-Request-Id"]


def test_a_conflict_is_not_repeated_and_an_outage_is(team: Account) -> None:
    slept: list[float] = []
    options = RetryOptions(max_attempts=3, sleep=slept.append)
    client: Any = create_management_client(
        api_key=team.api_key, base_url=f"{team.base_url}/api/v1", retry_options=options
    )
    mailboxes, body = MailboxesApi(client), {"email": "agent@myagent.mx"}
    with pytest.raises(SendmuxApiError, match="conflict"):
        mailboxes.management_create_mailbox("taken", body)
    assert slept == []
    team.emulator.fail("sendmux", "create_mailbox", 503)
    assert mailboxes.management_create_mailbox("busy", {"email": "busy@acme.com"}).data.mailbox.id
    assert slept == [1.0]
    client.rest_client._inner.pool_manager.clear()
