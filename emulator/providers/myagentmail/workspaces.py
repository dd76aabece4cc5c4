"""myagentmail's workspaces and their keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from emulator.provider import Problem
from emulator.providers.myagentmail.keys import WORKSPACE, Caller
from emulator.providers.myagentmail.settings import NAME
from emulator.world import CREDENTIALS, Collection, Credential, Duplicate, Order, World

_MAX_SLUG: Final = 63


@dataclass(frozen=True, slots=True)
class Workspace:
    """A part of a tenant. Each tenant has one default workspace."""

    id: str
    account_id: str
    name: str
    slug: str
    is_default: bool
    created_at: datetime
    n: int


@dataclass(frozen=True, slots=True)
class WorkspaceKey:
    """What the API shows of a workspace's key; `key` is the credential's id."""

    id: str
    workspace_id: str
    name: str | None
    key: str
    created_at: datetime
    n: int


WORKSPACES: Collection[Workspace] = Collection(
    "myagentmail.workspaces",
    unique={
        "slug": lambda w: (w.account_id, w.slug),
        "default": lambda w: w.account_id if w.is_default else None,
    },
    ordered={"of_account": Order(groups=lambda w: (w.account_id,), sort=lambda w: (w.created_at, w.n))},
)
WORKSPACE_KEYS: Collection[WorkspaceKey] = Collection(
    "myagentmail.workspace_keys",
    ordered={"of_workspace": Order(groups=lambda k: (k.workspace_id,), sort=lambda k: (k.created_at, k.n))},
)


def slug_of(name: str, otherwise: str) -> str:
    """Return the slug of a name, `Acme Corp` as `acme-corp`; `otherwise` for a name without letters and digits."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    return "-".join(words)[:_MAX_SLUG].strip("-") or otherwise


# Workspaces


def create_workspace(
    world: World, account_id: str, name: str, slug: str | None, *, is_default: bool = False
) -> Workspace:
    """Make a workspace; 409 for a slug that the tenant has."""
    workspace = Workspace(
        id=world.new_id(NAME, "workspace", account_id),
        account_id=account_id,
        name=name,
        slug=slug or slug_of(name, "workspace"),
        is_default=is_default,
        created_at=world.now(),
        n=world.store.tick(WORKSPACES.name, account_id),
    )
    try:
        return world.store.add(WORKSPACES, workspace)
    except Duplicate:
        raise Problem("conflict", f"There is a workspace with the slug {workspace.slug}") from None


def list_workspaces(world: World, caller: Caller) -> list[Workspace]:
    """Return the workspaces that the caller sees, newest first."""
    if caller.workspace_id is not None:
        return [find_workspace(world, caller, caller.workspace_id)]
    return list(world.store.each(WORKSPACES, "of_account", caller.account_id, newest_first=True))


def find_workspace(world: World, caller: Caller, workspace_id: str) -> Workspace:
    """Return a workspace by id; 404 if the caller does not see it."""
    workspace = world.store.get(WORKSPACES, workspace_id.lower())
    if workspace is None or not caller.sees(workspace.account_id, workspace.id):
        raise Problem("not_found", "Workspace not found")
    return workspace


def default_workspace(world: World, account_id: str) -> Workspace:
    """Return the default workspace of a tenant."""
    workspace = world.store.find(WORKSPACES, "default", account_id)
    assert workspace is not None, "every tenant has one, and it cannot be deleted"
    return workspace


def choose_workspace(world: World, caller: Caller, given: str | None) -> Workspace:
    """Return the workspace of something new: a workspace key's own, else the given or the default one.

    403 if a workspace key gives another than its own, 404 for one that is not the tenant's.
    """
    if caller.workspace_id is not None:
        if given is not None and given.lower() != caller.workspace_id:
            raise Problem("forbidden", "A workspace key works in its own workspace only")
        given = caller.workspace_id
    return default_workspace(world, caller.account_id) if given is None else find_workspace(world, caller, given)


# Keys


def create_key(world: World, workspace: Workspace, name: str | None) -> WorkspaceKey:
    """Make a new key of a workspace."""
    return add_key(world, workspace, name, world.new_id(NAME, "workspace_key", workspace.id))


def add_key(world: World, workspace: Workspace, name: str | None, key: str) -> WorkspaceKey:
    """Let a key open a workspace."""
    now = world.now()
    world.store.add(CREDENTIALS, Credential(key, NAME, workspace.account_id, WORKSPACE, name or "", now, workspace.id))
    key_id = world.new_id(NAME, "workspace_key_id", workspace.id)
    n = world.store.tick(WORKSPACE_KEYS.name, workspace.id)
    return world.store.add(WORKSPACE_KEYS, WorkspaceKey(key_id, workspace.id, name, key, now, n))


def list_keys(world: World, workspace: Workspace) -> list[WorkspaceKey]:
    """Return the keys of a workspace, newest first."""
    return list(world.store.each(WORKSPACE_KEYS, "of_workspace", workspace.id, newest_first=True))


def find_key(world: World, workspace: Workspace, key_id: str) -> WorkspaceKey:
    """Return a key of a workspace by id; 404 if there is none."""
    key = world.store.get(WORKSPACE_KEYS, key_id.lower())
    if key is None or key.workspace_id != workspace.id:
        raise Problem("not_found", "Key not found")
    return key


def revoke_key(world: World, key: WorkspaceKey) -> None:
    """Let a key open nothing more."""
    world.store.remove(WORKSPACE_KEYS, key.id)
    world.store.remove(CREDENTIALS, key.key)
