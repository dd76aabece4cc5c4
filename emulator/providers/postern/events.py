"""Postern's webhooks: mail that came in, told without its bodies, signed with the time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from emulator.providers.postern import wire
from emulator.providers.postern.resources import MESSAGE_RECEIVED
from emulator.webhooks import Dialect, Occurrence, Posting, hex_hmac
from emulator.world import World

_TOLD: Final = ("id", "thread_id", "from", "subject", "received_at")


def _payload(_world: World, about: Occurrence) -> Mapping[str, Any]:
    assert about.mail is not None, "all events are about mail"
    assert about.mailbox is not None, "which is in an inbox"
    shown = wire.message(about.mail.message)
    message = {name: shown[name] for name in _TOLD}
    return {"event": about.event_type, "inbox": about.mailbox.address, "message": message}


def _headers(_world: World, posting: Posting) -> dict[str, str]:
    signature = hex_hmac(posting.subscription.secret or "", f"{posting.unix_time}.".encode() + posting.body)
    return {
        "X-Postern-Event": posting.delivery.event_type,
        "X-Postern-Signature": f"t={posting.unix_time},v1={signature}",
    }


DIALECT: Final = Dialect({"received": MESSAGE_RECEIVED}, _payload, _headers)
