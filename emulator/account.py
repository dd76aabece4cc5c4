"""The ready account of a provider, as a test holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.test import Client, TestResponse

from emulator.inboxes import AccountInbox
from emulator.provider import Provider, choose, choose_revision, new_mailbox
from emulator.world.accounts import account_of_key

if TYPE_CHECKING:
    from emulator.harness import Emulator


class Account:
    """A ready account of one provider: where it is, its credentials, and shortcuts for tests."""

    def __init__(self, emulator: Emulator, provider: Provider, key: str | None = None) -> None:
        self.emulator = emulator
        self.credentials = dict(provider.credentials) if key is None else {"api_key": key}
        self._provider = provider

    def __repr__(self) -> str:
        return f"<Account {self._provider.name} at {self.base_url}>"

    @property
    def provider(self) -> Provider:
        """The provider in the revision that this account uses."""
        return self._provider.in_use(self.emulator.world, self._account_id)

    @property
    def base_url(self) -> str:
        """What replaces the provider's origin: the served address after `emulator.serve()`, before it the real one."""
        servers = self.emulator.servers
        if servers is not None:
            return servers.base_url(self.provider)
        return self.emulator.origins.get(self.provider.name, self.provider.origin)

    @property
    def api_key(self) -> str:
        """The account's key."""
        return self.credentials["api_key"]

    @property
    def environment(self) -> dict[str, str]:
        """The variables to set for a client that reads its settings from the environment."""
        known = {"base_url": self.base_url, **self.credentials}
        return {name: value.format(**known) for name, value in self.provider.environment.items()}

    def set(self, name: str, value: Any) -> None:
        """Choose one of the provider's settings, e.g. `postern.set("daily_cap", 10)`; LookupError names the choices."""
        with self.emulator.world.step():
            choose(self.emulator.world, self.provider, name, value)

    def mailbox(self, local_part: str | None = None) -> AccountInbox:
        """Make a mailbox with everything the provider puts around it; `.address` is where it receives."""
        world = self.emulator.world
        with world.step():
            return AccountInbox(self.emulator, new_mailbox(world, self._provider, local_part, self.api_key))

    def use_revision(self, revision: str) -> None:
        """Use another revision of the provider's API for this account; LookupError names the choices."""
        with self.emulator.world.step():
            choose_revision(self.emulator.world, self._provider, revision, self._account_id)

    @property
    def _account_id(self) -> str | None:
        return account_of_key(self.emulator.world.store, self.api_key)

    def request(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send a request with the account's key, in process, and return Werkzeug's response (`.json`, `.status_code`).

        `options` are those of Werkzeug's test client: `json`, `query_string`, `headers` and so on.
        """
        headers = {**self.provider.key_headers(self.api_key), **options.pop("headers", {})}
        client = Client(self.emulator.wsgi)
        return client.open(path, method=method, base_url=self.provider.origin, headers=headers, **options)
