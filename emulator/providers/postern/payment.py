"""Postern's paid provisioning by x402: a challenge, a signed payload, and mailboxes once it is settled."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from emulator.provider import Problem
from emulator.providers.postern.enrollment import SEED
from emulator.world import Collection, World

MAILBOXES_BOUGHT: Final = 5

CHALLENGE: Final = {
    "network": "eip155:84532",
    "asset": "USDC",
    "amount": "5000000",
    "resource": f"mailboxes:{MAILBOXES_BOUGHT}",
    "facilitator": "https://x402.org/facilitator",
}
"""What is asked for, as the body of a 402 shows it; amounts are millionths of a USDC."""

PAY_TO: Final = SEED["pay_to"]

_SIGNATURE: Final = re.compile(r"^0x[0-9a-fA-F]{130}$")
_WALLET: Final = re.compile(r"^0x[0-9a-fA-F]{40}$")
_NONCE: Final = re.compile(r"^0x[0-9a-fA-F]{64}$")
_NUMBER: Final = re.compile(r"^[0-9]{1,78}$")


@dataclass(frozen=True, slots=True)
class Settlement:
    """A payment that was settled; `id` is payer and nonce, so that none counts twice."""

    id: str
    account_id: str
    settled_at: datetime


@dataclass(frozen=True, slots=True)
class Balance:
    """The mailboxes that an organization paid for and has not provisioned; `id` is the account's."""

    id: str
    mailboxes: int


SETTLEMENTS: Collection[Settlement] = Collection("postern.settlements")
BALANCES: Collection[Balance] = Collection("postern.balances")


def challenge_header() -> str:
    """Return the challenge as the header PAYMENT-REQUIRED carries it."""
    network, asset, amount, resource, facilitator = CHALLENGE.values()
    return (
        f"network={network}; asset={asset}; amount={amount}; pay_to={PAY_TO}; "
        f"resource={resource}; facilitator={facilitator}"
    )


def purchase(world: World, account_id: str, payload: str | None, *, settles: bool) -> Balance:
    """Settle a payment and credit what it buys; 402 without one, and for one that does not hold."""
    if payload is None:
        raise Problem("payment_required", "Paid action. Sign the EIP-3009 authorization and retry.")
    authorization = _authorization(payload)
    _check_authorization(world, authorization)
    settlement_id = f"{authorization['from']}:{authorization['nonce']}".lower()
    if world.store.get(SETTLEMENTS, settlement_id) is not None:
        raise _bad_payment("its nonce was used before")
    if not settles:
        raise _bad_payment("the facilitator did not settle it")
    world.store.add(SETTLEMENTS, Settlement(settlement_id, account_id, world.now()))
    return _credit(world, account_id, MAILBOXES_BOUGHT)


def spend_mailbox(world: World, account_id: str, payload: str | None, *, settles: bool) -> None:
    """Take one mailbox from the balance, after a purchase if there is none left."""
    balance = world.store.get(BALANCES, account_id)
    if balance is None or balance.mailboxes == 0:
        purchase(world, account_id, payload, settles=settles)
    _credit(world, account_id, -1)


def _credit(world: World, account_id: str, mailboxes: int) -> Balance:
    balance = world.store.get(BALANCES, account_id)
    if balance is None:
        return world.store.add(BALANCES, Balance(account_id, mailboxes))
    return world.store.put(BALANCES, replace(balance, mailboxes=balance.mailboxes + mailboxes))


def _authorization(payload: str) -> Mapping[str, Any]:
    """Return the EIP-3009 authorization of a signed payload."""
    try:
        content = json.loads(base64.b64decode(payload, validate=True))
        signed = content["payload"]
        signature, authorization = signed["signature"], signed["authorization"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise _bad_payment("it is not the Base64 of an x402 payload") from None
    if not isinstance(signature, str) or not _SIGNATURE.match(signature):
        raise _bad_payment("its signature is not one of 65 bytes")
    if not isinstance(authorization, dict):
        raise _bad_payment("it carries no authorization")
    return authorization


def _check_authorization(world: World, authorization: Mapping[str, Any]) -> None:
    """Refuse an authorization that is not for this challenge and this moment."""
    given = {
        name: str(authorization.get(name)) for name in ("from", "to", "value", "validAfter", "validBefore", "nonce")
    }
    if not _WALLET.match(given["from"]) or not _NONCE.match(given["nonce"]):
        raise _bad_payment("its from or nonce is missing or malformed")
    if given["to"].lower() != PAY_TO or given["value"] != CHALLENGE["amount"]:
        raise _bad_payment(f"it must transfer {CHALLENGE['amount']} to {PAY_TO}")
    after, before = given["validAfter"], given["validBefore"]
    if not _NUMBER.match(after) or not _NUMBER.match(before):
        raise _bad_payment("its validAfter or validBefore is missing or malformed")
    if not int(after) <= world.now().timestamp() < int(before):
        raise _bad_payment("it is not valid at this time")


def _bad_payment(why: str) -> Problem:
    return Problem("payment_required", f"The payment was refused: {why}.")
