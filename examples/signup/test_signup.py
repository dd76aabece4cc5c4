import pytest
from inkbox import Inkbox
from signup import sign_up
from website import Website


@pytest.fixture
def client(inkbox):
    with Inkbox(api_key=inkbox.api_key) as client:
        yield client


@pytest.fixture
def website(emulator):
    return Website(emulator.person("noreply@acme.test"))


def test_the_agent_confirms_its_code(client, website):
    assert sign_up(client, website) == "welcome"
    assert website.registered == ["shopper@inkboxmail.com"]


def test_a_code_that_comes_late_is_not_waited_for(client, website, emulator):
    emulator.fault("mail", recipient="shopper@*", fate="delay", seconds=3600)
    with pytest.raises(TimeoutError):
        sign_up(client, website, patience=0.2)


def test_other_numbers_are_no_code(client, website):
    website.mailer, noreply = Chatty(website.mailer), website.mailer
    assert sign_up(client, website) == "welcome"
    assert noreply.mail == []


class Chatty:
    """Somebody who writes of something else first."""

    def __init__(self, mailer):
        self.mailer = mailer

    def send(self, address, subject, text):
        self.mailer.send(address, "Your order", "Order 12345678 is on its way.")
        self.mailer.send(address, subject, text)
