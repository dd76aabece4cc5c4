"""The commands that serve an emulator, and those for one that runs, which call its control API."""

from emulator.commands.clock import clock
from emulator.commands.completion import completion
from emulator.commands.contract import contract
from emulator.commands.faults import fault
from emulator.commands.mail import inbox, mailboxes, send, wait
from emulator.commands.mcp import mcp
from emulator.commands.serve import serve
from emulator.commands.state import reset, seed, snapshot
from emulator.commands.watching import journal, ready
from emulator.commands.webhooks import webhooks

__all__ = ["COMMANDS"]

COMMANDS = (
    serve,
    ready,
    mailboxes,
    inbox,
    wait,
    send,
    journal,
    clock,
    fault,
    webhooks,
    snapshot,
    seed,
    reset,
    mcp,
    contract,
    completion,
)
