"""One IMAP connection: greeting, login, one command after the other, IDLE, and the end."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import Counter
from typing import Any, Final

from emulator._version import __version__
from emulator.mail import Mailbox
from emulator.mail.logins import is_open, open_with
from emulator.servers.imap import Limits
from emulator.servers.imap_server import folder_commands, message_commands
from emulator.servers.imap_server.commands import Command, No, Stage
from emulator.servers.imap_server.encoding import string
from emulator.servers.imap_server.parser import Bad, Parser
from emulator.servers.imap_server.reader import Hangup, Reader, TooBig
from emulator.servers.imap_server.view import View
from emulator.servers.worlds import Worlds
from emulator.world import Duplicate, World

CAPABILITIES: Final = (
    b"IMAP4rev1 LITERAL+ AUTH=PLAIN SASL-IR IDLE UIDPLUS MOVE NAMESPACE CHILDREN SPECIAL-USE ID UNSELECT ENABLE"
)
_FLUSH_AT: Final = 256 * 1024
_MOST_ERRORS: Final = 20
# Their answers may not renumber the messages that the client speaks of.
_KEEP_NUMBERS: Final = (b"FETCH", b"STORE", b"SEARCH")


class Session:
    """A connection and what it stands at: not logged in, in a mailbox, or in one of its folders."""

    def __init__(
        self, worlds: Worlds, limits: Limits, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.view: View | None = None
        self._worlds = worlds
        self._limits = limits
        self._reader = Reader(reader, limits, self._send)
        self._writer = writer
        self._world: World | None = None
        self._mailbox: Mailbox | None = None
        self._restored = 0
        self._begun = asyncio.get_running_loop().time()
        self._out: list[bytes] = []
        self._size = 0
        self._errors = 0
        self._over = False
        self._commands: Counter[str] = Counter()

    # What the commands use

    @property
    def world(self) -> World:
        """The world of the mailbox."""
        assert self._world is not None
        return self._world

    @property
    def mailbox(self) -> Mailbox:
        """The mailbox that the client logged in to."""
        assert self._mailbox is not None
        return self._mailbox

    @property
    def opened(self) -> View:
        """The folder that is open."""
        assert self.view is not None
        return self.view

    def say(self, line: bytes) -> None:
        """Note an untagged response; what is noted is sent at once when the command is done."""
        self._note(b"* %s\r\n" % line)

    async def breathe(self) -> None:
        """Let other sessions have their turn, and send what is noted if it is much."""
        if self._size >= _FLUSH_AT:
            await self._flush()
        await asyncio.sleep(0)

    # The way through a session

    async def run(self) -> None:
        """Serve the connection until one side ends it."""
        try:
            self.say(b"OK [CAPABILITY %s] Inbox Emulator ready" % CAPABILITIES)
            await self._flush()
            while not self._over:
                await self._turn()
        except Hangup as reason:
            self.say(b"BYE %s" % str(reason).encode())
            self._writer.write(b"".join(self._out))  # and do not wait for a client that may not read
        except OSError:  # the client is gone
            pass
        except asyncio.CancelledError:  # the port is closed
            self._writer.transport.abort()
            raise
        finally:
            self._over = True
            self._writer.close()

    async def _turn(self) -> None:
        """Take a command and answer it."""
        try:
            command = await self._in_time(self._reader.command())
        except TooBig as refused:
            self._note(_tag_of(refused.args[0]) + b" NO [TOOBIG] The literal is too big\r\n")
            await self._flush()
            return
        if not command:
            self._over = True
            return
        words = Parser(command)
        try:
            tag = words.tag()
            words.space()
            name = words.word()
        except Bad as error:
            self._blame()
            self.say(b"BAD %s" % str(error).encode())
        else:
            answer = await self._answer(name, words)
            self._note(b"%s %s\r\n" % (tag, answer))
        await self._flush()

    async def _answer(self, name: bytes, words: Parser) -> bytes:
        """Do a command and return its answer without the tag."""
        try:
            text = await self._do(name, words)
            self._errors = 0
            self._tell_changes(expunge=name not in _KEEP_NUMBERS)
        except Bad as error:
            self._blame()
            return b"BAD %s" % str(error).encode()
        except No as refusal:
            return b"NO %s" % str(refusal).encode()
        except Duplicate:
            return b"NO [ALREADYEXISTS] There is a folder of this name"
        except (Hangup, OSError):
            raise
        except Exception as error:  # noqa: BLE001  # a defect of ours must not end the session; the fixture raises it
            self._worlds.failures.append(error)
            return b"NO [SERVERBUG] The emulator failed"
        return b"OK %s" % text

    async def _do(self, name: bytes, words: Parser) -> bytes:
        command = _COMMANDS.get(name)
        if command is None:
            raise Bad("Unknown command")
        self._commands[name.decode()] += 1
        if self._world is not None:
            self._check_world(self._world)
        stage = Stage.ANY if self._mailbox is None else Stage.MAILBOX if self.view is None else Stage.FOLDER
        if command.stage is Stage.LOGIN and stage is not Stage.ANY:
            raise Bad("You are logged in already")
        if command.stage.value > stage.value:
            raise Bad("Log in first" if stage is Stage.ANY else "Open a folder first")
        return await command.run(self, words)

    def _check_world(self, world: World) -> None:
        """Hang up if the world is another than the client knows."""
        if world not in self._worlds.every() or world.restored != self._restored:
            raise Hangup("The world was reset")
        with world.step():
            if not is_open(world, self.mailbox.id):
                raise Hangup("The mailbox is closed")

    def _tell_changes(self, *, expunge: bool = True) -> None:
        if self.view is not None:
            with self.world.step():
                for line in self.view.update(expunge=expunge):
                    self.say(line)

    def _blame(self) -> None:
        self._errors += 1
        if self._errors >= _MOST_ERRORS:
            raise Hangup("Too many errors")

    # Bytes in and out

    def _note(self, data: bytes) -> None:
        self._out.append(data)
        self._size += len(data)

    async def _flush(self) -> None:
        """Send what is noted in one piece: some clients take the first piece for the whole answer."""
        data, self._out, self._size = b"".join(self._out), [], 0
        if data:
            await self._send(data)

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        try:
            await self._in_time(self._writer.drain())
        except Hangup:
            self._writer.transport.abort()  # what it did not read until now it will not read
            raise

    async def _in_time(self, doing: Any) -> Any:
        """Wait for the client, within the limits."""
        loop = asyncio.get_running_loop()
        logged_in = self._mailbox is not None
        until = loop.time() + self._limits.idle_seconds if logged_in else self._begun + self._limits.login_seconds
        try:
            async with asyncio.timeout_at(until):
                return await doing
        except TimeoutError:
            raise Hangup("Nothing was heard for too long" if logged_in else "The login took too long") from None

    # Commands about the session itself

    async def capability(self, words: Parser) -> bytes:
        """Tell what the server can do."""
        words.end()
        self.say(b"CAPABILITY " + CAPABILITIES)
        return b"CAPABILITY completed"

    async def noop(self, words: Parser) -> bytes:
        """Do nothing; what changed is told as after every command."""
        words.end()
        return b"NOOP completed"

    async def logout(self, words: Parser) -> bytes:
        """End the session."""
        words.end()
        self._over = True
        self.view = None
        self.say(b"BYE Good bye")
        return b"LOGOUT completed"

    async def identify(self, _: Parser) -> bytes:
        """Say who we are."""
        self.say(b'ID ("name" "Inbox Emulator" "version" %s)' % string(__version__))
        return b"ID completed"

    async def enable(self, _: Parser) -> bytes:
        """Turn nothing on: there is nothing to turn on."""
        self.say(b"ENABLED")
        return b"ENABLE completed"

    async def login(self, words: Parser) -> bytes:
        """Open a mailbox with a user name and a password."""
        words.space()
        user = words.text()
        words.space()
        password = words.text()
        words.end()
        return self._open(user, password)

    async def authenticate(self, words: Parser) -> bytes:
        """Open a mailbox with SASL PLAIN, its message in the command or on a line of its own."""
        words.space()
        if words.word() != b"PLAIN":
            raise No("[CANNOT] Only PLAIN is known")
        given = words.rest.strip()
        if not given:
            await self._send(b"+ \r\n")
            given = (await self._in_time(self._reader.line())).strip()
        if given == b"*":
            raise Bad("Cancelled")
        try:
            _, user, password = base64.b64decode(given, validate=True).decode("utf-8").split("\0")
        except (binascii.Error, ValueError):
            raise Bad("This is not SASL PLAIN") from None
        return self._open(user, password)

    def _open(self, user: str, password: str) -> bytes:
        opened = self._worlds.log_in("imap", user, password, open_with)
        if opened is None:
            raise No("[AUTHENTICATIONFAILED] Wrong user name or password")
        self._enter(*opened, user)
        return b"[CAPABILITY %s] Logged in" % CAPABILITIES

    def _enter(self, world: World, mailbox: Mailbox, user: str) -> None:
        self._world, self._mailbox, self._restored = world, mailbox, world.restored
        self._reader.trusted = True

        def render() -> dict[str, Any]:
            return {"user": user, "mailbox": mailbox.address, "commands": dict(self._commands), "open": not self._over}

        world.journal.add(world.now(), "imap", render, len(user) + len(mailbox.address))

    async def idle(self, words: Parser) -> bytes:
        """Tell what changes while it changes, until the client says DONE."""
        words.end()
        loop, rung = asyncio.get_running_loop(), asyncio.Event()

        def hear() -> None:
            if not rung.is_set():
                loop.call_soon_threadsafe(rung.set)

        done = loop.create_task(self._reader.line())
        done.add_done_callback(lambda _: rung.set())
        self._note(b"+ Idling\r\n")
        try:
            with self.world.bells.listening(hear):
                while not done.done():
                    rung.clear()
                    self._check_world(self.world)
                    self._tell_changes()
                    await self._flush()
                    await self._in_time(rung.wait())
        finally:
            done.cancel()
        if done.result().strip().upper() != b"DONE":
            raise Bad("Expected DONE")
        return b"IDLE completed"


def _tag_of(command: bytes) -> bytes:
    """Return the tag of a command that is not taken, the star of untagged responses if it has none."""
    try:
        return Parser(command).tag()
    except Bad:
        return b"*"


_COMMANDS: Final[dict[bytes, Command]] = {
    b"CAPABILITY": Command(Stage.ANY, Session.capability),
    b"NOOP": Command(Stage.ANY, Session.noop),
    b"LOGOUT": Command(Stage.ANY, Session.logout),
    b"ID": Command(Stage.ANY, Session.identify),
    b"LOGIN": Command(Stage.LOGIN, Session.login),
    b"AUTHENTICATE": Command(Stage.LOGIN, Session.authenticate),
    b"ENABLE": Command(Stage.MAILBOX, Session.enable),
    b"IDLE": Command(Stage.MAILBOX, Session.idle),
    **folder_commands.COMMANDS,
    **message_commands.COMMANDS,
}
