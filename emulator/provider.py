"""The seam between the house and a provider: what a provider says of itself, and what its routes are given.

A provider is a dialect over the one mail system. Everything a door needs to know about it stands in `Provider`;
everything a route needs to know about a request stands in `Call`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from importlib import import_module
from importlib.resources import files
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

from emulator.mail.files import File, open_file
from emulator.openapi import Document, Operation
from emulator.paging import decode_cursor
from emulator.world.accounts import ACCOUNTS, account_of_key
from emulator.world.idempotency import KeyReusedError, recall, remember
from emulator.world.ids import Format
from emulator.world.ordered import Key
from emulator.world.settings import Settings, get_setting, set_setting

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug.datastructures import Headers

    from emulator.mail import Attachment, Mailbox
    from emulator.webhooks import Dialect
    from emulator.world import Account, Credential, World

MEGABYTE: Final = 1024 * 1024

_FILES: Final = "/_emulator/files/"

T = TypeVar("T")


class Scenario(NamedTuple):
    """A failure that a provider's documents describe, under a name.

    `meaning` says it in a sentence, `rules` are fault rules as `fault_rules.add_rule` takes them, without the provider,
    and `settings` the provider's settings that bring it about.
    """

    meaning: str
    rules: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, Any] = {}  # a NamedTuple's default is shared and never changed


RATE_LIMITED: Final = Scenario(
    "every operation answers 429 and says to come again after a minute, for a minute",
    ({"operation": "*", "status": 429, "retry_after": 60, "times": None, "for": "60s"},),
)


class Invalid(NamedTuple):
    """One thing wrong with a request: where (`("body", "subject")`), which rule, in words, and what was received."""

    where: tuple[str | int, ...]
    rule: str
    message: str
    value: Any


class Problem(Exception):
    """A request that fails as the provider documents it; the provider's `render` gives it its shape.

    `kind` is one of `KINDS` and has a usual status; `status` overrides it. `code` is the provider's own word.
    With `keep_changes` what the request did before failing stays done (a counted try, for example).
    `details` is what the error body says besides, for a provider whose errors do.
    """

    KINDS: Final = {
        "malformed": 400,
        "refused": 400,
        "unauthorized": 401,
        "payment_required": 402,
        "forbidden": 403,
        "not_found": 404,
        "no_route": 404,
        "method_not_allowed": 405,
        "conflict": 409,
        "too_large": 413,
        "wrong_content_type": 415,
        "invalid": 422,
        "rate_limited": 429,
        "internal": 500,
        "not_built": 501,
        "unavailable": 503,
        "fault": 500,
    }

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        errors: tuple[Invalid, ...] = (),
        headers: Mapping[str, str] | None = None,
        keep_changes: bool = False,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status or self.KINDS[kind]
        self.code = code
        self.errors = errors
        self.headers = dict(headers or {})
        self.keep_changes = keep_changes
        self.details = dict(details or {})
        self.operation: Operation | None = None
        """The operation that was asked for, if one was found; the door fills it in before `render`."""


def invalid(where: str, message: str, value: Any, rule: str = "value") -> Problem:
    """Return the problem of one bad field of the request body."""
    return Problem("invalid", message, errors=(Invalid(("body", *where.split(".")), rule, message, value),))


def slow_down(message: str, wait: timedelta) -> Problem:
    """Return the problem of a limit that is reached, with the time after which to try again."""
    return Problem("rate_limited", message, headers=retry_after(wait))


def recalled(world: World, scope: tuple[str, ...], key: str | None, given: object) -> Any | None:
    """Return what an idempotency key stands for in this scope; None without a key, for a new and for an old one.

    `given` is the request as JSON values; 409 `idempotency_conflict` if the key came with another one.
    """
    try:
        return None if key is None else recall(world, scope, key, given)
    except KeyReusedError:
        message = "The idempotency key was used with another request"
        raise Problem("conflict", message, code="idempotency_conflict") from None


def once_per_key(
    world: World,
    scope: tuple[str, ...],
    key: str | None,
    given: object,
    perform: Callable[[], T],
    *,
    lifetime: timedelta | None = None,
) -> T:
    """Do what a request asks for, or return what that gave when the same key came before, for good or a `lifetime`.

    What fails is not kept: a Problem passes through, and the key stays free. 409 as `recalled` has it.
    """
    known: T | None = recalled(world, scope, key, given)
    if known is not None:
        return known
    result = perform()
    if key is not None:
        remember(world, scope, key, given, result, lifetime=lifetime)
    return result


def retry_after(wait: timedelta) -> dict[str, str]:
    """Return the header that says after how many whole seconds to try again, one at the least."""
    return {"Retry-After": str(max(1, ceil(wait.total_seconds())))}


def bearer(headers: Headers) -> str | None:
    """Return the key of `Authorization: Bearer <key>`, or None."""
    scheme, _, key = headers.get("Authorization", "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def content_disposition(part: Attachment) -> str:
    """Return the header under which an attachment is downloaded; a name beyond ASCII is written as RFC 8187 has it."""
    shown, name = "inline" if part.inline else "attachment", part.filename
    if name is None:
        return shown
    if not (name.isascii() and name.isprintable()):
        return f"{shown}; filename*=UTF-8''{quote(name, safe='')}"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'{shown}; filename="{escaped}"'


class Door(NamedTuple):
    """Where a mail client connects to."""

    host: str
    port: int


Body = dict[str, Any] | list[Any] | str | bytes | Iterator[bytes]


class Answer(NamedTuple):
    """What a route answers: a JSON value (`""` for an empty body), a status and headers.

    Bytes are sent as they are, under the `Content-Type` of the headers; an iterator of bytes is sent piece by piece,
    without the world's lock.
    """

    body: Body
    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012  # a NamedTuple's default is shared and never changed


NO_CONTENT: Final = Answer("", 204)


def choose(world: World, provider: Provider, name: str, value: Any) -> None:
    """Set one of a provider's settings in a world.

    LookupError names the choices; ValueError says what the setting takes, which its default shows.
    """
    if name not in provider.settings:
        choices = ", ".join(sorted(provider.settings)) or "none"
        raise LookupError(f"{provider.name} has no setting {name!r}; it has {choices}")
    problem = provider.settings.problem(name, value)
    if problem is not None:
        raise ValueError(problem)
    set_setting(world, f"{provider.name}.{name}", value)


def new_mailbox(world: World, provider: Provider, local_part: str | None = None, key: str | None = None) -> Mailbox:
    """Make a mailbox in the account of a key, with everything around it; None: a generated local part.

    Without a key it is the provider's ready account. LookupError if the account is not there.
    """
    key = key or provider.credentials["api_key"]
    account_id = account_of_key(world.store, key)
    account = account_id and world.store.get(ACCOUNTS, account_id)
    if not account:
        raise LookupError(f"the {provider.title} key {key} belongs to no account")
    return provider.in_use(world, account.id).open_mailbox(world, account, local_part)


def choose_revision(world: World, provider: Provider, revision: str, account_id: str | None = None) -> None:
    """Use another revision of a provider, for one account or in the whole world; LookupError names the choices."""
    name = f"{provider.name}.revision" if account_id is None else f"{provider.name}.revision.{account_id}"
    set_setting(world, name, provider.at(revision).revision)


@dataclass(slots=True)
class Call:
    """A request that passed auth and contract: the world and account it acts on, and what it carries."""

    world: World
    provider: Provider
    operation: Operation
    account: Account | None
    credential: Credential | None
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    """The request headers that the contract document names, those that were sent."""
    body: Any
    """The JSON value; the bytes themselves, where the document asks for another type."""
    request_id: str
    """The id of this request, if the provider gives requests one; else empty."""
    origin: str
    """The scheme and host the client used, e.g. `http://127.0.0.1:8025`: links in answers begin with it."""
    base_url: str
    """What the client uses in the place of the provider's origin, e.g. `http://127.0.0.1:8025/sendmux`."""
    doors: Mapping[str, Door] = field(default_factory=dict)
    """Where `smtp` and `imap` are open, if they are."""
    fetched: Any = None
    """What the provider's `fetches` brought for this operation."""

    def cursor(self) -> Key | None:
        """Return the key to continue a list after, from the query's `cursor`; Problem if it is none of ours."""
        given = self.query.get("cursor")
        try:
            return None if given is None else decode_cursor(given)
        except ValueError:
            raise Problem("refused", "The cursor is not valid") from None

    def file_url(self, token: str) -> str:
        """Return the URL under which the file of this token can be fetched without a credential."""
        return f"{self.origin}{_FILES}{token}"

    def file_at(self, url: str) -> File | None:
        """Return the file of a URL that `file_url` gave in this world, by whatever host; None for any other URL."""
        _, found, token = url.partition(_FILES)
        return open_file(self.world, token) if found else None


@dataclass(frozen=True, eq=False)
class Provider:
    """A provider as the house knows it. All callables get the world they act on; none keeps state."""

    name: str
    title: str
    origin: str
    """The real origin, e.g. `https://inkbox.ai`; a client of the emulator replaces it."""
    package: str
    """The import package that holds openapi.json."""
    ids: Mapping[str, Format]
    """Id formats by kind. The mail system needs mailbox, message, thread and message_id, a world of its own api_key."""
    key_form: re.Pattern[str]
    """The form of a credential; lenient mode takes any key of this form."""
    read_key: Callable[[Headers], str | None]
    """Find the credential in the request headers."""
    key_headers: Callable[[str], dict[str, str]]
    """Return the headers in which a client shows its key."""
    render: Callable[[Problem, str], Answer]
    """Write a problem in the provider's error envelope; the second argument is the request id."""
    seed: Callable[[World], None]
    """Fill a new world with the provider's well-known account and keys."""
    open_account: Callable[[World, str], Credential]
    """Make a fresh account that this unknown key belongs to."""
    open_mailbox: Callable[[World, Account, str | None], Mailbox]
    """Make a mailbox for tests, with everything the provider puts around it; None: a generated local part."""
    credentials: Mapping[str, str]
    """The well-known credentials of the seeded account by their documented name, `api_key` among them."""
    environment: Mapping[str, str]
    """What a client's environment needs, e.g. `{"INKBOX_API_KEY": "{api_key}"}`; `{base_url}` is known too."""
    settings: Settings = field(default_factory=lambda: Settings("", {}))
    """What a tester may choose, by name, with the default; a provider reads it with `Settings.of`."""
    scenarios: Mapping[str, Scenario] = field(default_factory=dict)
    """Failures that a tester can have by name."""
    webhooks: Dialect | None = None
    """How it speaks to the receivers of webhooks."""
    request_id_header: str | None = None
    """The response header that carries the request id; `ids` then knows the kind `request`."""
    standing_headers: Callable[[World, Operation | None, str | None], Mapping[str, str]] | None = None
    """The headers of every answer, errors included; the last argument is the key that was shown."""
    waiting_operations: Mapping[str, str] = field(default_factory=dict)
    """Operations that block, each with the setting that says for how many milliseconds at most.

    Their views run without the world's lock and take `world.step()` themselves.
    """
    fetches: Mapping[str, Callable[[Call], Any]] = field(default_factory=dict)
    """What operations get from the network, by operationId: run before the view, without the world's lock."""
    body_limit: int = 40 * MEGABYTE
    hosts: tuple[str, ...] = field(default=())
    """Further host names that mean this provider."""
    mail_hosts: tuple[str, ...] = field(default=())
    """Where its mail servers are: SMTP and IMAP at their usual ports."""
    revision: str = "seed"
    """The generation of the vendor's API, named by its date."""
    aliases: tuple[str, ...] = ("current",)
    """Other names of the revision: `seed` for the first described, `current` for the vendor's newest."""
    routes_module: str = "routes"
    """The module of the package that holds the blueprint `routes`, one view per operation, named by operationId."""
    document_patch: str | None = None
    """The file that says what this revision's contract does otherwise than openapi.json (a JSON merge patch)."""
    generations: tuple[Provider, ...] = ()
    """Further revisions of the same API: `replace(PROVIDER, revision=..., document_patch=..., routes_module=...)`."""

    def routes(self) -> Blueprint:
        """Import the routes of this revision, and Flask with them."""
        blueprint: Blueprint = import_module(f"{self.package}.{self.routes_module}").routes
        return blueprint

    @cached_property
    def document(self) -> Document:
        """The contract document of this revision."""
        folder = Path(str(files(self.package)))
        return Document(folder / "openapi.json", folder / self.document_patch if self.document_patch else None)

    @property
    def every_generation(self) -> tuple[Provider, ...]:
        """All revisions of the API, this one first."""
        return (self, *self.generations)

    def at(self, revision: str) -> Provider:
        """Return the provider in another revision, by name or alias; LookupError names the choices."""
        for generation in self.every_generation:
            if revision in (generation.revision, *generation.aliases):
                return generation
        choices = ", ".join(name for one in self.every_generation for name in (one.revision, *one.aliases))
        raise LookupError(f"{self.name} has no revision {revision!r}; choose from {choices}")

    def in_use(self, world: World, account_id: str | None) -> Provider:
        """Return the revision that was chosen for this account, else for the world, else this one."""
        if not self.generations:
            return self
        of_world = get_setting(world, f"{self.name}.revision", self.revision)
        return self.at(get_setting(world, f"{self.name}.revision.{account_id}", of_world))

    @cached_property
    def all_hosts(self) -> tuple[str, ...]:
        """Every host name that means this provider."""
        return (urlsplit(self.origin).netloc, *self.hosts)
