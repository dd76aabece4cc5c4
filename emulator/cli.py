"""The command `emulator`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulator._version import __version__
from emulator.commands import COMMANDS

if TYPE_CHECKING:
    from emulator.provider import Provider

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
