import pytest

SUPPORT = "agent@myagent.mx"


@pytest.fixture
def jane(emulator):
    return emulator.person("jane@example.com")


@pytest.mark.usefixtures("app")
def test_who_writes_gets_an_answer_in_the_thread(jane):
    [asked] = jane.send(SUPPORT, "It broke", "Help!")
    assert "within a day" in jane.wait_for_reply(asked).text


@pytest.mark.usefixtures("app")
def test_a_webhook_that_comes_twice_is_answered_once(emulator, jane):
    emulator.fault("webhook", provider="sendmux", operation="message.received", twice=True)
    jane.send(SUPPORT, "It broke", "Help!")
    assert [mail.subject for mail in jane.mail] == ["We got your mail"]


@pytest.mark.usefixtures("app")
def test_a_forged_webhook_is_refused(emulator, jane):
    emulator.fault("webhook", provider="sendmux", operation="message.received", tamper=True)
    jane.send(SUPPORT, "It broke", "Help!")
    assert jane.mail == []
    [delivery] = emulator.webhooks
    assert delivery.attempts[0].status == 401


@pytest.mark.usefixtures("app")
def test_an_outage_is_made_good_by_the_next_try(emulator, jane):
    emulator.fail("sendmux", "send_mailbox_message", 503)
    [asked] = jane.send(SUPPORT, "It broke", "Help!")
    emulator.run_until_idle()
    assert jane.wait_for_reply(asked)
