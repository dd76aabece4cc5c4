"""Fault rules as a tester writes them: in Python, JSON or a file; checked against the contract documents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final

from emulator import providers
from emulator.mail.fates import FATES
from emulator.openapi import Operation
from emulator.provider import choose
from emulator.world import FaultRule, World, parse_duration, parse_moment, timestamp
from emulator.world.faults import NAMES, Become, Drop, Effect, Latency, Respond, SmtpReply, Truncate, WebhookFault

_STAGES: Final = ["connect", "helo", "mail", "rcpt", "data"]
_TEXT: Final = {"type": ["string", "null"]}
_SECONDS: Final = {"type": "number", "minimum": 0, "maximum": 10_000_000}

_EFFECTS: Final[Mapping[str, tuple[type[Effect], Mapping[str, Any], tuple[str, ...]]]] = {
    "respond": (
        Respond,
        {
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "message": _TEXT,
            "code": _TEXT,
            "retry_after": {**_SECONDS, "type": ["number", "null"]},
        },
        ("status",),
    ),
    "latency": (Latency, {"seconds": _SECONDS}, ("seconds",)),
    "drop": (Drop, {"after": {"type": "boolean"}}, ()),
    "truncate": (Truncate, {"keep": {"type": "integer", "minimum": 0}}, ()),
    "smtp": (
        SmtpReply,
        {"stage": {"enum": _STAGES}, "reply": {"type": "string", "pattern": "^[45][0-9]{2} [^\\r\\n]*$"}},
        ("stage", "reply"),
    ),
    "mail": (
        Become,
        {
            "fate": {"enum": sorted(FATES)},
            "seconds": _SECONDS,
            "status": {"type": ["string", "null"], "pattern": r"^[245]\.[0-9]{1,3}\.[0-9]{1,3}$"},
            "reply": {"type": ["string", "null"], "pattern": r"^[^\x00-\x1f\x7f]*$", "maxLength": 500},
        },
        ("fate",),
    ),
    "webhook": (
        WebhookFault,
        {"twice": {"type": "boolean"}, "late": _SECONDS, "tamper": {"type": "boolean"}},
        (),
    ),
}
_MATCH: Final[Mapping[str, Any]] = {
    "provider": _TEXT,
    "operation": _TEXT,
    "account": _TEXT,
    "recipient": _TEXT,
    "subject": _TEXT,
    "nth": {"type": "integer", "minimum": 1},
    "times": {"type": ["integer", "null"], "minimum": 1},
    "probability": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
}

_BLIND: Final[Mapping[str, tuple[str, ...]]] = {
    "smtp": ("provider", "operation", "account"),
    "mail": ("operation",),
    "webhook": ("recipient", "subject"),
    **dict.fromkeys(("stage connect", "stage helo", "stage mail"), ("recipient", "subject")),
    "stage rcpt": ("subject",),
}
"""What an effect, or a stage of an SMTP dialogue, knows nothing of: a rule about it would never strike."""

EFFECTS: Final = tuple(_EFFECTS)
"""The names of the effects."""


def schema(effect: str) -> dict[str, Any]:
    """Return the JSON Schema of a rule with this effect."""
    _, fields, required = _EFFECTS[effect]
    own = {"effect": {"const": effect}, "force": {"type": "boolean"}, "until": _TEXT, "for": {"type": "string"}}
    return {
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": {**_MATCH, **own, **fields},
    }


def add_rule(world: World, given: Mapping[str, Any], scenario: str | None = None) -> FaultRule:
    """Add a rule and return it.

    `given` has `effect` (`respond` without it) with its parameters, what it strikes, and `force` to answer what no
    contract document knows; `until` is a time of the world's clock, `for` a duration from now. ValueError says what is
    wrong with it.
    """
    name = given.get("effect", "respond")
    if not isinstance(name, str) or name not in _EFFECTS:
        raise ValueError(f"effect: {name!r} is none; {_nearest(name, _EFFECTS)}")
    _check_form(name, given)
    kind, fields, _ = _EFFECTS[name]
    effect = kind(**{field: _whole(given[field]) for field in fields if field in given})
    if not given.get("force", False):
        _check(given.get("provider"), given.get("operation"), effect)
    match = {field: _whole(given[field]) for field in _MATCH if field in given}
    return world.faults.add(effect, **match, until=_until(world, given), scenario=scenario)


def rule_json(rule: FaultRule) -> dict[str, Any]:
    """Return a rule as plain JSON values, with what it matched and struck so far."""
    fields = asdict(rule)
    effect, until = fields.pop("effect"), fields.pop("until")
    return {**fields, "effect": NAMES[type(rule.effect)], **effect, "until": until and timestamp(until)}


def scenarios() -> dict[str, str]:
    """Return what every scenario means, by its name `<provider>:<scenario>`."""
    return {
        f"{provider.name}:{name}": scenario.meaning
        for provider in providers.every()
        for name, scenario in provider.scenarios.items()
    }


def start_scenario(world: World, name: str) -> list[FaultRule]:
    """Add the rules of a scenario and choose its settings; LookupError names the nearest one and all."""
    provider_name, _, own = name.partition(":")
    known = {provider.name: provider for provider in providers.every()}
    scenario = known[provider_name].scenarios.get(own) if provider_name in known else None
    if scenario is None:
        near = get_close_matches(name, scenarios(), 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise LookupError(f"no scenario {name!r}; {hint}choose from {', '.join(scenarios())}")
    with world.step():
        for setting, value in scenario.settings.items():
            choose(world, known[provider_name], setting, value)
        return [add_rule(world, {"provider": provider_name, **rule}, name) for rule in scenario.rules]


def _until(world: World, given: Mapping[str, Any]) -> datetime | None:
    if given.get("until") and "for" in given:
        raise ValueError("until, for: give one of them")
    name = "for" if "for" in given else "until"
    if given.get(name) is None:
        return None
    try:
        if name == "for":
            return world.now() + parse_duration(given[name])
        return parse_moment(given[name]).astimezone(UTC)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    except OverflowError:
        raise ValueError(f"{name}: no calendar reaches {given[name]!r}") from None


def _check_form(name: str, given: Mapping[str, Any]) -> None:
    """Raise ValueError for what no rule with this effect can say."""
    import jsonschema_rs

    known = schema(name)
    for field in given.keys() - known["properties"]:
        raise ValueError(f"{field}: the effect {name} has no such field; {_nearest(field, known['properties'])}")
    for error in jsonschema_rs.iter_errors(known, dict(given)):
        where = ".".join(map(str, error.instance_path))
        choices = known["properties"].get(where, {}).get("enum")
        if choices:
            raise ValueError(f"{where}: {given[where]!r} is none; {_nearest(given[where], choices)}")
        raise ValueError(f"{where or 'rule'}: {error.message}")
    for strikes in (name, f"stage {given.get('stage')}"):
        for field in _BLIND.get(strikes, ()):
            if given.get(field) is not None:
                raise ValueError(f"{field}: {strikes} knows nothing of it, so that the rule would never strike")


def _nearest(word: object, known: Iterable[str]) -> str:
    choices = list(known)
    near = get_close_matches(str(word), choices, 1)
    return f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(choices)}"


def _whole(value: Any) -> Any:
    """Return a number that JSON wrote as 429.0 as what it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check(provider: str | None, operation: str | None, effect: Effect) -> None:
    """Raise ValueError for a provider or operation that is not there, and for a status that no document knows."""
    if provider is None:
        if operation is not None:
            raise ValueError(f"operation: say which provider {operation!r} is of")
        if isinstance(effect, Respond):
            raise ValueError("provider: say whose requests are answered like that")
        return
    try:
        generations = providers.get(provider).every_generation
    except LookupError as error:
        raise ValueError(str(error)) from None
    operations = {name: one for generation in generations for name, one in generation.document.operations.items()}
    if operation not in (None, "*") and operation not in operations and not isinstance(effect, WebhookFault):
        near = get_close_matches(str(operation), operations, 1)
        hint = f"did you mean {near[0]}?" if near else "see `emulator coverage`"
        raise ValueError(f"operation: {provider} has no operation {operation!r}; {hint}")
    if isinstance(effect, Respond):
        wanted = operations.values() if operation in (None, "*") else [operations[str(operation)]]
        _check_status(operation or "*", effect.status, wanted)


def _check_status(name: str, status: int, operations: Collection[Operation]) -> None:
    if not any(operation.documents(status) for operation in operations):
        known = sorted({known for operation in operations for known in operation.responses})
        raise ValueError(f"{name} does not document {status} (it knows {', '.join(known)}); force it?")
