"""myagentmail's lists: addresses that an inbox keeps together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.mail import addresses
from emulator.provider import Problem
from emulator.providers.myagentmail.resources import Inbox
from emulator.providers.myagentmail.settings import NAME
from emulator.world import Collection, Duplicate, World


@dataclass(frozen=True, slots=True)
class ContactList:
    """A named list of an inbox."""

    id: str
    inbox_id: str
    name: str
    description: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ListEntry:
    """An address on a list. `metadata` is what the client gave, never changed."""

    id: str
    list_id: str
    email: str
    display_name: str | None
    metadata: Mapping[str, Any]
    created_at: datetime


LISTS: Collection[ContactList] = Collection("myagentmail.lists")
ENTRIES: Collection[ListEntry] = Collection(
    "myagentmail.list_entries", unique={"email": lambda e: (e.list_id, addresses.normalize(e.email))}
)


def create_list(world: World, inbox: Inbox, name: str, description: str | None) -> ContactList:
    """Make an empty list."""
    list_id = world.new_id(NAME, "list", inbox.id)
    return world.store.add(LISTS, ContactList(list_id, inbox.id, name, description, world.now()))


def find_list(world: World, inbox: Inbox, list_id: str) -> ContactList:
    """Return a list of an inbox by id; 404 if there is none."""
    found = world.store.get(LISTS, list_id.lower())
    if found is None or found.inbox_id != inbox.id:
        raise Problem("not_found", "List not found")
    return found


def add_entry(world: World, contacts: ContactList, body: Mapping[str, Any]) -> ListEntry:
    """Put an address on a list; 409 if it is there."""
    entry = ListEntry(
        id=world.new_id(NAME, "list_entry", contacts.id),
        list_id=contacts.id,
        email=body["email"],
        display_name=body.get("displayName"),
        metadata=body.get("metadata") or {},
        created_at=world.now(),
    )
    try:
        return world.store.add(ENTRIES, entry)
    except Duplicate:
        raise Problem("conflict", f"{entry.email} is on the list already") from None
