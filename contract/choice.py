"""What the command line chose for a run."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from contract.budget import Refused
from emulator import providers
from emulator.harness import Emulator
from emulator.provider import Provider

PROFILES = ("read", "journeys", "full")
BUDGETS = {"read": 200, "journeys": 4000, "full": 20000}
"""The greatest number of requests to a live provider, unless chosen otherwise."""
PER_SECOND = 10.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Choice:
    """What the command line chose; empty for the suites of every provider against the emulator in process."""

    provider: str | None = None
    base_url: str | None = None
    key_env: tuple[str, ...] = ()
    """The variable that holds the key, and CREDENTIAL=VARIABLE for operations that need another one."""
    revision: str | None = None
    operations: str | None = None
    profile: str | None = None
    budget: int | None = None
    rate: float | None = None
    allow: tuple[str, ...] = ()
    yes: bool = False
    report: str | None = None
    compared_with: str | None = None
    baseline: str | None = None
    ledger: str | None = None
    record: str | None = None
    webhook_url: str | None = None
    webhook_port: int | None = None
    patience: float | None = None

    def providers(self) -> list[str]:
        """Return the names of the providers to run against."""
        return [self.provider] if self.provider else providers.names()

    def settled(self) -> Choice:
        """Return the choice of one generation for all journeys: the first one, at the provider itself its newest."""
        if self.provider is None or self.revision is not None:
            return self
        every = self.get(self.provider).every_generation
        return replace(self, revision=every[-1 if self.is_own_host else 0].revision)

    def get(self, name: str, otherwise: str | None = None) -> Provider:
        """Return a provider in the chosen revision, `otherwise` in this one."""
        provider = providers.get(name)
        revision = self.revision or otherwise
        return provider if revision is None else provider.at(revision)

    def emulator(self, provider: Provider) -> Emulator:
        """Return a fresh emulator in the revision of this provider."""
        return Emulator(revisions={provider.name: provider.revision})

    def api_key(self, provider: Provider, operation: str | None = None) -> str:
        """Return the key to use: from the environment for a live API, else the emulator's well-known one.

        An operation that is not for the usual key names its credential in the document, as `x-credential`.
        """
        known = None if operation is None else provider.document.operations.get(operation)
        name = "api_key" if known is None else known.raw.get("x-credential", "api_key")
        if not self.key_env:
            return provider.credentials[name]
        variables = dict(_named(written) for written in self.key_env)
        if name not in variables and name != "api_key":
            raise Refused(f"needs a key for {name}: --key-env {name}=VARIABLE")
        return os.environ[variables.get(name) or next(iter(variables.values()))]

    def secrets(self) -> list[str]:
        """Return the keys that were given."""
        return [os.environ[_named(written)[1]] for written in self.key_env]

    def refusal(self) -> str | None:
        """Return why the suites must not run against the chosen URL, None if they may."""
        if self.base_url is None:
            return None
        if self.provider is None:
            return "--base-url needs --provider"
        host = urlsplit(self.base_url).hostname or ""
        if not host:
            return f"{self.base_url!r} is no URL"
        if self.yes or self.is_loopback or self.is_own_host:
            return None
        return f"{host} is neither {self.get(self.provider).title}'s nor this machine; --yes runs against it anyway"

    @property
    def is_loopback(self) -> bool:
        """Tell whether the chosen URL is on this machine."""
        return (urlsplit(self.base_url or "").hostname or "") in _LOOPBACK

    @property
    def is_own_host(self) -> bool:
        """Tell whether the chosen URL is at a host of the provider's own."""
        own = self.get(self.provider).all_hosts if self.provider else ()
        return (urlsplit(self.base_url or "").hostname or "") in {name.partition(":")[0] for name in own}


def _named(written: str) -> tuple[str, str]:
    name, equals, variable = written.partition("=")
    return (name, variable) if equals else ("api_key", written)
