"""Meant to fail: the web site mails to an address with a letter too few."""

from inkbox import Inkbox
from website import Website


def test_the_code_arrives(inkbox, emulator):
    website = Website(emulator.person("noreply@acme.test"))
    with Inkbox(api_key=inkbox.api_key) as client:
        agent = client.create_identity("shopper", create_mailbox=True, email_local_part="shopper")
    website.register(agent.mailbox.email_address.replace("pp", "p"))
    code = emulator.inbox(agent.mailbox.email_address).wait_for(subject="code").otp
    assert website.confirm(code) == "welcome"
