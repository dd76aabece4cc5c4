"""Failures on demand: rules that match a request, a mail or an SMTP dialogue, and what they do to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal, TypeVar

if TYPE_CHECKING:
    from emulator.world.world import World

SmtpStage = Literal["connect", "helo", "mail", "rcpt", "data"]


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer a request with an error status instead of doing it.

    `code` is the provider's word for it, `message` its text; `retry_after` are seconds that the answer says to wait.
    """

    status: int
    message: str | None = None
    code: str | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """Answer a request `seconds` of real time later; on a virtual clock at once, with the clock moved on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection without an answer: before the request does anything, or `after` all of it is done."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class Truncate:
    """Do the request, and close the connection after the first `keep` bytes of the answer's body if it has more."""

    keep: int = 1


@dataclass(frozen=True, slots=True)
class SmtpReply:
    """Answer a stage of an SMTP dialogue with this line, such as `451 4.3.0 Try again later`."""

    stage: SmtpStage
    reply: str


@dataclass(frozen=True, slots=True)
class Become:
    """Give a mail a fate, such as `bounce`, its first step `seconds` later on the world's clock.

    `status` (such as `5.2.2`) and `reply` are what the refusing server says, if not what it usually does. The fate
    `delay` waits 60 seconds unless told otherwise.
    """

    fate: str
    seconds: float = 0
    status: str | None = None
    reply: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookFault:
    """Post a webhook `twice`, `late` by seconds of the world's clock, or `tamper` with its signature.

    The operation of the rule is the name of the event. Later deliveries overtake a late one.
    """

    twice: bool = False
    late: float = 0
    tamper: bool = False


Effect = Respond | Latency | Drop | Truncate | SmtpReply | Become | WebhookFault
NAMES: Final[Mapping[type[Effect], str]] = {
    Respond: "respond",
    Latency: "latency",
    Drop: "drop",
    Truncate: "truncate",
    SmtpReply: "smtp",
    Become: "mail",
    WebhookFault: "webhook",
}
"""What a tester calls each effect."""

OF_REQUESTS: Final = (Respond, Latency, Drop, Truncate)

E = TypeVar("E", Respond, Latency, Drop, Truncate, SmtpReply, Become, WebhookFault)


@dataclass(slots=True)
class FaultRule:
    """An effect, and what it strikes: the `nth` matching occasion and those after it, `times` in all.

    What is None matches anything; `operation` may be `*`, `recipient` is an address with `*` for any letters, `subject`
    a part of the subject; both without case. `times` None means until it is removed, or until the world's clock
    reaches `until`. `probability` is that of striking, the same in every run with the same seed. `seen` and `hits`
    count what it matched and what it struck. `scenario` names the scenario that it came with.
    """

    id: str
    effect: Effect
    provider: str | None = None
    operation: str | None = None
    account: str | None = None
    recipient: str | None = None
    subject: str | None = None
    nth: int = 1
    times: int | None = 1
    probability: float = 1.0
    until: datetime | None = None
    scenario: str | None = None
    seen: int = 0
    hits: int = 0

    def matches(self, occasion: Occasion) -> bool:
        """Tell whether this rule is about an occasion."""
        return (
            self.provider in (None, occasion.provider)
            and self.operation in (None, "*", occasion.operation)
            and self.account in (None, occasion.account)
            and (self.recipient is None or any(self._is_to(address) for address in occasion.recipients()))
            and (self.subject is None or self.subject.lower() in (occasion.subject() or "").lower())
        )

    def _is_to(self, address: str) -> bool:
        return fnmatchcase(address.lower(), (self.recipient or "").lower())


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that a rule may strike. What costs to find out is asked for only if a rule wants to know it."""

    provider: str | None = None
    operation: str | None = None
    account: str | None = None
    recipients: Callable[[], Iterable[str]] = tuple
    subject: Callable[[], str | None] = str


class Faults:
    """The fault rules of a world, in the order in which they were added."""

    __slots__ = ("_added", "_rules", "_world")

    def __init__(self, world: World, rules: Iterable[FaultRule] = (), added: int = 0) -> None:
        self._world = world
        self._rules = list(rules)
        self._added = added

    def __iter__(self) -> Iterator[FaultRule]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def add(
        self,
        effect: Effect,
        *,
        provider: str | None = None,
        operation: str | None = None,
        account: str | None = None,
        recipient: str | None = None,
        subject: str | None = None,
        nth: int = 1,
        times: int | None = 1,
        probability: float = 1.0,
        until: datetime | None = None,
        scenario: str | None = None,
    ) -> FaultRule:
        """Add a rule and return it; ValueError for counts below 1 and what is no probability.

        Whether a provider documents the error is for the caller to check.
        """
        if nth < 1 or (times is not None and times < 1):
            raise ValueError(f"nth and times count from 1, got nth={nth}, times={times}")
        if not 0 < probability <= 1:
            raise ValueError(f"a probability is above 0 and at most 1, got {probability}")
        self._added += 1
        match = (provider, operation, account, recipient, subject, nth, times, probability, until, scenario)
        rule = FaultRule(f"fault-{self._added}", effect, *match)
        self._rules.append(rule)
        return rule

    def remove(self, rule_id: str) -> bool:
        """Remove a rule; tell whether it was there."""
        kept = [rule for rule in self._rules if rule.id != rule_id]
        removed = len(kept) < len(self._rules)
        self._rules = kept
        return removed

    def clear(self) -> None:
        """Remove all rules."""
        self._rules = []

    def fork(self, world: World) -> Faults:
        """Return rules of their own for another world, that have counted what these have."""
        return Faults(world, map(replace, self._rules), self._added)

    def at_request(self, occasion: Occasion) -> list[FaultRule]:
        """Return the rules that strike a request: every latency, and the first other effect."""
        struck: list[FaultRule] = []
        for rule in self._rules:
            is_last = not isinstance(rule.effect, Latency)
            if isinstance(rule.effect, OF_REQUESTS) and self._strikes(rule, occasion):
                struck.append(rule)
                if is_last:
                    break
        return struck

    def take(self, kind: type[E], occasion: Occasion, where: Callable[[E], bool] = lambda _: True) -> E | None:
        """Return the effect of the first rule with this kind of effect that strikes, or None."""
        for rule in self._rules:
            effect = rule.effect
            if isinstance(effect, kind) and where(effect) and self._strikes(rule, occasion):
                return effect
        return None

    def _strikes(self, rule: FaultRule, occasion: Occasion) -> bool:
        """Count an occasion if the rule is about it, and tell whether the rule strikes; the journal notes that."""
        now = self._world.now()
        if (rule.until is not None and now >= rule.until) or not rule.matches(occasion):
            return False
        rule.seen += 1
        spent = rule.times is not None and rule.hits >= rule.times
        if rule.seen < rule.nth or spent or self._chance(rule) >= rule.probability:
            return False
        rule.hits += 1
        name, details = NAMES[type(rule.effect)], {"provider": occasion.provider or ""}
        self._world.journal.note(now, "fault", rule=rule.id, effect=name, operation=occasion.operation or "", **details)
        return True

    def _chance(self, rule: FaultRule) -> float:
        """Return a number from 0 to 1 that the seed, the rule and its count decide."""
        return int.from_bytes(self._world.secret("chance", rule.id, str(rule.seen))[:6], "big") / (1 << 48)
