"""An emulator in your process: for tests in Python, with or without pytest, and for `emulator serve`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, Union
from urllib.parse import urlsplit

from emulator import providers as known
from emulator import telling
from emulator.account import Account
from emulator.api_requests import ApiRequest, requests
from emulator.fault_rules import add_rule, start_scenario
from emulator.inboxes import Inbox, Person, duration, expect_none
from emulator.mail import Attachment, Departure, Draft, sightings
from emulator.mail.postoffice import outside_tray
from emulator.mail.sightings import SOMEONE, Sighting
from emulator.mail.wanted import Matches, Wanted
from emulator.provider import choose_revision
from emulator.servers import Ports, Servers
from emulator.servers.http.front import Front
from emulator.servers.worlds import Worlds, new_world, own_keys
from emulator.webhooks import DELIVERIES, Delivery, replay
from emulator.webhooks.receivers import HOSTS, kind_of
from emulator.world import Clock, FaultRule, Snapshot, World
from emulator.world.clock import VIRTUAL_START
from emulator.world.settings import set_setting

if TYPE_CHECKING:
    from emulator.intercept import Interception
    from emulator.starting import Plan

__all__ = ["Account", "Emulator"]

Start = Union[Callable[["Emulator"], object], str, Path, "Plan"]
"""What a world starts with: a function, a file, or a plan."""


class Emulator:
    """All providers over one mail system, in memory.

    `seed` decides every id. `clock` is where time stands until you `advance` it; None means the real time.
    `strict` refuses unknown keys with the provider's 401 and holds every answer against the contract document;
    without it, an unknown key of the right form gets a fresh account of its own. `revisions` chooses generations of
    the providers' APIs, e.g. `{"sendmux": "current"}`; the first is used without it. `faults` are rules as `fault`
    takes them. With `skip_waits` nobody sleeps while the clock stands: who waits for mail moves it on instead.
    `world` is what it starts with: a function that is called with an emulator, the path of a JSON file or of a
    snapshot, or a plan as `starting` has it. It is made once in a process, and every emulator has its own copy.
    `providers` are those that are emulated, if not all: the hosts of the others are then not this emulator's.
    `origins` says where a provider that everybody hosts elsewhere is, e.g. `{"inboxai": "https://agents.acme.com"}`.
    """

    def __init__(
        self,
        seed: str = "0",
        *,
        clock: datetime | None = VIRTUAL_START,
        strict: bool = True,
        revisions: Mapping[str, str] | None = None,
        faults: Iterable[Mapping[str, Any]] = (),
        skip_waits: bool = False,
        origins: Mapping[str, str] | None = None,
        world: Start | None = None,
        providers: Iterable[str] | None = None,
    ) -> None:
        self.world = _template(seed, clock, strict).fork()
        if world is not None:
            self.world = _started(world, self.world).fork()
        for name, revision in (revisions or {}).items():
            choose_revision(self.world, known.get(name), revision)
        self.world.skips_waits = skip_waits
        self.world.settled_origin()
        for rule in faults:
            add_rule(self.world, rule)
        self.worlds = Worlds(self.world)
        if providers is not None:
            self.worlds.offered = frozenset(known.get(name).name for name in providers)
        self.origins = {known.get(name).name: origin.rstrip("/") for name, origin in (origins or {}).items()}
        self.worlds.hosts = {_host_of(origin): name for name, origin in self.origins.items()}
        self.wsgi = Front(self.worlds)
        """The WSGI application, for example for `httpx.WSGITransport`."""
        self._keys: dict[str, str] = {}
        self._leave: Callable[[], None] | None = None
        self.refused: list[str] = []
        """What somebody wanted to reach, and may not, while this emulator intercepted."""
        self.servers: Servers | None = None
        """The open doors, once `serve` was called."""

    @property
    def seed(self) -> str:
        """What decides every id."""
        return self.world.seed

    def __repr__(self) -> str:
        return f"<Emulator seed={self.seed!r}, {self.world.now():%Y-%m-%d %H:%M:%S}, {len(self.world.journal)} entries>"

    def account(self, provider: str) -> Account:
        """Return the ready account of a provider; LookupError names the choices."""
        found = known.get(provider)
        return Account(self, found, self._keys.get(found.name))

    def receive(
        self,
        to: str | list[str],
        subject: str | None = None,
        text: str | None = None,
        *,
        html: str | None = None,
        sender: str = SOMEONE,
        cc: list[str] | None = None,
        bcc: list[str] | None = None,
        in_reply_to: str | None = None,
        attachments: Mapping[str, bytes] | None = None,
    ) -> list[Sighting]:
        """Let a mail come in from the outside; return it once for each address it arrived at."""
        parts = (Attachment(name, "application/octet-stream", data) for name, data in (attachments or {}).items())
        draft = Draft(
            sender=sender,
            sender_name=None,
            to=[to] if isinstance(to, str) else to,
            cc=cc or [],
            bcc=bcc or [],
            subject=subject,
            text=text,
            html=html,
            in_reply_to=in_reply_to,
            references=[in_reply_to] if in_reply_to else [],
            attachments=tuple(parts),
        )
        with self.world.step():
            return sightings.receive(self.world, draft)

    @property
    def sent(self) -> list[Departure]:
        """The mail that left for addresses outside the emulator, oldest first."""
        with self.world.step():
            return outside_tray(self.world)

    def mail(self, *, to: str | None = None, from_: str | None = None, subject: str | None = None) -> list[Sighting]:
        """Return every mail where it arrived, oldest first; `from_` and `subject` match as substrings."""
        with self.world.step():
            return sightings.matching(self.world, Wanted(to, from_, subject))

    def inbox(self, address: str) -> Inbox:
        """Return an address, a mailbox or not, to look at what arrives there and to wait for it."""
        return Inbox(self, address)

    def person(self, address: str) -> Person:
        """Return somebody outside, who writes mail and gets what is sent to them."""
        return Person(self, address)

    def wait_for(
        self,
        *,
        to: str | None = None,
        from_: str | None = None,
        subject: str | None = None,
        text: str | None = None,
        matches: Matches | None = None,
        timeout: float = 5.0,
    ) -> Sighting:
        """Return the newest matching mail, waiting `timeout` real seconds for it.

        `matches` is a pattern or a function. AssertionError tells what did arrive and why it is not it.
        """
        __tracebackhide__ = True
        wanted = Wanted(to, from_, subject, text, matches=matches)
        found = sightings.wait_for(self.world, wanted, timeout=self.patience(timeout))
        if found is None:
            raise AssertionError(telling.nothing_came(self.world, wanted, timeout))
        return found

    def expect_none(
        self,
        *,
        to: str | None = None,
        from_: str | None = None,
        subject: str | None = None,
        within: str | float | timedelta = "1h",
    ) -> None:
        """Make sure that no matching mail comes from now on; AssertionError names what did.

        A clock that stands still is moved on by `within`, so that days take no time; in real time it is waited.
        """
        __tracebackhide__ = True
        expect_none(self, Wanted(to, from_, subject), within)

    def patience(self, timeout: float) -> float:
        """Return for how many seconds to wait for mail: for none where nobody else is there who could bring it."""
        alone = threading.active_count() == 1 and self.servers is None
        return 0 if alone and self.world.clock.virtual and not self.world.skips_waits else timeout

    @property
    def requests(self) -> list[ApiRequest]:
        """The API calls that were answered, oldest first, secrets masked."""
        return requests(self.world)

    def fail(
        self,
        provider: str,
        operation: str,
        status: int,
        *,
        message: str | None = None,
        nth: int = 1,
        times: int | None = 1,
        force: bool = False,
    ) -> FaultRule:
        """Answer `status` to the `nth` call of an operation and those after it, `times` in all.

        ValueError if the contract document does not know this error, unless forced.
        """
        where = {"provider": provider, "operation": operation, "nth": nth, "times": times, "force": force}
        return self.fault("respond", status=status, message=message, **where)

    def fault(self, effect: str = "respond", **rule: Any) -> FaultRule:
        """Add a fault rule: what it does, and what it strikes (docs/testing.md lists both).

        For example `fault("mail", recipient="*@example.com", fate="bounce")`. ValueError says what is wrong with it.
        """
        with self.world.lock:
            return add_rule(self.world, {"effect": effect, **rule})

    def scenario(self, name: str) -> list[FaultRule]:
        """Bring about a documented failure by name, e.g. `sendmux:provisioning-fails`; LookupError names them all."""
        return start_scenario(self.world, name)

    def advance(self, by: str | float | timedelta) -> None:
        """Move the clock: `"1h"`, seconds or a timedelta; what becomes due on the way is done, webhooks included."""
        self.world.advance(duration(by))

    def freeze(self, at: datetime | None = None) -> None:
        """Let time stand still, now or at a later moment; a clock that stands already is moved to it."""
        self.world.freeze(at)

    def run_until_idle(self) -> None:
        """Do all that is planned, moving the clock from one thing to the next, until nothing is left to be done.

        In real time what is due is done, and what is on its way to a webhook's receiver waited for.
        """
        self.world.run_until_idle()

    def receive_webhooks(self, url: str, app: Callable[..., Any]) -> None:
        """Let an application in this process answer the webhooks posted to URLs that begin with `url`.

        It is a Flask or other WSGI application, an ASGI application, or a function that is called with `.url`,
        `.headers`, `.body` and `.json` and returns a status (200 for None). TypeError if it is none of these.
        """
        kind_of(app)
        self.world.receivers[url] = app

    def allow_webhooks(self, *hosts: str) -> None:
        """Let webhooks be posted to these hosts, such as `*.example.com`, besides this machine."""
        with self.world.step():
            set_setting(self.world, HOSTS, hosts)

    @property
    def webhooks(self) -> list[Delivery]:
        """Every delivery to a webhook with its attempts, oldest first."""
        with self.world.step():
            return list(self.world.store.each(DELIVERIES, "all", "all"))

    def replay(self, delivery: Delivery) -> None:
        """Post a delivery once more, signed anew; LookupError if its subscription is gone."""
        with self.world.step():
            replay(self.world, delivery)

    def journal(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return what happened, oldest first, secrets masked; `kind`: `http`, `smtp`, `imap`, or one of `mail.`."""
        return [entry.as_json() for entry in self.world.journal if kind in (None, entry.kind)]

    def snapshot(self) -> Snapshot:
        """Return the present state, to `restore` it later."""
        return self.world.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Put a state back."""
        self.world.restore(snapshot)

    def save(self, path: str | Path) -> None:
        """Write the present state to a file, which `Emulator(world=path)` starts from; it holds keys and mail."""
        from emulator import snapshots

        Path(path).write_bytes(snapshots.dump(self.world))

    def fill(self, plan: Plan | str | Path) -> int:
        """Put mailboxes and mail into the world, as a plan or its JSON file has them; return how many mails that were.

        ValueError says what in it cannot be done; then nothing is.
        """
        from emulator import starting

        return starting.fill(self.world, starting.plan_of(plan))

    def reset(self) -> None:
        """Put the world back to its start."""
        self.world.reset()

    @contextmanager
    def intercept(self, allow: Iterable[str] = ()) -> Iterator[Interception]:
        """Lead the providers' real host names to this emulator until the block ends, in all threads of the process.

        Clients keep their production URLs, HTTP and mail alike. Whatever else opens a connection, other than to this
        machine, gets an UnexpectedConnection (a RuntimeError) that names the URL; `allow` are patterns of hosts that
        may be reached, such as `*.example.com`.
        """
        from emulator.intercept import intercept

        with intercept(self.wsgi, allow, self.refused) as interception:
            yield interception

    def serve(self, host: str = "127.0.0.1", ports: Ports | None = None) -> Servers:
        """Open the doors for clients outside this process, once; `close` closes them. Without `ports` any free ones."""
        if self.servers is None:
            self.servers = Servers(self.worlds, host, ports or Ports())
        return self.servers

    def tenant(self, name: str, **chosen: Any) -> Emulator:
        """Return an emulator of its own behind the same doors, until it is closed; `chosen` as for any other.

        What is done with the API keys of its accounts, or with a user name and password that they give, is done in its
        world. ValueError if there is a tenant of this name.
        """
        tenant = Emulator(**chosen)
        tenant._keys = own_keys(tenant.world, name)
        self.worlds.add(name, tenant.world)
        tenant.worlds, tenant.wsgi, tenant.servers = self.worlds, self.wsgi, self.servers
        tenant._leave = lambda: self.worlds.remove(name)
        return tenant

    @property
    def environment(self) -> dict[str, str]:
        """The variables to hand to a program in another process: where each provider is, its key, the mail doors."""
        accounts = [self.account(name).environment for name in known.names()]
        served = {} if self.servers is None else {"EMULATOR_URL": self.servers.url, **self.servers.environment}
        return {name: value for found in (*accounts, served) for name, value in found.items()}

    def close(self) -> None:
        """Close the doors, and raise what went wrong inside the emulator itself, if anything did."""
        if self._leave is not None:
            self._leave()
            self.servers = None
        if self.servers is not None:
            self.servers.close()
            self.servers = None
        failures, self.worlds.failures = self.worlds.failures, []
        if failures:
            raise failures[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _host_of(origin: str) -> str:
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path:
        raise ValueError(f"{origin!r} is no origin, such as https://agents.acme.com")
    return parts.netloc.lower()


@cache
def _template(seed: str, start: datetime | None, strict: bool) -> World:
    return new_world(seed, Clock(start), strict=strict)


_STARTED: Final[dict[tuple[Hashable, ...], World]] = {}


def _started(start: Start, empty: World) -> World:
    """Return the world that this start makes of an empty one: made before, if it was, of the same file or function.

    ValueError says why it cannot be.
    """
    from emulator import beginnings

    what = beginnings.identity(start)
    known = (what, empty.seed, empty.strict, empty.clock.now() if empty.clock.virtual else None)
    if what is not None and known in _STARTED:
        return _STARTED[known]
    made = _built(start, empty) if callable(start) else beginnings.begin(start, empty)
    if what is not None:
        _STARTED[known] = made
    return made


def _built(build: Callable[[Emulator], object], empty: World) -> World:
    now = empty.clock.now() if empty.clock.virtual else None
    with Emulator(empty.seed, clock=now, strict=empty.strict) as made:
        build(made)
    return made.world
