"""Failures on demand of a running emulator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click

from emulator.commands.remote import Remote, remote_options, show


@click.group()
def fault() -> None:
    """Have a running emulator fail on demand."""


def _rule_line(rule: Mapping[str, Any]) -> str:
    counted = ("id", "effect", "seen", "hits")
    about = " ".join(f"{k}={v}" for k, v in rule.items() if k not in counted and v is not None and v != 1.0)
    return f"{rule['id']:<10} {rule['effect']:<9} matched {rule['seen']}, struck {rule['hits']}   {about}"


@fault.command("add")
@click.argument("effect")
@click.argument("values", nargs=-1, metavar="[KEY=VALUE]...")
@remote_options
def add_fault(effect: str, values: tuple[str, ...], url: str, world: str | None, as_json: bool) -> None:
    """Add a fault rule: what it does (respond, latency, drop, truncate, smtp, mail, webhook), and what it strikes.

    For example: respond provider=sendmux operation=send_email status=503 times=2; drop provider=inkbox after=true;
    mail recipient=*@example.com fate=bounce; smtp stage=rcpt "reply=451 4.3.0 Later".
    """
    rule = Remote(url, world).call("POST", "/faults", {"effect": effect, **dict(map(_pair, values))})
    show(rule, as_json, [_rule_line(rule)])


def _pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not of the form KEY=VALUE")
    if value.isdecimal() or value in ("true", "false", "null"):
        return key, json.loads(value.lstrip("0") or "0") if value.isdecimal() else json.loads(value)
    try:
        return key, float(value) if key in ("seconds", "late", "probability", "retry_after") else value
    except ValueError:
        raise click.BadParameter(f"{key} is a number, not {value!r}") from None


@fault.command("list")
@remote_options
def list_faults(url: str, world: str | None, as_json: bool) -> None:
    """List the fault rules and what they struck."""
    rules = Remote(url, world).call("GET", "/faults")["faults"]
    show(rules, as_json, map(_rule_line, rules) if rules else ["no fault rules"])


@fault.command("remove")
@click.argument("rule_id")
@remote_options
def remove_fault(rule_id: str, url: str, world: str | None, as_json: bool) -> None:
    """Remove a fault rule by its id."""
    Remote(url, world).call("DELETE", f"/faults/{quote(rule_id, safe='')}")
    show({"removed": rule_id}, as_json, [f"{rule_id} is removed"])


@fault.command("scenario")
@click.argument("name", required=False)
@remote_options
def scenario(name: str | None, url: str, world: str | None, as_json: bool) -> None:
    """Bring about a documented failure by NAME, e.g. sendmux:provisioning-fails; without it, list them."""
    remote = Remote(url, world)
    if name is None:
        known = remote.call("GET", "/scenarios")["scenarios"]
        show(known, as_json, [f"{each:<36} {meaning}" for each, meaning in known.items()])
        return
    rules = remote.call("POST", "/faults", {"scenario": name})["faults"]
    show(rules, as_json, [f"{name} is on", *map(_rule_line, rules)])
