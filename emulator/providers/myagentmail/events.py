"""myagentmail's webhooks: flat events about mail, for a tenant or one of its workspaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from emulator.providers.myagentmail import wire
from emulator.providers.myagentmail.resources import INBOXES
from emulator.providers.myagentmail.webhooks import WEBHOOK_SCOPES
from emulator.webhooks import Dialect, Occurrence, Posting, Subscription, hex_hmac
from emulator.world import World, timestamp


def _payload(_world: World, about: Occurrence) -> Mapping[str, Any]:
    assert about.mail is not None, "all events are about mail"
    message = about.mail.message
    shown = wire.message(message)
    return {
        "event": about.event_type,
        "messageId": message.id,
        "inboxId": message.mailbox_id,
        **{name: shown[name] for name in ("threadId", "from", "to", "subject", "plainBody", "htmlBody")},
        "timestamp": timestamp(about.at),
    }


def _headers(_world: World, posting: Posting) -> dict[str, str]:
    return {"X-MyAgentMail-Signature": f"v1={hex_hmac(posting.subscription.secret or '', posting.body)}"}


def _wants(world: World, subscription: Subscription, about: Occurrence) -> bool:
    """Tell whether an inbox is in the workspace that a subscription is confined to, if it is confined."""
    scope = world.store.get(WEBHOOK_SCOPES, subscription.id)
    inbox = None if about.mailbox is None else world.store.get(INBOXES, about.mailbox.id)
    return scope is None or (inbox is not None and inbox.workspace_id == scope.workspace_id)


DIALECT: Final = Dialect(
    {"received": "message.received", "sent": "message.sent", "bounced": "message.bounced"},
    _payload,
    _headers,
    wants=_wants,
)
