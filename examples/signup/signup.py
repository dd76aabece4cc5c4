"""An agent that signs up at a web site with a mail address of its own."""

# pip install inkbox==0.2.7

import re
import time


def sign_up(inkbox, website, name="shopper", patience=10.0):
    """Return what the web site says to the code that it mailed; TimeoutError if none came."""
    agent = inkbox.create_identity(name, create_mailbox=True, email_local_part=name)
    website.register(agent.mailbox.email_address)
    return website.confirm(_code(agent, patience))


def _code(agent, patience):
    until = time.monotonic() + patience
    while time.monotonic() < until:
        for mail in agent.iter_unread_emails():
            found = re.search(r"\b\d{6}\b", mail.snippet or "")
            if found:
                return found.group()
        time.sleep(0.1)
    raise TimeoutError("no code came")
