"""Meant to fail: the application checks signatures with the secret of yesterday."""

from conftest import HOOK
from support import support_app


def test_who_writes_gets_an_answer(emulator, sendmux, webhook):
    app = support_app(sendmux.credentials["mailbox_key"], lambda: webhook.secret[::-1])
    emulator.receive_webhooks(HOOK, app)
    jane = emulator.person("jane@example.com")
    [asked] = jane.send("agent@myagent.mx", "It broke", "Help!")
    jane.wait_for_reply(asked)
