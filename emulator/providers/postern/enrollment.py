"""Postern's keys: organizations, enrollment tokens, the agents that redeem them, scopes and quota."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any, Final, NamedTuple

from emulator.provider import Problem
from emulator.providers.postern.settings import NAME
from emulator.world import ACCOUNTS, CREDENTIALS, Account, Collection, Credential, World, parse_timestamp

SEED: Final[Mapping[str, str]] = json.loads(files(__package__).joinpath("seed.json").read_text("utf-8"))

CREATE: Final = "mailbox:create"
READ: Final = "mailbox:read"
SEND: Final = "mailbox:send"
SCOPES: Final = (CREATE, READ, SEND)

_AGENT: Final = "agent"
_ADMIN: Final = "admin"
_ADMIN_PREFIX: Final = "pk_admin_"
_KEY_LIFETIME: Final = timedelta(hours=24)
_DEFAULT_QUOTA: Final = 5
_GENEROUS_QUOTA: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class EnrollmentToken:
    """An enrollment key `pk_enroll_<id>_<secret>`. `used_count` counts the mailboxes it ever minted."""

    id: str
    key: str
    account_id: str
    label: str | None
    scopes: tuple[str, ...]
    allowed_domains: tuple[str, ...]
    max_mailboxes: int
    reusable: bool
    expires_at: datetime | None
    created_at: datetime
    used_count: int = 0
    redeemed: bool = False
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Agent:
    """Who redeemed a token. A handle names one agent of its organization."""

    id: str
    account_id: str
    handle: str | None
    created_at: datetime


class Enrollment(NamedTuple):
    """What redeeming a token gave, for the one answer that shows the agent's key."""

    agent: Agent
    key: Credential
    token: EnrollmentToken


TOKENS: Collection[EnrollmentToken] = Collection("postern.enrollment_tokens", unique={"key": lambda t: t.key})
AGENTS: Collection[Agent] = Collection(
    "postern.agents", unique={"handle": lambda a: None if a.handle is None else (a.account_id, a.handle)}
)


# Accounts


def seed(world: World) -> None:
    """Give a new world the test organization with its keys: tokens of every state, an agent's, an admin's."""
    account_id = _add_account(world, SEED["api_key"], SEED["organization"])
    token = _generous_token(world, account_id, SEED["enrollment_token"])
    revoked = _generous_token(world, account_id, SEED["revoked_enrollment_token"])
    expired = _generous_token(world, account_id, SEED["expired_enrollment_token"])
    world.store.put(TOKENS, replace(revoked, revoked=True))
    world.store.put(TOKENS, replace(expired, expires_at=world.now()))
    _add_key(world, SEED["api_key"], account_id, token.id, "Test agent")
    world.store.add(CREDENTIALS, Credential(SEED["admin_key"], NAME, account_id, _ADMIN, "Test admin", world.now()))


def open_account(world: World, key: str) -> Credential:
    """Make an organization that this agent's or admin's key belongs to, and return the key's credential."""
    account_id = _add_account(world, key, "Organization")
    if key.startswith(_ADMIN_PREFIX):
        return world.store.add(CREDENTIALS, Credential(key, NAME, account_id, _ADMIN, "Admin", world.now()))
    parts = (world.new_id(NAME, kind, account_id) for kind in ("enrollment_id", "enrollment_secret"))
    token = _generous_token(world, account_id, _token_key(*parts))
    return _add_key(world, key, account_id, token.id, "Agent")


def _add_account(world: World, key: str, name: str) -> str:
    account_id = world.derived_id(NAME, "account", key)
    return world.store.add(ACCOUNTS, Account(account_id, NAME, name, world.now())).id


def _add_key(
    world: World, key: str, account_id: str, token_id: str, label: str, expires_at: datetime | None = None
) -> Credential:
    credential = Credential(key, NAME, account_id, _AGENT, label, world.now(), token_id, expires_at=expires_at)
    return world.store.add(CREDENTIALS, credential)


def _generous_token(world: World, account_id: str, key: str) -> EnrollmentToken:
    token = EnrollmentToken(
        id=_token_id(key),
        key=key,
        account_id=account_id,
        label=None,
        scopes=SCOPES,
        allowed_domains=(),
        max_mailboxes=_GENEROUS_QUOTA,
        reusable=True,
        expires_at=None,
        created_at=world.now(),
    )
    return world.store.add(TOKENS, token)


# What a key allows


def token_of(world: World, credential: Credential, scope: str) -> EnrollmentToken:
    """Return the enrollment token behind an agent's key; 403 for another class of key or a scope it lacks."""
    token = None if credential.subject is None else world.store.get(TOKENS, credential.subject)
    if token is None:
        raise Problem("forbidden", "This needs a scoped agent key")
    if scope not in token.scopes:
        raise Problem("forbidden", f"The key lacks the scope {scope}")
    return token


def check_admin(credential: Credential) -> None:
    """Refuse with 403 any key but an organization's admin key."""
    if credential.kind != _ADMIN:
        raise Problem("forbidden", "This needs the organization's admin key")


def spend_slot(world: World, token: EnrollmentToken) -> EnrollmentToken:
    """Count one mailbox against the quota, for good; 409 when it is used up."""
    _check_quota(token)
    return world.store.put(TOKENS, replace(token, used_count=token.used_count + 1))


def _check_quota(token: EnrollmentToken) -> None:
    if token.used_count >= token.max_mailboxes:
        raise _exhausted(f"it minted its max of {token.max_mailboxes} mailboxes")


def _exhausted(why: str) -> Problem:
    message = f"This enrollment key is exhausted — {why}. Issue a new key."
    return Problem("conflict", message, code="enrollment_token_exhausted")


# Enrollment


def mint_token(world: World, account_id: str, body: Mapping[str, Any]) -> EnrollmentToken:
    """Make an enrollment token as the request body describes it."""
    token_id = world.new_id(NAME, "enrollment_id", account_id)
    expires_at, domains = body.get("expires_at"), body.get("allowed_domains") or ()
    token = EnrollmentToken(
        id=token_id,
        key=_token_key(token_id, world.new_id(NAME, "enrollment_secret", account_id)),
        account_id=account_id,
        label=body.get("label"),
        scopes=tuple(body.get("scopes") or SCOPES),
        allowed_domains=tuple(domain.lower() for domain in domains),
        max_mailboxes=body.get("max_mailboxes") or _DEFAULT_QUOTA,
        reusable=bool(body.get("reusable")),
        expires_at=None if expires_at is None else parse_timestamp(expires_at),
        created_at=world.now(),
    )
    return world.store.add(TOKENS, token)


def redeem(world: World, token_key: str, handle: str | None) -> Enrollment:
    """Redeem a token for an agent's key; a known handle is the same agent and needs no quota.

    401 for a token that is unknown, revoked or expired; 409 when it is used up.
    """
    token = _valid_token(world, token_key)
    agent = None if handle is None else world.store.find(AGENTS, "handle", (token.account_id, handle))
    if agent is None:
        _check_quota(token)
        if token.redeemed and not token.reusable:
            raise _exhausted("it can be redeemed once")
        token = world.store.put(TOKENS, replace(token, redeemed=True))
        agent_id = world.new_id(NAME, "agent", token.account_id)
        agent = world.store.add(AGENTS, Agent(agent_id, token.account_id, handle, world.now()))
    key = world.new_id(NAME, "api_key", token.account_id)
    expires_at = world.now() + _KEY_LIFETIME
    return Enrollment(agent, _add_key(world, key, token.account_id, token.id, agent.id, expires_at), token)


def _valid_token(world: World, key: str) -> EnrollmentToken:
    token = world.store.find(TOKENS, "key", key)
    if token is None:
        raise Problem("unauthorized", "The enrollment key is not valid", code="invalid_enrollment_token")
    if token.revoked:
        raise Problem("unauthorized", "The enrollment key was revoked", code="enrollment_token_revoked")
    if token.expires_at is not None and token.expires_at <= world.now():
        raise Problem("unauthorized", "The enrollment key has expired", code="enrollment_token_expired")
    return token


def _token_key(token_id: str, secret: str) -> str:
    return f"pk_enroll_{token_id}_{secret}"


def _token_id(key: str) -> str:
    return key.split("_")[2]
