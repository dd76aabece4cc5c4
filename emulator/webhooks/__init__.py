"""Webhooks: who is told of which events, what they are sent and how it is signed, and what became of each delivery.

A provider says what is its own in a `Dialect`; everything else exists once.
"""

from emulator.webhooks.deliveries import DELIVERIES, Attempt, Delivery
from emulator.webhooks.dialect import Dialect, Occurrence, Posting, hex_hmac
from emulator.webhooks.publishing import publish, replay
from emulator.webhooks.subscriptions import SUBSCRIPTIONS, Subscription, subscribe

__all__ = [
    "DELIVERIES",
    "SUBSCRIPTIONS",
    "Attempt",
    "Delivery",
    "Dialect",
    "Occurrence",
    "Posting",
    "Subscription",
    "hex_hmac",
    "publish",
    "replay",
    "subscribe",
]
