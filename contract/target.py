"""What a contract run is aimed at: the emulator in this process, or an API at a URL."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import pytest

from contract.choice import Choice
from contract.in_process import InProcess
from contract.receiver import Receiver, receiving
from contract.run import Run
from contract.wire import Wire
from emulator.harness import Emulator

T = TypeVar("T")

WORLD_HEADER = "X-Emulator-World"
_TIMEOUT = 30.0
_START = "2026-01-01T12:00:00Z"
_PATIENCE = 30.0
_BETWEEN_LOOKS = 0.5


class Target:
    """One provider to talk to: a fresh emulator in process, a world of its own on a served one, or the live API."""

    def __init__(
        self, provider: str, run: Run, emulator: Emulator | None = None, *, revision: str | None = None
    ) -> None:
        choice = run.choice
        self.run = run
        self.provider = choice.get(provider, revision)
        self.api_key = choice.api_key(self.provider)
        self.emulator = (emulator or choice.emulator(self.provider)) if choice.base_url is None else None
        self.base_url = choice.base_url or self.provider.origin
        self._name = f"{run.mark}-{next(_TARGETS)}"
        inner: httpx.BaseTransport = InProcess(self.emulator.wsgi) if self.emulator else httpx.HTTPTransport()
        self._raw = httpx.Client(base_url=self.base_url, transport=inner, timeout=_TIMEOUT)
        self.live = run.live
        self._patience = (choice.patience or _PATIENCE) if run.live else 0.0
        self.wire = Wire(inner, self.provider, self.base_url, run)
        self.http = httpx.Client(base_url=self.base_url, transport=self.wire, timeout=_TIMEOUT)
        if self.emulator is None and not self.live:
            self._enter_own_world()
        OPEN.append(self)

    def name(self, wanted: str) -> str:
        """Return a name that nobody has: as it is in an emulator, with a suffix of this journey's on a live API."""
        return f"{wanted}-{self._name}" if self.live else wanted

    def needs_emulator(self, reason: str) -> None:
        """Skip the test on a live API."""
        if self.live:
            pytest.skip(reason)

    def until(self, look: Callable[[], T], enough: Callable[[T], bool] = bool) -> T:
        """Look until there is enough to see, and return it: at a live API mail takes its time. Else the last look."""
        deadline = time.monotonic() + self._patience
        while True:
            seen = look()
            if enough(seen) or time.monotonic() >= deadline:
                return seen
            time.sleep(_BETWEEN_LOOKS)

    @contextmanager
    def receiver(self) -> Iterator[Receiver]:
        """Listen for webhooks; skips the test where the provider could not reach this machine."""
        choice = self.run.choice
        if self.live and choice.webhook_url is None and not choice.is_loopback:
            pytest.skip("needs --webhook-url, a tunnel to --webhook-port")
        with receiving(choice.webhook_port or 0, choice.webhook_url) as receiver:
            yield receiver

    def control(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Use the emulator's control API; skips the test on a live API."""
        self.needs_emulator("needs the emulator's control API")
        headers = {**self.world_header, **options.pop("headers", {})}
        return self._raw.request(method, f"{self._origin}/_emulator{path}", headers=headers, **options)

    @property
    def world_header(self) -> dict[str, str]:
        """The header that leads into this target's own world on a served emulator; empty elsewhere."""
        return {} if self.live or self.emulator else {WORLD_HEADER: self._name}

    def reset(self) -> None:
        """Put this target's own world on a served emulator back to its start."""
        self.control("POST", "/reset")
        self._choose_revision()  # it was chosen after the start

    def close(self) -> None:
        """Close the client; raises what went wrong inside the emulator, if anything did."""
        OPEN.remove(self)
        if self.emulator is None and not self.live:
            self.control("DELETE", f"/worlds/{self._name}", headers={WORLD_HEADER: ""})
        self.http.close()
        if self.emulator:
            self.emulator.close()

    @property
    def _origin(self) -> str:
        return "{0.scheme}://{0.netloc}".format(urlsplit(self.base_url))

    def _enter_own_world(self) -> None:
        """Make a world of this target's own."""
        made = {"name": self._name, "clock": _START}
        self._raw.post(f"{self._origin}/_emulator/worlds", json=made).raise_for_status()
        self.http.headers[WORLD_HEADER] = self._name
        self._choose_revision()

    def _choose_revision(self) -> None:
        revision = {"revision": self.provider.revision}
        self.control("PUT", f"/revisions/{self.provider.name}", json=revision).raise_for_status()


def is_emulator(choice: Choice) -> bool:
    """Tell whether an emulator answers at the chosen URL. A provider's own host is not even asked."""
    parts = urlsplit(str(choice.base_url))
    if choice.is_own_host:
        return False
    try:
        answer = httpx.get(f"{parts.scheme}://{parts.netloc}/_emulator/health", timeout=_TIMEOUT)
        return answer.is_success and answer.json().get("ready") is True
    except (httpx.HTTPError, ValueError, AttributeError):
        return False


OPEN: list[Target] = []
"""The targets that are not closed yet."""

RUN = Run(Choice())
"""Set from the command line before anything is collected."""

_TARGETS = count()
