"""The whole state of a running emulator: saved, loaded, filled, reset."""

from __future__ import annotations

import json
from pathlib import Path

import click

from emulator.commands.remote import Remote, remote_options, show, with_file

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def snapshot() -> None:
    """Write the whole state of a running emulator to a file, and put it back."""


@snapshot.command("save")
@click.argument("file", type=_FILE)
@remote_options
def save_snapshot(file: Path, url: str, world: str | None, as_json: bool) -> None:
    """Write the state to FILE; it holds keys and mail. `serve --start-with FILE` begins with it."""
    data = Remote(url, world).read("/state")
    with_file(file, lambda: file.write_bytes(data))
    show({"file": str(file), "bytes": len(data)}, as_json, [f"{file} holds the state, {len(data)} bytes"])


@snapshot.command("load")
@click.argument("file", type=_FILE)
@remote_options
def load_snapshot(file: Path, url: str, world: str | None, as_json: bool) -> None:
    """Put the state of FILE in the place of the present one."""
    told = Remote(url, world).write("/state", with_file(file, file.read_bytes))
    show(told, as_json, [f"the state of {file} is there, seed {told['seed']}"])


@click.command()
@click.option("--messages", default=500, show_default=True, type=click.IntRange(0), help="How many mails.")
@click.option("--mailboxes", default=5, show_default=True, type=click.IntRange(1), help="Over how many mailboxes.")
@click.option("--people", default=20, show_default=True, type=click.IntRange(1), help="By how many people outside.")
@click.option("--seed", "seed_", default="0", show_default=True, help="The same seed gives the same mail.")
@click.option("-o", "--output", type=_FILE, help="Write a plan to this file instead, for `serve --start-with`.")
@remote_options
def seed(
    messages: int,
    mailboxes: int,
    people: int,
    seed_: str,
    output: Path | None,
    url: str,
    world: str | None,
    as_json: bool,
) -> None:
    """Fill a running emulator with mail as people and programs write it, over mailboxes of all providers."""
    from emulator.believable import believable

    try:
        plan = believable(seed_, messages=messages, mailboxes=mailboxes, people=people)
    except ImportError as error:
        raise click.ClickException(str(error)) from None
    if output is not None:
        text = json.dumps(plan, indent=1, ensure_ascii=False)
        with_file(output, lambda: output.write_text(text + "\n", "utf-8"))
        show(plan, as_json, [f"{output} holds a plan with {messages} mails"])
        return
    told = Remote(url, world).call("POST", "/fill", plan)
    show(told, as_json, [f"{told['mail']} mails are there, over {mailboxes} mailboxes"])


@click.command()
@remote_options
def reset(url: str, world: str | None, as_json: bool) -> None:
    """Put the world of a running emulator back to its start: its mail, clock, journal and fault rules."""
    told = Remote(url, world).call("POST", "/reset", {})
    show(told, as_json, ["the world is back at its start"])
