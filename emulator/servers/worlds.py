"""The worlds of one process: made from the providers' seeds, told apart by credential."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from emulator import providers
from emulator.mail import Mailbox
from emulator.provider import Door, Provider
from emulator.servers.tls import Authority
from emulator.world import CREDENTIALS, Clock, World

DEFAULT = "default"

Opens = Callable[[World, str, str], Mailbox | None]
"""Finds the mailbox of a world that a user name and password open."""


def new_world(seed: str = "0", clock: Clock | None = None, *, strict: bool = False) -> World:
    """Return a world with every provider's well-known account in it."""
    world = World(seed, clock, {provider.name: provider.ids for provider in providers.every()})
    world.strict = strict
    with world.step():
        for provider in providers.every():
            provider.seed(world)
    world.settled_origin()
    return world


def own_keys(world: World, name: str) -> dict[str, str]:
    """Open an account with a key of its own at every provider, and return the keys; they tell worlds apart."""
    with world.step():
        keys = {
            provider.name: provider.open_account(world, world.derived_id(provider.name, "api_key", "world", name)).id
            for provider in providers.every()
        }
    world.settled_origin()
    return keys


class Worlds:
    """Worlds by name. A request's credential decides which one it acts on; an unknown one means the default."""

    def __init__(self, default: World) -> None:
        self._worlds = {DEFAULT: default}
        self.doors: dict[str, Door] = {}
        """Where `smtp`, `imap`, `smtps` and `imaps` are open."""
        self.authority: Authority | None = None
        """Who certifies the doors that speak TLS, while they are open."""
        self.hosts: dict[str, str] = {}
        """Further host names, each with the provider that it means."""
        self.offered: frozenset[str] | None = None
        """The providers that are served; None means all."""
        self.names: set[str] = set()
        """Host names that mean this emulator, besides those of loopback."""
        self.failures: list[BaseException] = []
        """What went wrong inside the emulator itself; a fixture raises it again in the test that caused it."""

    def __iter__(self) -> Iterator[str]:
        return iter(self._worlds)

    @property
    def default(self) -> World:
        """The world of unknown credentials."""
        return self._worlds[DEFAULT]

    def served(self) -> list[Provider]:
        """Return the providers that are served, by name."""
        return [provider for provider in providers.every() if self.offered is None or provider.name in self.offered]

    def add(self, name: str, world: World) -> None:
        """Add a world; ValueError if the name is taken."""
        if name in self._worlds:
            raise ValueError(f"there is a world {name!r} already")
        self._worlds[name] = world

    def remove(self, name: str) -> None:
        """Remove a world; KeyError if there is none, ValueError for the default."""
        if name == DEFAULT:
            raise ValueError("the default world stays; reset it instead")
        del self._worlds[name]

    def get(self, name: str) -> World | None:
        """Return a world by name."""
        return self._worlds.get(name)

    def every(self) -> list[World]:
        """Return all worlds."""
        return list(self._worlds.values())

    def log_in(self, door: str, user: str, password: str, opens: Opens) -> tuple[World, Mailbox] | None:
        """Return the mailbox that `opens` finds for a user name and password, and its world; None if it is in none.

        The journal of the default world notes who was refused at the door.
        """
        for world in self.every():
            with world.step():
                mailbox = opens(world, user, password)
            if mailbox is not None:
                return world, mailbox
        world = self.default
        world.journal.note(world.now(), door, user=user[:200], refused="wrong user name or password")
        return None

    def of_key(self, provider: Provider, key: str | None) -> World:
        """Return the world in which this provider's key is known, else the default."""
        if key is None or len(self._worlds) == 1:
            return self.default
        candidates: Iterable[World] = tuple(self._worlds.values())
        return next((world for world in candidates if _knows(world, provider, key)), self.default)


def _knows(world: World, provider: Provider, key: str) -> bool:
    credential = world.store.get(CREDENTIALS, key)
    return credential is not None and credential.provider == provider.name
