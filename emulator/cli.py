"""The command `emulator`."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulator._version import __version__
from emulator.commands import COMMANDS

if TYPE_CHECKING:
    from emulator.provider import Provider
    from emulator.servers import Ports

_CONTEXT = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="emulator")
def cli() -> None:
    """Run the email-for-agents providers on your own machine."""


for _command in COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run the command; every failure is one line and an exit code."""
    cli(prog_name="emulator")


def _clock(_: click.Context, __: click.Parameter, value: str) -> datetime | None:
    if value == "real":
        return None
    from emulator.world.clock import parse_moment

    try:
        return parse_moment(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}, or 'real'") from None


def _revisions(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = [item.partition("=")[::2] for item in given]
    for name, revision in pairs:
        if not name or not revision:
            raise click.BadParameter(f"{name or revision!r} is not of the form PROVIDER=REVISION")
    return dict(pairs)


def _rules(_: click.Context, __: click.Parameter, path: str | None) -> list[dict[str, Any]]:
    try:
        rules = [] if path is None else json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{path}: {error}") from None
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise click.BadParameter(f"{path} holds no list of fault rules")
    return rules


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8025,
    show_default=True,
    help="HTTP port; 0 takes a free one, also for the doors that are not named.",
)
@click.option("--smtp-port", type=int, show_default="8026", help="SMTP port; 0 takes a free one.")
@click.option("--imap-port", type=int, show_default="8027", help="IMAP port; 0 takes a free one.")
@click.option("--smtps-port", type=int, show_default="8028", help="Port of SMTP with TLS; 0 takes a free one.")
@click.option("--imaps-port", type=int, show_default="8029", help="Port of IMAP with TLS; 0 takes a free one.")
@click.option("--https-port", type=int, help="Port of HTTPS, which is closed without one; 0 takes a free one.")
@click.option("--ca-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the CA to trust to this file.")
@click.option("--seed", default="0", show_default=True, help="Decides every id.")
@click.option("--clock", default="real", show_default=True, callback=_clock, help="A time at which the clock stands.")
@click.option("--revision", "revisions", multiple=True, callback=_revisions, help="PROVIDER=REVISION, e.g. =current.")
@click.option("--faults", "rules", callback=_rules, help="A JSON file with a list of fault rules.")
@click.option(
    "--start-with",
    "start",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A plan (JSON) or a snapshot.",
)
@click.option("--skip-waits", is_flag=True, help="While the clock stands, move it on instead of letting clients wait.")
@click.option("--webhook-host", "hosts", multiple=True, help="A host outside this machine to post webhooks to.")
@click.option("--strict", is_flag=True, help="Refuse unknown keys; hold every answer against its contract.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line when ready, and nothing else.")
def serve(
    host: str,
    port: int,
    smtp_port: int | None,
    imap_port: int | None,
    smtps_port: int | None,
    imaps_port: int | None,
    https_port: int | None,
    ca_file: Path | None,
    seed: str,
    clock: datetime | None,
    revisions: dict[str, str],
    rules: list[dict[str, Any]],
    start: Path | None,
    skip_waits: bool,
    hosts: tuple[str, ...],
    strict: bool,
    as_json: bool,
) -> None:
    """Serve all providers over HTTP, their mailboxes over IMAP, and an SMTP sink, until Ctrl-C."""
    from emulator.harness import Emulator
    from emulator.servers.ports import PortTaken

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        emulator = Emulator(
            seed,
            clock=clock,
            strict=strict,
            revisions=revisions,
            faults=rules,
            skip_waits=skip_waits,
            world=start,
        )
    except (LookupError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    emulator.allow_webhooks(*hosts)
    try:
        ports = _ports(port, smtp_port, imap_port, smtps_port, imaps_port)._replace(https=https_port)
        servers = emulator.serve(host, ports)
    except PortTaken as error:
        raise click.ClickException(str(error)) from None
    if ca_file is not None:
        ca_file.write_bytes(servers.authority.pem)
    ready = servers.ready()
    click.echo(json.dumps(ready) if as_json else _first_screen(ready, emulator.seed))
    _wait_for(stop)
    servers.close()


def _wait_for(stop: threading.Event) -> None:
    while not stop.wait(3600):  # without a timeout, Ctrl-C is not heard everywhere
        pass


def _ports(http: int, *mail: int | None) -> Ports:
    """Return the ports of all doors: beside a free HTTP port, those that are not chosen are free ones, too."""
    from emulator.servers import Ports

    usual = (8026, 8027, 8028, 8029)
    chosen = (number if given is None and http else given or 0 for given, number in zip(mail, usual, strict=True))
    return Ports(http, *chosen)


def _first_screen(ready: dict[str, Any], seed: str) -> str:
    from emulator import providers

    smtp, imap, smtps, imaps = (ready[name] for name in ("smtp", "imap", "smtps", "imaps"))
    lines = [
        f"Inbox Emulator {__version__}, seed {seed}, everything in memory. Ctrl-C stops it.",
        f"  smtp     {smtp['host']}:{smtp['port']}, with TLS {smtps['host']}:{smtps['port']}",
        f"  imap     {imap['host']}:{imap['port']}, with TLS {imaps['host']}:{imaps['port']}",
        *([f"  https    {ready['https_url']}"] if "https_url" in ready else []),
        f"  pages    {ready['url']}/_emulator/, and below it the control API",
        "Paste what your client needs:",
    ]
    for provider in providers.every():
        known = ready["providers"][provider.name]
        lines.append("  export " + " ".join(f"{k}={v.format(**known)}" for k, v in provider.environment.items()))
    return "\n".join(lines)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def providers(as_json: bool) -> None:
    """List the providers and their revisions, and how much of each is built."""
    from emulator import coverage

    found = [_summary(provider, coverage.rows_of(provider)) for provider in coverage.generations()]
    if as_json:
        click.echo(json.dumps(found))
        return
    for row in found:
        built = f"{row['built']:>3} of {row['operations']:>3} operations"
        click.echo(f"{row['name']:<12} {row['revision']:<8} {built}   {row['origin']}")


def _summary(provider: Provider, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": provider.name,
        "revision": provider.revision,
        "origin": provider.origin,
        "built": sum(row["built"] for row in rows),
        "operations": len(rows),
    }


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", is_flag=True, help="Print the page docs/coverage.md.")
def coverage(as_json: bool, markdown: bool) -> None:
    """Show each operation: built or missing, its source, and what is assumed about it."""
    from emulator import coverage as report

    if markdown:
        click.echo(report.operations_page(), nl=False)
    elif as_json:
        click.echo(json.dumps(report.rows()))
    else:
        for row in report.rows():
            state = "built" if row["built"] else "missing"
            click.echo(f"{row['provider']:<12} {row['operation']:<28} {state:<8} {row['source']['kind']}")
            for text in row["assumptions"]:
                click.echo(f"{'':<13}assumed: {text}")


@cli.group()
def contract() -> None:
    """Hold a provider, or its emulator, against its contract document."""


@contract.command()
@click.argument("provider")
@click.option("--base-url", help="Where the API is; without it the emulator in process.")
@click.option("--key-env", help="The environment variable that holds the API key for --base-url.")
@click.option("--revision", help="The generation of the API; without it the first one described.")
@click.option("--operations", help="Only operations whose id contains this text.")
def run(provider: str, base_url: str | None, key_env: str | None, revision: str | None, operations: str | None) -> None:
    """Run the contract suites of PROVIDER: schema, journeys."""
    from emulator import providers as known

    try:
        known.get(provider).at(revision or known.get(provider).revision)
    except LookupError as error:
        raise click.ClickException(str(error)) from None
    if key_env and key_env not in os.environ:
        raise click.ClickException(f"the environment variable {key_env} is not set")
    suites = Path(__file__).resolve().parent.parent / "contract"
    if not _installed("schemathesis") or not suites.is_dir():
        raise click.ClickException("the contract suites are not installed: pip install 'inbox-emulator[contract]'")
    arguments = [f"--provider={provider}", *_given("--base-url", base_url), *_given("--key-env", key_env)]
    arguments += [*_given("--revision", revision), *_given("--operations", operations)]
    import subprocess
    from tempfile import TemporaryDirectory

    # Found beside this package and run with -P: a user's own folder called contract must not win.
    command = [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "-c", str(suites / "suite.ini")]
    command += ["--rootdir", str(suites), str(suites), *arguments]
    # Hypothesis keeps what it learns in a folder: not beside installed packages.
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": folder}
        done = subprocess.run(command, check=False, env=environment)  # noqa: S603  # our own suites, no shell
    sys.exit(done.returncode)


def _given(option: str, value: str | None) -> list[str]:
    return [] if value is None else [f"{option}={value}"]


def _installed(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None
