"""The command that serves an emulator: its options, and the file that can say the same."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from emulator import config
from emulator._version import __version__

if TYPE_CHECKING:
    from datetime import datetime

    from emulator.harness import Emulator
    from emulator.servers import Ports, Servers

C = TypeVar("C", bound=Callable[..., Any])


def _options(command: C) -> C:
    """Give a command an option for each key of the file that has one; what is not given is None."""
    for key in reversed(config.KEYS):
        if key.option is not None:
            command = click.option(key.option, key.parameter, help=_help(key), **_form(key))(command)
    return command


def _form(key: config.Key) -> dict[str, Any]:
    kind = key.takes["type"]
    if kind == "boolean":
        return {"is_flag": True, "default": None}
    if kind in ("array", "object"):
        return {"multiple": True, "metavar": "PROVIDER=NAME" if kind == "object" else "TEXT"}
    return {"type": int if kind == "integer" else str}


def _help(key: config.Key) -> str:
    shown = f"  [default: {key.default}]" if isinstance(key.default, str | int) and key.default is not False else ""
    return key.meaning.replace("`", "") + shown


@click.command()
@_options
@click.option(
    "--faults", "rules", type=click.Path(dir_okay=False, path_type=Path), help="A JSON file with fault rules."
)
@click.option(
    "--config", "file", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of the nearest."
)
@click.option("--no-config", is_flag=True, help="Read no emulator.toml.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line when ready, and nothing else.")
def serve(rules: Path | None, file: Path | None, no_config: bool, as_json: bool, **given: Any) -> None:
    """Serve all providers over HTTP, their mailboxes over IMAP, and an SMTP sink, until Ctrl-C.

    What is not given here is read from the nearest emulator.toml, in this folder or above it.
    """
    from emulator.servers.ports import PortTaken

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    chosen = _chosen(None if no_config else file or config.find(Path.cwd()), given)
    emulator = _made(chosen, rules)
    try:
        servers = emulator.serve(chosen["host"], _ports(chosen))
    except PortTaken as error:
        raise click.ClickException(str(error)) from None
    if chosen["ca_file"] is not None:
        Path(chosen["ca_file"]).write_bytes(servers.authority.pem)
    click.echo(json.dumps(servers.ready()) if as_json else _first_screen(servers, emulator.seed))
    while not stop.wait(3600):
        pass
    servers.close()


def _chosen(file: Path | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of each key: as given, else as the file has it, else the default."""
    try:
        said = {} if file is None else config.load(file)
    except config.ConfigError as error:
        raise click.ClickException(str(error)) from None
    chosen = {}
    for key in config.KEYS:
        value = given.get(key.parameter)
        if isinstance(value, int):
            _check(key, value)
        if key.path == "revisions" and value:
            value = {**said.get(key.path, {}), **dict(map(_pair, value))}
        chosen[key.path] = said.get(key.path, key.default) if value in (None, ()) else value
    return chosen


def _check(key: config.Key, value: int) -> None:
    try:
        config.check(key, value)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _pair(text: str) -> tuple[str, str]:
    name, _, revision = text.partition("=")
    if not name or not revision:
        raise click.UsageError(f"{name or revision!r} is not of the form PROVIDER=REVISION")
    return name, revision


def _made(chosen: Mapping[str, Any], rules: Path | None) -> Emulator:
    """Return the emulator that was chosen; ClickException says what cannot be."""
    from emulator.harness import Emulator

    clock, start = _clock(chosen["clock"]), chosen["start_with"] and Path(chosen["start_with"])
    if start and not start.is_file():
        raise click.UsageError(f"there is no file {start}")
    names = ("strict", "revisions", "skip_waits", "origins")
    try:
        only = chosen["providers"] or None
        options = {name: chosen[name] for name in names}
        emulator = Emulator(str(chosen["seed"]), clock=clock, world=start, providers=only, **options)
        emulator.fill({"settings": chosen["settings"], "faults": [*(chosen["faults"] or ()), *_rules(rules)]})
    except (LookupError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    emulator.allow_webhooks(*chosen["webhook_hosts"])
    emulator.worlds.names |= {name.lower() for name in chosen["allow_hosts"]}
    emulator.world.settled_origin()
    return emulator


def _clock(value: str) -> datetime | None:
    from emulator.world.clock import parse_moment

    try:
        return None if value == "real" else parse_moment(value)
    except ValueError as error:
        raise click.UsageError(f"{error}, or 'real'") from None


def _rules(path: Path | None) -> list[dict[str, Any]]:
    try:
        rules = [] if path is None else json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path}: {error}") from None
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise click.UsageError(f"{path} holds no list of fault rules")
    return rules


def _ports(chosen: Mapping[str, Any]) -> Ports:
    """Return the ports of all doors: beside a free HTTP port, those that are not chosen are free ones, too."""
    from emulator.servers import Ports

    http = chosen["ports.http"]
    usual = {"smtp": 8026, "imap": 8027, "smtps": 8028, "imaps": 8029}
    mail = {door: chosen[f"ports.{door}"] for door in usual}
    ports = {door: (usual[door] if http else 0) if number is None else number for door, number in mail.items()}
    return Ports(http=http, https=chosen["ports.https"], **ports)


def _first_screen(servers: Servers, seed: str) -> str:
    from emulator import providers

    ready = servers.ready()
    smtp, imap, smtps, imaps = (ready[name] for name in ("smtp", "imap", "smtps", "imaps"))
    lines = [
        f"Inbox Emulator {__version__}, seed {seed}, everything in memory. Ctrl-C stops it.",
        f"  smtp     {smtp['host']}:{smtp['port']}, with TLS {smtps['host']}:{smtps['port']}",
        f"  imap     {imap['host']}:{imap['port']}, with TLS {imaps['host']}:{imaps['port']}",
        *([f"  https    {ready['https_url']}"] if "https_url" in ready else []),
        f"  pages    {ready['url']}/_emulator/, and below it the control API",
        "Paste what your client needs:",
    ]
    for name, known in ready["providers"].items():
        variables = providers.get(name).environment.items()
        lines.append("  export " + " ".join(f"{variable}={value.format(**known)}" for variable, value in variables))
    return "\n".join(lines)
