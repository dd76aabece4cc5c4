"""An emulator in which there is something to see."""

from __future__ import annotations

from contract.choice import Choice
from emulator.harness import Emulator
from emulator.mail import MAILBOXES
from emulator.provider import Provider


def furnished(provider: Provider, choice: Choice) -> Emulator:
    """Return an emulator with the mailbox that the documents give as an example, and a mail in each mailbox."""
    emulator = choice.emulator(provider)
    account = emulator.account(provider.name)
    for longest in provider.waiting_operations.values():
        account.set(longest, 0)
    account.mailbox("sales.team")
    everybody = (mailbox for mailbox in emulator.world.store.everything(MAILBOXES) if mailbox.provider == provider.name)
    for address in sorted(mailbox.address for mailbox in everybody):
        emulator.receive(address, "Hello", "An example.", attachments={"example.pdf": b"%PDF-1.7"})
    emulator.world.settled_origin()
    return emulator
