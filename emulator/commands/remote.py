"""What the commands for an emulator that runs already share: calling its control API, and showing what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from emulator.fetching import Fetched

T = TypeVar("T")

_URL = "http://127.0.0.1:8025"
_SECONDS = 600.0
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Remote:
    """The control API of a running emulator, in one of its worlds."""

    def __init__(self, url: str, world: str | None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Content-Type": "application/json", **({"X-Emulator-World": world} if world else {})}

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the control API and return what it answers; ClickException with one line if it cannot."""
        answer = self._ask(method, path, None if body is None else json.dumps(body).encode())
        return self._value(answer)

    def read(self, path: str) -> bytes:
        """Return what the control API answers, as it is; ClickException with one line if it cannot."""
        answer = self._ask("GET", path, None)
        if answer.status >= 400:
            self._value(answer)
        return answer.data

    def write(self, path: str, data: bytes) -> Any:
        """Send the content of a file and return what the control API answers; ClickException if it cannot."""
        return self._value(self._ask("PUT", path, data))

    def _ask(self, method: str, path: str, sent: bytes | None) -> Fetched:
        import time

        from emulator.fetching import fetch

        deadline = time.monotonic() + _SECONDS
        url = f"{self._url}/_emulator{path}"
        answer = fetch(method, url, headers=self._headers, body=sent, limit=1 << 30, deadline=deadline)
        if answer.failure is not None:
            raise click.ClickException(f"no emulator answers at {self._url}: {answer.failure}; is `serve` running?")
        return answer

    def _value(self, answer: Fetched) -> Any:
        try:
            value = json.loads(answer.data) if answer.data else None
        except ValueError:
            raise click.ClickException(f"{self._url} is no emulator: it answered {answer.status} and no JSON") from None
        if answer.status >= 400:
            raise click.ClickException(str(value.get("error", value) if isinstance(value, dict) else value))
        return value


def remote_options(command: Any) -> Any:
    """Give a command the options `--url`, `--world` and `--json`."""
    return emulator_options(click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command))


def emulator_options(command: Any) -> Any:
    """Give a command the options `--url` and `--world`."""
    for option in (
        click.option("--world", help="A world other than the default one."),
        click.option("--url", default=_URL, show_default=True, envvar="EMULATOR_URL", help="Where the emulator runs."),
    ):
        command = option(command)
    return command


def show(value: Any, as_json: bool, lines: Iterable[str]) -> None:
    """Print a value as JSON for programs, or as lines for people."""
    click.echo(json.dumps(value) if as_json else harmless("\n".join(lines)))


def harmless(text: str) -> str:
    """Return a text without the control characters that a terminal would obey: mail may hold any."""
    return _CONTROLS.sub("", text)


def table(rows: Sequence[Sequence[object]], *heads: str) -> list[str]:
    """Return rows as lines in columns as wide as their widest cell."""
    cells = [[" ".join(harmless(str(cell)).split()) for cell in row] for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def with_file(file: Path, work: Callable[[], T]) -> T:
    """Return what is done with a file; ClickException if the system refuses."""
    try:
        return work()
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None
