"""All IMAP sessions of one port, on one loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ssl import SSLContext

from emulator.servers.imap import Limits
from emulator.servers.imap_server.session import Session
from emulator.servers.worlds import Worlds


class _Sessions:
    def __init__(self, worlds: Worlds, limits: Limits) -> None:
        self._worlds = worlds
        self._limits = limits
        # The loop itself keeps no task alive.
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a new connection."""
        if len(self._tasks) >= self._limits.sessions:
            writer.write(b"* BYE Too many connections\r\n")
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(Session(self._worlds, self._limits, reader, writer).run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """End all sessions."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _ in range(3):  # a transport closes a few turns after it was told to
            await asyncio.sleep(0)


def serve(
    listener: socket.socket,
    worlds: Worlds,
    limits: Limits,
    ssl_context: SSLContext | None,
    started: Callable[[Callable[[], object]], None],
) -> None:
    """Serve a listening socket until the function that `started` is given is called."""
    loop, sessions = asyncio.new_event_loop(), _Sessions(worlds, limits)
    opening = asyncio.start_server(sessions.begin, sock=listener, ssl=ssl_context, limit=limits.line_bytes)
    server = loop.run_until_complete(opening)
    started(lambda: loop.call_soon_threadsafe(loop.stop))
    loop.run_forever()
    server.close()
    loop.run_until_complete(sessions.end())
    loop.close()
