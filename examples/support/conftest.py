import pytest
from sendmux_management import WebhooksApi, create_management_client
from support import support_app

HOOK = "https://support.acme.test/hooks/mail"


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.emulator(revisions={"sendmux": "current"}))


@pytest.fixture
def webhook(sendmux):
    """Subscribe to incoming mail, as one does once in Sendmux's dashboard or by its SDK."""
    client = create_management_client(api_key=sendmux.api_key)
    body = {"url": HOOK, "event_types": ["message.received"], "name": "Support"}
    yield WebhooksApi(client).management_create_webhook(webhook_create_body=body).data
    client.rest_client._inner.pool_manager.clear()


@pytest.fixture
def app(emulator, sendmux, webhook):
    app = support_app(sendmux.credentials["mailbox_key"], lambda: webhook.secret)
    emulator.receive_webhooks(HOOK, app)
    yield app
    app.extensions["sendmux"].rest_client._inner.pool_manager.clear()
