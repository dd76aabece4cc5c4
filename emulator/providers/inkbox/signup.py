"""Inkbox's agents that register themselves: a code goes to their human, and limits hold until it comes back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from emulator.mail import Draft, Mailbox, addresses
from emulator.mail.postoffice import receive
from emulator.provider import Problem, slow_down
from emulator.providers.inkbox.resources import (
    ORGANIZATIONS,
    Identity,
    Organization,
    add_organization,
    create_identity,
    existing_mailbox,
)
from emulator.providers.inkbox.settings import NAME
from emulator.world import CREDENTIALS, Collection, Credential, World
from emulator.world.quotas import count_today, until_midnight

_CODE_LIFETIME: Final = timedelta(hours=48)
_COOL_DOWN: Final = timedelta(minutes=5)
_TRIES: Final = 5
_DAILY_UNCLAIMED: Final = 10
_DAILY_CLAIMED: Final = 500
_SENDER: Final = "no-reply@inkbox.ai"


@dataclass(frozen=True, slots=True)
class Signup:
    """A registration; `id` is the account's."""

    id: str
    human_email: str
    note: str
    code: str
    sent_at: datetime
    tries_left: int
    claimed: bool = False
    unclaimed_sends: int = _DAILY_UNCLAIMED

    @property
    def claim_status(self) -> str:
        """The status word of the API."""
        return "agent_claimed" if self.claimed else "agent_unclaimed"

    @property
    def sends_per_day(self) -> int:
        """How many mails the agent may send in one UTC day."""
        return _DAILY_CLAIMED if self.claimed else self.unclaimed_sends


SIGNUPS: Collection[Signup] = Collection("inkbox.signups")


@dataclass(frozen=True, slots=True)
class Registration:
    """What a registration made, for the one answer that shows the key."""

    signup: Signup
    organization: Organization
    identity: Identity
    mailbox: Mailbox
    api_key: str


Maker = Callable[[Organization, str], Identity]
"""Makes the identity of a new organization, with its mailbox; the text is a handle that nobody has."""


def register(
    world: World,
    human_email: str,
    note: str,
    display_name: str | None,
    make: Maker | None = None,
    *,
    unclaimed_sends: int = _DAILY_UNCLAIMED,
    confined: bool = False,
) -> Registration:
    """Make an unclaimed agent with organization, identity, mailbox and key, and mail the code to its human.

    `make` is how the identity is made, `confined` whether the key is confined to it.
    """
    scope = addresses.normalize(human_email)
    organization = add_organization(world, world.new_id(NAME, "provisional_account", scope), display_name or "Agent")
    handle = f"{_slug(display_name)}-{world.new_id(NAME, 'handle_suffix', scope)}"
    if make is None:
        identity = create_identity(
            world, organization, handle, {"display_name": display_name, "email_local_part": handle}
        )
    else:
        identity = make(organization, handle)
    key = world.new_id(NAME, "api_key", scope)
    subject = identity.id if confined else None
    world.store.add(CREDENTIALS, Credential(key, NAME, organization.id, "agent", "Agent signup", world.now(), subject))
    signup = Signup(organization.id, human_email, note, "", world.now(), 0, unclaimed_sends=unclaimed_sends)
    signup = world.store.add(SIGNUPS, signup)
    mailbox = existing_mailbox(world, identity)
    return Registration(_send_code(world, signup), organization, identity, mailbox, key)


def signup_of(world: World, organization: Organization) -> Signup:
    """Return the registration of an organization; 404 if it did not register itself."""
    signup = world.store.get(SIGNUPS, organization.id)
    if signup is None:
        raise Problem("not_found", "This API key does not belong to a self-registered agent")
    return signup


def verify(world: World, organization: Organization, code: str) -> tuple[Organization, Signup]:
    """Claim the agent if the code is right; 400 if it is wrong, older than 48 hours, or five tries are used up."""
    signup = signup_of(world, organization)
    if signup.claimed:
        return organization, signup
    if signup.tries_left == 0:
        raise _bad_code("No tries are left; request a new code")
    if world.now() >= signup.sent_at + _CODE_LIFETIME:
        raise _bad_code("The verification code has expired; request a new one")
    if code != signup.code:
        world.store.put(SIGNUPS, replace(signup, tries_left=signup.tries_left - 1))
        raise _bad_code("The verification code is wrong")
    public_id = world.derived_id(NAME, "account", "claimed", organization.id)
    claimed = world.store.put(ORGANIZATIONS, replace(organization, organization_id=public_id))
    return claimed, world.store.put(SIGNUPS, replace(signup, claimed=True))


def resend(world: World, organization: Organization) -> Signup:
    """Mail a new code; 429 within five minutes of the last one."""
    signup = signup_of(world, organization)
    ready_at = signup.sent_at + _COOL_DOWN
    if not signup.claimed and world.now() < ready_at:
        raise slow_down("A code was sent less than five minutes ago", ready_at - world.now())
    return signup if signup.claimed else _send_code(world, signup)


def restrictions(signup: Signup) -> dict[str, object]:
    """Return what the agent may do, as the API shows it."""
    return {
        "max_sends_per_day": signup.sends_per_day,
        "allowed_recipients": [] if signup.claimed else [signup.human_email],
        "can_receive": True,
        "can_create_mailboxes": signup.claimed,
    }


def check_may_create_mailbox(world: World, organization: Organization) -> None:
    """Refuse with 403 while the agent is unclaimed."""
    signup = world.store.get(SIGNUPS, organization.id)
    if signup is not None and not signup.claimed:
        raise Problem("forbidden", "An unclaimed agent cannot create mailboxes")


def check_may_send(world: World, organization: Organization, recipients: list[str]) -> None:
    """Refuse other recipients than the human (403), and more than the daily number of mails (429)."""
    signup = world.store.get(SIGNUPS, organization.id)
    if signup is None:
        return
    human = addresses.normalize(signup.human_email)
    if not signup.claimed and any(addresses.normalize(recipient) != human for recipient in recipients):
        raise Problem("forbidden", f"An unclaimed agent may only send to {signup.human_email}")
    if count_today(world, "inkbox.sends", organization.id) > signup.sends_per_day:
        raise slow_down(f"The daily limit of {signup.sends_per_day} messages is reached", until_midnight(world))


def _send_code(world: World, signup: Signup) -> Signup:
    code = world.new_id(NAME, "verification_code", signup.id)
    text = f"An agent asks for your approval.\n\n{signup.note}\n\nIts verification code is {code}.\n"
    receive(world, Draft(_SENDER, "Inkbox", [signup.human_email], f"Your verification code is {code}", text))
    return world.store.put(SIGNUPS, replace(signup, code=code, sent_at=world.now(), tries_left=_TRIES))


def _slug(display_name: str | None) -> str:
    words = re.findall(r"[a-z0-9]+", (display_name or "").lower())
    return "-".join(words)[:40].strip("-") or "agent"


def _bad_code(message: str) -> Problem:
    return Problem("refused", message, keep_changes=True)
