"""A day in the life of a thousand mailboxes, under a clock that stands still but for us: `python -m tests.day`."""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections import Counter
from datetime import timedelta
from typing import NamedTuple

from emulator import Account, AccountInbox, Emulator
from emulator.webhooks.receivers import Received
from tests.sending import send_by_api

_HOOK = "https://agent.example/hook"
_FATES = ("bounce", "soft-bounce", "defer", "complaint", "reject", "delay+600", "auto-reply")
_STEPS = 96


class Size(NamedTuple):
    """How much happens."""

    mailboxes: int = 1000
    mails: int = 20_000
    by_api: int = 4_000


class Day:
    """A day that its seed decides: mail in and out, webhooks that fail, caps that reset, keys and links that expire."""

    def __init__(self, size: Size, seed: str = "day") -> None:
        self.size = size
        self.chance = random.Random(seed)  # nothing is secret about a test
        self.emulator = Emulator(seed)
        self.emulator.world.journal.limit = 1 << 40
        self.accounts = [
            self.emulator.account(name) for name in ("inboxai", "inkbox", "myagentmail", "postern", "sendmux")
        ]
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.heard: Counter[str] = Counter()
        self._set_limits()
        self.mailboxes = [self._mailbox(n) for n in range(size.mailboxes)]
        self._subscribe()

    def run(self) -> str:
        """Live the day and return the hash of its journal."""
        for step in range(_STEPS):
            for _ in range(self._share(self.size.mails - self.size.by_api, step)):
                self._receive()
            for _ in range(self._share(self.size.by_api, step)):
                self._send()
            self.emulator.advance(timedelta(minutes=15))
        self.emulator.run_until_idle()
        digest = hashlib.sha256()
        for entry in self.emulator.journal():
            digest.update(json.dumps(entry, sort_keys=True, default=str).encode())
        return digest.hexdigest()

    def _share(self, whole: int, step: int) -> int:
        return whole * (step + 1) // _STEPS - whole * step // _STEPS

    def _set_limits(self) -> None:
        inboxai, _, myagentmail, postern, _ = self.accounts
        inboxai.set("inbox_limit", self.size.mailboxes)
        postern.set("daily_cap", 3)
        myagentmail.set("recipient_safeguard", False)

    def _mailbox(self, n: int) -> tuple[Account, AccountInbox]:
        account = self.accounts[n % len(self.accounts)]
        return account, account.mailbox(f"day{n}")

    def _subscribe(self) -> None:
        self.emulator.receive_webhooks(_HOOK, self._hear)
        for account, path, body in (
            (self.accounts[0], "/api/v0/webhooks", {"event_types": ["message.received", "message.bounced"]}),
            (self.accounts[2], "/v1/webhooks", {"events": ["message.received", "message.bounced"]}),
            (self.accounts[3], "/v1/webhooks", {"events": ["message.received"]}),
            (self.accounts[4], "/api/v1/webhooks", {"event_types": ["ses.bounce", "ses.delivery_delay"]}),
        ):
            made = account.request("POST", path, json={"url": _HOOK, **body})
            assert made.status_code == 201, made.text

    def _hear(self, _received: Received) -> int:
        """Take most webhooks, and fail the rest."""
        answer = 200 if self.chance.random() < 0.8 else 500
        self.heard[f"{answer}"] += 1
        return answer

    def _receive(self) -> None:
        _, mailbox = self.chance.choice(self.mailboxes)
        self.emulator.receive(mailbox.address, f"News {self.chance.randrange(100)}", "Hello")

    def _send(self) -> None:
        account, mailbox = self.chance.choice(self.mailboxes)
        answer = send_by_api(account, mailbox, self._recipient())
        self.statuses[account.provider.name, answer.status_code] += 1

    def _recipient(self) -> str:
        kind = self.chance.random()
        if kind < 0.2:
            return f"{self.chance.choice(_FATES)}@simulator.test"
        return self.chance.choice(self.mailboxes)[1].address if kind < 0.7 else "jane@example.com"


if __name__ == "__main__":
    day = Day(Size(*map(int, sys.argv[1:])))
    print(json.dumps({"hash": day.run(), "statuses": sorted(map(str, day.statuses.items())), "heard": day.heard}))  # noqa: T201
