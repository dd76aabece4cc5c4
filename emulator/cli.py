"""The command `emulator`."""

from __future__ import annotations

import json
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
