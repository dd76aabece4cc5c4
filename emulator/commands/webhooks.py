"""What a running emulator posted to webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click

from emulator.commands.remote import Remote, remote_options, show


@click.group()
def webhooks() -> None:
    """See what a running emulator posted to webhooks, and post it again."""


def _delivery_line(delivery: Mapping[str, Any]) -> str:
    tries = ", ".join(str(attempt["status"] or attempt["error"]) for attempt in delivery["attempts"]) or "not yet"
    return f"{delivery['id']}  {delivery['state']:<9} {delivery['event']:<26} {delivery['url']}  {tries}"


@webhooks.command("list")
@remote_options
def list_webhooks(url: str, world: str | None, as_json: bool) -> None:
    """List every delivery with its attempts."""
    found = Remote(url, world).call("GET", "/webhooks")["deliveries"]
    show(found, as_json, map(_delivery_line, found) if found else ["nothing was delivered yet"])


@webhooks.command("replay")
@click.argument("delivery_id")
@remote_options
def replay_webhook(delivery_id: str, url: str, world: str | None, as_json: bool) -> None:
    """Post a delivery once more, signed anew."""
    again = Remote(url, world).call("POST", f"/webhooks/{quote(delivery_id)}/replay", {})
    show(again, as_json, [_delivery_line(again)])


@webhooks.command("allow")
@click.argument("hosts", nargs=-1)
@remote_options
def allow_hosts(hosts: tuple[str, ...], url: str, world: str | None, as_json: bool) -> None:
    """Let webhooks be posted to HOSTS, such as *.example.com, besides this machine; without any, to no other."""
    told = Remote(url, world).call("PUT", "/webhooks/hosts", {"hosts": list(hosts)})
    show(told, as_json, [f"allowed besides this machine: {', '.join(told['hosts']) or 'no host'}"])
