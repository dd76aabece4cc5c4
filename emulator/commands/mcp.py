"""The emulator as tools of an agent."""

from __future__ import annotations

import click

from emulator.commands.remote import Remote, emulator_options


@click.command()
@click.option("--port", type=int, help="Speak over HTTP at this port of this machine, at /mcp, instead of stdio.")
@emulator_options
def mcp(port: int | None, url: str, world: str | None) -> None:
    """Serve a running emulator to an agent by the Model Context Protocol: mailboxes, mail, codes, clock, reset.

    Let the agent start it with `emulator mcp`. It needs pip install 'inbox-emulator[mcp]'.
    """
    try:
        from emulator.mcp_server import mcp_server
    except ModuleNotFoundError:
        raise click.ClickException("the MCP SDK is not installed: pip install 'inbox-emulator[mcp]'") from None
    server = mcp_server(Remote(url, world))
    if port is None:
        server.run("stdio")
    else:
        server.run("streamable-http", host="127.0.0.1", port=port)
