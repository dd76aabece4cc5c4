"""The folders of a mailbox: the built-in ones, and those its owner makes, moves, orders and deletes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from emulator.mail import Mailbox, folders
from emulator.mail.folders import Folder
from emulator.provider import Problem
from emulator.providers.sendmux.problems import unprocessable
from emulator.world import Collection, Duplicate, World


@dataclass(frozen=True, slots=True)
class Rank:
    """Where its owner wants a folder in the list; `id` is the folder's."""

    id: str
    sort_order: int


class Listed(NamedTuple):
    """A folder as the API shows it: by its own name, below its parent, with what lies in it counted."""

    folder: Folder
    name: str
    parent_id: str | None
    sort_order: int | None
    total: int
    unread: int


RANKS: Collection[Rank] = Collection("sendmux.folder_ranks")


def list_folders(world: World, mailbox: Mailbox) -> list[Listed]:
    """Return the folders of a mailbox: the built-in ones, then the others by their place and name."""
    found = [listed(world, mailbox, each) for each in folders.folders_of(world, mailbox)]
    return sorted(found, key=lambda each: (each.folder.role is None, each.sort_order or 0))


def listed(world: World, mailbox: Mailbox, folder: Folder) -> Listed:
    """Return a folder as the API shows it."""
    path, _, name = folder.name.rpartition("/")
    parent, rank = folders.folder_named(world, mailbox, path) if path else None, world.store.get(RANKS, folder.id)
    counts = folders.count(world, folder), folders.count_unseen(world, folder)
    parent_id, sort_order = None if parent is None else parent.id, None if rank is None else rank.sort_order
    return Listed(folder, name, parent_id, sort_order, *counts)


def find_folder(world: World, mailbox: Mailbox, folder_id: str) -> Folder:
    """Return a folder of a mailbox by id; 404 if there is none."""
    folder = get_folder(world, mailbox, folder_id)
    if folder is None:
        raise Problem("not_found", "No such folder")
    return folder


def get_folder(world: World, mailbox: Mailbox, folder_id: str) -> Folder | None:
    """Return a folder of a mailbox by id, or None."""
    return next((each for each in folders.folders_of(world, mailbox) if each.id == folder_id), None)


def create_folder(world: World, mailbox: Mailbox, body: Mapping[str, Any]) -> Folder:
    """Make a folder; 422 for a parent that is not there and for a name that is taken in it."""
    parent_id = body.get("parent_id")
    parent = None if parent_id is None else get_folder(world, mailbox, parent_id)
    if parent_id is not None and parent is None:
        raise unprocessable("parent_id", "No such folder", parent_id)
    try:
        made = folders.make_folder(world, mailbox, _path(parent, body["name"]))
    except Duplicate:
        raise unprocessable("name", "There is a folder of this name", body["name"]) from None
    _rank(world, made, body)
    return made


def update_folder(world: World, mailbox: Mailbox, folder: Folder, body: Mapping[str, Any]) -> Folder:
    """Rename, move or order a folder, what is supplied.

    400 for a parent that cannot be one, 409 for a name that is taken in it and for built-in folders.
    """
    _refuse_built_in(folder, "changed")
    path, _, name = folder.name.rpartition("/")
    parent = folders.folder_named(world, mailbox, path) if path else None
    if "parent_id" in body:
        parent = _new_parent(world, mailbox, folder, body["parent_id"])
    wanted = _path(parent, body.get("name", name))
    if wanted != folder.name:
        if folders.folder_named(world, mailbox, wanted) is not None:
            raise Problem("conflict", "There is a folder of this name")
        folders.rename_folder(world, folder, wanted)
    elif "sort_order" in body:
        world.store.put(folders.FOLDERS, folder)  # its place is noted elsewhere, and it did change
    _rank(world, folder, body)
    return find_folder(world, mailbox, folder.id)


def delete_folder(world: World, folder: Folder) -> None:
    """Delete a folder; 409 for a built-in one and one that is not empty."""
    _refuse_built_in(folder, "deleted")
    if folders.count(world, folder) or folders.folders_in(world, folder):
        raise Problem("conflict", "The folder is not empty")
    folders.remove_folder(world, folder)
    if world.store.get(RANKS, folder.id) is not None:
        world.store.remove(RANKS, folder.id)


def _refuse_built_in(folder: Folder, what: str) -> None:
    if folder.role is not None:
        raise Problem("conflict", f"A built-in folder cannot be {what}")


def _new_parent(world: World, mailbox: Mailbox, folder: Folder, parent_id: str | None) -> Folder | None:
    if parent_id is None:
        return None
    parent = get_folder(world, mailbox, parent_id)
    if parent is None or f"{parent.name}/".startswith(f"{folder.name}/"):
        raise Problem("refused", "The folder cannot lie there")
    return parent


def _path(parent: Folder | None, name: str) -> str:
    return name if parent is None else f"{parent.name}/{name}"


def _rank(world: World, folder: Folder, body: Mapping[str, Any]) -> None:
    if "sort_order" in body:
        is_new = world.store.get(RANKS, folder.id) is None
        (world.store.add if is_new else world.store.put)(RANKS, Rank(folder.id, int(body["sort_order"])))
