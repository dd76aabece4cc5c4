"""The command `emulator contract`: hold a provider, or its emulator, against its contract document."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

_ROOT = Path(__file__).resolve().parent.parent.parent
_SUITES = _ROOT / "contract"
_INTERRUPTED = 130
_RAN = (0, 1, 2, 5)
"""Exit codes of pytest after which there is a report: passed, failed, interrupted, nothing to run."""


@click.group()
def contract() -> None:
    """Hold a provider, or its emulator, against its contract document."""


def _installed() -> None:
    from importlib.util import find_spec

    if find_spec("schemathesis") is None or not _SUITES.is_dir():
        raise click.ClickException("the contract suites are not installed: pip install 'inbox-emulator[contract]'")
    # A user's own folder called contract must not win.
    sys.path.insert(0, str(_ROOT))


def _check(provider: str, revision: str | None, key_env: Iterable[str]) -> None:
    from emulator import providers as known

    try:
        known.get(provider).at(revision or known.get(provider).revision)
    except LookupError as error:
        raise click.ClickException(str(error)) from None
    for written in key_env:
        variable = written.rpartition("=")[2]
        if variable not in os.environ:
            raise click.ClickException(f"the environment variable {variable} is not set")


@contract.command()
@click.argument("provider")
@click.option("--base-url", help="Where the API is; without it the emulator in process.")
@click.option("--key-env", multiple=True, help="The variable that holds the API key; CREDENTIAL=VARIABLE for others.")
@click.option("--revision", help="The generation of the API; without it the first one described.")
@click.option(
    "--profile",
    type=click.Choice(["read", "journeys", "full"]),
    help="How far to go: reading only (the default at a live provider), journeys, which create and delete, or all.",
)
@click.option("--operations", help="The schema suite for operations whose id contains this text only.")
@click.option("--journeys", help="Only tests whose names contain this.")
@click.option("--budget", type=click.IntRange(min=1), help="The greatest number of requests.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="The greatest number of requests a second.")
@click.option("--allow", multiple=True, help="An operation that may be called though it cannot be undone or costs.")
@click.option("--yes", is_flag=True, help="Run against a host that is neither the provider's nor this machine.")
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="Write the drift report here.")
@click.option("--baseline", type=click.Path(dir_okay=False, path_type=Path), help="The differences that are accepted.")
@click.option("--accept", is_flag=True, help="Write every difference found into the --baseline file.")
@click.option("--ledger", type=click.Path(dir_okay=False), help="Where to keep what has to be deleted.")
@click.option("--record", type=click.Path(file_okay=False), help="Save the exchanges of the journeys here.")
@click.option("--compare/--no-compare", default=True, help="Whether to run the emulator, too, for its column.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--verbose", is_flag=True, help="Show what pytest says.")
def run(provider: str, key_env: tuple[str, ...], **chosen: Any) -> None:
    """Run the contract suites of PROVIDER, and say what differs from its contract document."""
    _check(provider, chosen["revision"], key_env)
    _installed()
    if chosen["accept"] and chosen["baseline"] is None:
        raise click.ClickException("--accept needs --baseline, the file to write")
    chosen["revision"] = _settled(provider, chosen)
    with TemporaryDirectory() as temporary:
        # Hypothesis keeps what it learns in a folder: not beside installed packages.
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = temporary
        folder = chosen["report"] or Path(temporary, "report")
        arguments = _arguments(provider, key_env, chosen, folder)
        if chosen["base_url"] and chosen["compare"]:
            arguments += _given("--compared-with", _emulators_run(provider, chosen, Path(temporary, "emulator")))
        code = _pytest(arguments, verbose=chosen["verbose"])
        report = json.loads((folder / "report.json").read_text("utf-8"))
        if chosen["accept"]:
            import_module("contract.report.baseline").accept(chosen["baseline"], report)
        click.echo(json.dumps(report) if chosen["as_json"] else _lines(report, chosen["report"]))
    sys.exit(_INTERRUPTED if report["interrupted"] else code and (0 if chosen["accept"] else int(_fails(report))))


def _settled(provider: str, chosen: dict[str, Any]) -> str:
    """Return the generation to hold against; ClickException if the suites must not run against the URL."""
    made = import_module("contract.choice").Choice
    choice = made(provider, chosen["base_url"], revision=chosen["revision"], yes=chosen["yes"])
    refused = choice.refusal()
    if refused:
        raise click.ClickException(refused)
    return str(choice.settled().revision)


def _fails(report: dict[str, Any]) -> bool:
    return bool(report["errors"] or any(test["outcome"] == "failed" for test in report["journeys"].values()))


def _arguments(provider: str, key_env: Iterable[str], chosen: dict[str, Any], folder: Path) -> list[str]:
    """Return the arguments of pytest for a run."""
    arguments = [f"--provider={provider}", f"--report={folder}", *(f"--key-env={name}" for name in key_env)]
    arguments += [f"--allow={operation}" for operation in chosen["allow"]] + ["--yes"] * chosen["yes"]
    for name in ("base_url", "revision", "profile", "operations", "budget", "rate", "baseline", "record"):
        arguments += _given(f"--{name.replace('_', '-')}", chosen[name])
    if chosen["base_url"]:
        arguments += _given("--ledger", chosen["ledger"] or f"{provider}-{os.getpid()}.ledger.jsonl")
    if chosen["journeys"]:
        arguments += ["-k", chosen["journeys"]]
    return arguments


def _given(option: str, value: object) -> list[str]:
    return [] if value is None else [f"{option}={value}"]


def _command(arguments: list[str]) -> list[str]:
    return [
        "-p",
        "no:cacheprovider",
        "-c",
        str(_SUITES / "suite.ini"),
        "--rootdir",
        str(_SUITES),
        str(_SUITES),
        *arguments,
    ]


def _emulators_run(provider: str, chosen: dict[str, Any], folder: Path) -> Path:
    """Run the same suites against the emulator in process, and return where it is written what they saw."""
    arguments = [f"--provider={provider}", f"--report={folder}", f"--profile={chosen['profile'] or 'read'}"]
    arguments += [*_given("--revision", chosen["revision"]), *_given("--operations", chosen["operations"])]
    arguments += ["-k", chosen["journeys"]] if chosen["journeys"] else []
    command = [sys.executable, "-P", "-m", "pytest", *_command(arguments)]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # noqa: S603  # our own suites, no shell
    return folder / "report.json"


def _pytest(arguments: list[str], *, verbose: bool) -> int:
    """Run pytest in this process, so that one Ctrl-C stops one thing; ClickException if it could not run."""
    import pytest

    said = StringIO()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if verbose:
        code = int(pytest.main(_command(arguments)))
    else:
        shown = ["--show-progress", "--capture=sys"] if sys.stderr.isatty() else []
        with redirect_stdout(said):
            code = int(pytest.main([*_command(arguments), *shown]))
    if code not in _RAN:
        raise click.ClickException(said.getvalue().strip() or f"pytest ended with {code}")
    return code


def _lines(report: dict[str, Any], folder: Path | None) -> str:
    """Return what there is to say of a run: its differences, its sum, and where more stands."""
    lines = []
    for finding in report["findings"]:
        if finding["accepted"] is None:
            lines.append(f"{finding['severity']:<8} {finding['text']}")
            lines.append(f"{'':<8} the emulator: {finding['columns']['emulator']}   [{finding['id']}]")
    lines.append(report["summary"])
    if folder is not None:
        lines.append(f"the report: {folder / 'report.md'}")
    return "\n".join(lines)


@contract.command()
@click.argument("ledger", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key-env", multiple=True, help="The variable that holds the API key, if it is another one now.")
def cleanup(ledger: Path, key_env: tuple[str, ...]) -> None:
    """Delete what a run that was killed left behind, by its LEDGER."""
    _installed()
    try:
        told = import_module("contract.cleanup").clean_ledger(ledger, key_env)
    except (ValueError, LookupError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(told.text)
    sys.exit(int(bool(told.left)))


@contract.command()
@click.argument("report", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(report: Path) -> None:
    """Write the date of a live run into the contract document, from its REPORT (report.json)."""
    _installed()
    try:
        click.echo(import_module("contract.verify").verify(report))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
