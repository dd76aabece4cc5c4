"""Completion of the command line by the shell."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete commands and options: put `eval "$(emulator completion bash)"` into ~/.bashrc."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None, "the choices are those that click knows"
    program = context.find_root().info_name or "emulator"
    variable = f"_{program.replace('-', '_').upper()}_COMPLETE"
    click.echo(made(context.find_root().command, {}, program, variable).source())
