"""The ground floor: one emulated universe. It knows no HTTP and no mail format."""

from emulator.world.accounts import ACCOUNTS, CREDENTIALS, Account, Credential
from emulator.world.clock import Clock, parse_duration, parse_moment, parse_timestamp, timestamp
from emulator.world.faults import FaultRule, Faults
from emulator.world.journal import Entry, Journal
from emulator.world.store import Collection, Duplicate, Order, Page, Store
from emulator.world.world import Snapshot, World

__all__ = [
    "ACCOUNTS",
    "CREDENTIALS",
    "Account",
    "Clock",
    "Collection",
    "Credential",
    "Duplicate",
    "Entry",
    "FaultRule",
    "Faults",
    "Journal",
    "Order",
    "Page",
    "Snapshot",
    "Store",
    "World",
    "parse_duration",
    "parse_moment",
    "parse_timestamp",
    "timestamp",
]
