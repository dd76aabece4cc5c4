"""Fault rules as testers write them: what is right becomes a rule, what is wrong is said with the nearest match."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator import Emulator
from emulator.fault_rules import EFFECTS, add_rule, rule_json, schema
from emulator.world.clock import VIRTUAL_START
from emulator.world.faults import NAMES, Become, Drop, Latency, Respond, SmtpReply, Truncate, WebhookFault

_GOOD: list[tuple[dict[str, Any], object]] = [
    ({"provider": "inkbox", "operation": "whoami", "status": 429}, Respond(429)),
    (
        {"effect": "respond", "provider": "inkbox", "status": 429, "message": "No", "code": "x", "retry_after": 1.5},
        Respond(429, "No", "x", 1.5),
    ),
    ({"effect": "latency", "seconds": 0.5}, Latency(0.5)),
    ({"effect": "drop"}, Drop()),
    ({"effect": "drop", "after": True}, Drop(after=True)),
    ({"effect": "truncate"}, Truncate()),
    ({"effect": "truncate", "keep": 0}, Truncate(0)),
    ({"effect": "smtp", "stage": "rcpt", "reply": "451 4.3.0 Later"}, SmtpReply("rcpt", "451 4.3.0 Later")),
    ({"effect": "mail", "fate": "delay", "seconds": 5}, Become("delay", 5)),
    (
        {"effect": "mail", "fate": "bounce", "status": "5.2.2", "reply": "552 Größe"},
        Become("bounce", status="5.2.2", reply="552 Größe"),
    ),
    ({"effect": "webhook", "provider": "inkbox", "operation": "message.sent", "late": 5}, WebhookFault(late=5)),
]


@pytest.mark.parametrize(("given", "effect"), _GOOD)
def test_a_rule_is_what_was_written(emulator: Emulator, given: dict[str, Any], effect: object) -> None:
    rule = add_rule(emulator.world, given)
    assert (rule.effect, list(emulator.world.faults)) == (effect, [rule])


@pytest.mark.parametrize(("given", "effect"), _GOOD)
def test_a_rule_is_shown_as_it_was_written(emulator: Emulator, given: dict[str, Any], effect: object) -> None:
    shown = rule_json(add_rule(emulator.world, given))
    assert {name: shown[name] for name in given} == given
    assert shown["effect"] == NAMES[type(effect)]  # type: ignore[index]  # one of the effects
    assert (shown["id"], shown["nth"], shown["times"], shown["seen"], shown["hits"]) == ("fault-1", 1, 1, 0, 0)


def test_every_effect_has_a_name_and_a_schema() -> None:
    assert set(NAMES.values()) == set(EFFECTS) == {NAMES[type(effect)] for _, effect in _GOOD}  # type: ignore[index]
    for name in EFFECTS:
        assert {"provider", "operation", "account", "recipient", "subject", "nth"} <= schema(name)["properties"].keys()


@pytest.mark.parametrize(
    ("given", "until"),
    [
        ({}, None),
        ({"for": "90s"}, VIRTUAL_START + timedelta(seconds=90)),
        ({"for": "1h"}, VIRTUAL_START + timedelta(hours=1)),
        ({"until": "2026-01-02"}, datetime(2026, 1, 2, tzinfo=UTC)),
        ({"until": "2026-01-02T01:00:00+01:00"}, datetime(2026, 1, 2, tzinfo=UTC)),
        ({"until": None}, None),
    ],
)
def test_a_rule_ends_when_it_says(emulator: Emulator, given: dict[str, Any], until: datetime | None) -> None:
    rule = add_rule(emulator.world, {"effect": "drop", **given})
    assert rule.until == until
    assert (rule_json(rule)["until"] is None) == (until is None)


def test_a_whole_number_may_be_written_with_a_point(emulator: Emulator) -> None:
    rule = add_rule(emulator.world, {"effect": "truncate", "keep": 4.0, "nth": 2.0, "times": 3.0})
    assert [(type(each), each) for each in (rule.effect, rule.nth, rule.times)] == [
        (Truncate, Truncate(4)),
        (int, 2),
        (int, 3),
    ]
    assert type(rule.effect.keep) is int  # type: ignore[union-attr]  # looked at above


_BAD: list[tuple[dict[str, Any], str]] = [
    # The effect
    ({"effect": "repsond"}, r"effect: 'repsond' is none; did you mean 'respond'\?"),
    ({"effect": "explode"}, "effect: 'explode' is none; choose from respond, latency, drop, truncate, smtp, mail, web"),
    ({"effect": ["drop"]}, r"effect: \['drop'\] is none"),
    ({"effect": None}, "effect: None is none"),
    ({"effect": 7}, "effect: 7 is none"),
    # Its fields
    ({"effect": "mail", "fate": "bounce", "recipent": "x"}, "recipent: the effect mail has no.*mean 'recipient'"),
    ({"effect": "drop", "afterwards": True}, r"afterwards: the effect drop has no such field; did you mean 'after'\?"),
    ({"effect": "drop", "status": 500}, "status: the effect drop has no such field"),
    ({"effect": "drop", "zzz": 1}, "zzz: the effect drop has no such field; choose from .*after"),
    ({"effect": "mail"}, '"fate" is a required property'),
    ({"effect": "latency"}, '"seconds" is a required property'),
    ({"effect": "smtp", "stage": "rcpt"}, '"reply" is a required property'),
    ({"provider": "inkbox"}, '"status" is a required property'),
    ({"effect": "mail", "fate": "bonce"}, r"fate: 'bonce' is none; did you mean 'bounce'\?"),
    ({"effect": "mail", "fate": "x"}, "fate: 'x' is none; choose from auto-reply, bounce, .*success"),
    ({"effect": "mail", "fate": ["bounce"]}, r"fate: \['bounce'\] is none"),
    ({"effect": "mail", "fate": "bounce", "status": "550"}, 'status: "550" does not match'),
    ({"effect": "mail", "fate": "bounce", "reply": "a\r\nb"}, "reply: .*does not match"),
    ({"effect": "mail", "fate": "bounce", "reply": "a\0b"}, "reply: .*does not match"),
    ({"effect": "mail", "fate": "bounce", "reply": "x" * 501}, "reply: .*longer than 500"),
    ({"effect": "smtp", "stage": "rctp", "reply": "451 x"}, r"stage: 'rctp' is none; did you mean 'rcpt'\?"),
    ({"effect": "smtp", "stage": "rcpt", "reply": "250 Ok"}, 'reply: "250 Ok" does not match'),
    ({"effect": "smtp", "stage": "rcpt", "reply": "451 a\r\n250 b"}, "reply: .*does not match"),
    ({"effect": "latency", "seconds": "1s"}, 'seconds: "1s" is not of type "number"'),
    ({"effect": "latency", "seconds": -1}, "seconds: -1 is less than the minimum of 0"),
    ({"effect": "latency", "seconds": 1e9}, "seconds: .*greater than the maximum"),
    ({"effect": "latency", "seconds": math.nan}, "seconds: "),
    ({"effect": "latency", "seconds": math.inf}, "seconds: "),
    ({"effect": "truncate", "keep": -1}, "keep: -1 is less than the minimum of 0"),
    ({"effect": "truncate", "keep": 1.5}, 'keep: 1.5 is not of type "integer"'),
    ({"effect": "drop", "after": "yes"}, 'after: "yes" is not of type "boolean"'),
    ({"provider": "inkbox", "status": 200}, "status: 200 is less than the minimum of 400"),
    ({"provider": "inkbox", "status": "429"}, 'status: "429" is not of type "integer"'),
    # What it strikes
    ({"status": 429}, "provider: say whose requests are answered like that"),
    ({"effect": "drop", "provider": "inkbx"}, r"no provider 'inkbx'; did you mean 'inkbox'\?"),
    ({"effect": "drop", "provider": "zzz"}, "no provider 'zzz'; choose from inboxai, inkbox"),
    ({"effect": "drop", "operation": "whoami"}, "operation: say which provider 'whoami' is of"),
    ({"effect": "drop", "provider": "inkbox", "operation": "send_mesage"}, r"did you mean send_message\?"),
    ({"effect": "drop", "provider": "inkbox", "operation": "zzz"}, "inkbox has no operation 'zzz'; see `emulator cov"),
    ({"provider": "inkbox", "operation": "whoami", "status": 418}, r"whoami does not document 418 \(it knows .*401"),
    ({"effect": "drop", "provider": 7}, "provider: 7 is not of types"),
    ({"effect": "drop", "nth": 0}, "nth: 0 is less than the minimum of 1"),
    ({"effect": "drop", "times": 0}, "times: 0 is less than the minimum of 1"),
    ({"effect": "drop", "times": True}, "times: true is not of types"),
    ({"effect": "drop", "probability": 0}, "probability: 0 is less than or equal to the minimum of 0"),
    ({"effect": "drop", "probability": 1.5}, "probability: 1.5 is greater than the maximum of 1"),
    # What would never strike
    ({"effect": "mail", "fate": "bounce", "provider": "inkbox", "operation": "*"}, "operation: mail knows nothing of"),
    ({"effect": "smtp", "stage": "data", "reply": "451 x", "provider": "inkbox"}, "provider: smtp knows nothing of it"),
    ({"effect": "smtp", "stage": "data", "reply": "451 x", "account": "a"}, "account: smtp knows nothing of it"),
    ({"effect": "smtp", "stage": "mail", "reply": "451 x", "recipient": "a"}, "recipient: stage mail knows nothing"),
    ({"effect": "smtp", "stage": "rcpt", "reply": "451 x", "subject": "a"}, "subject: stage rcpt knows nothing of it"),
    ({"effect": "webhook", "subject": "a"}, "subject: webhook knows nothing of it"),
    # How long
    ({"effect": "drop", "until": "soon"}, "until: not a time: 'soon'"),
    ({"effect": "drop", "until": ""}, "until: not a time"),
    ({"effect": "drop", "until": "9999-12-31T23:59:59-23:00"}, "until: no calendar reaches"),
    ({"effect": "drop", "for": "a while"}, "for: not a duration: 'a while'"),
    ({"effect": "drop", "for": "99999999d"}, "for: no calendar reaches '99999999d'"),
    ({"effect": "drop", "for": 90}, "for: 90 is not of type"),
    ({"effect": "drop", "for": "1h", "until": "2026-01-02"}, "until, for: give one of them"),
    ({"effect": "drop", "until": datetime(2026, 1, 2, tzinfo=UTC)}, "Unsupported type"),
]


@pytest.mark.parametrize(("given", "words"), _BAD)
def test_a_bad_rule_says_what_is_wrong_and_is_not_added(emulator: Emulator, given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        add_rule(emulator.world, given)
    assert len(emulator.world.faults) == 0


def test_force_leaves_the_contract_unasked(emulator: Emulator) -> None:
    rule = emulator.fault("respond", provider="inkbox", operation="whoami", status=418, force=True)
    assert (rule.effect, rule.operation) == (Respond(418), "whoami")


def test_force_does_not_make_sense_of_nonsense(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="fate"):
        emulator.fault("mail", fate="bonce", force=True)


def test_a_status_of_any_operation_will_do_for_all_of_them(emulator: Emulator) -> None:
    assert emulator.fault("respond", provider="inkbox", status=422).operation is None
    with pytest.raises(ValueError, match=r"\* does not document 418"):
        emulator.fault("respond", provider="inkbox", operation="*", status=418)


def test_rules_may_come_with_the_world() -> None:
    rules = [{"effect": "drop"}, {"effect": "mail", "fate": "bounce"}]
    with Emulator(faults=rules) as emulator:
        assert [rule.effect for rule in emulator.world.faults] == [Drop(), Become("bounce")]
    with pytest.raises(ValueError, match="fate"):
        Emulator(faults=[{"effect": "mail", "fate": "bonce"}])


def test_the_journal_calls_an_effect_what_its_rule_does(emulator: Emulator) -> None:
    emulator.fault("mail", fate="success")
    emulator.receive("jane@example.com", "Hello")
    [entry] = emulator.journal("fault")
    assert (entry["rule"], entry["effect"]) == ("fault-1", "mail")
