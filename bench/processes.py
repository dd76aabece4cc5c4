"""Servers in processes of their own, so that a measurement shares nothing with what is measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Served:
    """An emulator that runs as `emulator serve`."""

    http_port: int
    smtp_port: int
    key: str
    pid: int

    @property
    def headers(self) -> dict[str, str]:
        """What an Inkbox client sends with each request."""
        return {"X-Service-Token": self.key}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request and return the JSON of its answer; RuntimeError unless it is a 2xx."""
        return request(self.http_port, method, path, self.headers, body)

    def open_mailbox(self, name: str) -> None:
        """Make an Inkbox identity with a mailbox, both of this name."""
        body = {"agent_handle": name, "mailbox": {"email_local_part": name}}
        self.call("POST", "/inkbox/api/v1/identities", body)

    def reset(self) -> None:
        """Put the world back to its start."""
        self.call("POST", "/_emulator/reset")


@contextmanager
def started(*command: str) -> Iterator[dict[str, Any]]:
    """Run `python -m ...` while the block runs, and give the JSON line it prints when it is ready, and its `pid`."""
    arguments, pipe = [sys.executable, "-m", *command], subprocess.PIPE
    with subprocess.Popen(arguments, cwd=_ROOT, env=environment(), stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None  # it is a pipe
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{' '.join(command)} ended before it was ready")
            yield {**json.loads(line), "pid": process.pid}
        finally:
            process.terminate()


@contextmanager
def emulator() -> Iterator[Served]:
    """Run `emulator serve` while the block runs."""
    with started("emulator", "serve", "--json", "--port", "0") as ready:
        port = urlsplit(ready["url"]).port
        assert port is not None  # the ready line always has one
        yield Served(port, ready["smtp"]["port"], ready["providers"]["inkbox"]["api_key"], ready["pid"])


@contextmanager
def peer(kind: str, answer: Any = None) -> Iterator[int]:
    """Run a peer while the block runs, and give its port."""
    with started("bench.peers", kind, json.dumps(answer)) as ready:
        yield ready["port"]


def environment() -> dict[str, str]:
    """Return the environment for a process that is measured: compiled modules are kept, as those of installed ones."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def request(port: int, method: str, path: str, headers: Mapping[str, str], body: Any = None) -> Any:
    """Send one request on a new connection and return the JSON of its answer; RuntimeError unless it is a 2xx."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status // 100 != 2:
            raise RuntimeError(f"{method} {path} answered {answer.status}: {text[:200]!r}")
        return json.loads(text)
    finally:
        connection.close()
