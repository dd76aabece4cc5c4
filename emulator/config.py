"""The file `emulator.toml`: how an emulator is served, so that nobody has to remember options."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple

NAME: Final = "emulator.toml"

_TEXT: Final = {"type": "string"}
_FLAG: Final = {"type": "boolean"}
_PORT: Final = {"type": "integer", "minimum": 0, "maximum": 65535}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_BY_NAME: Final = {"type": "object", "additionalProperties": _TEXT}


class ConfigError(ValueError):
    """The file says something that cannot be; the message names the file, the key, and what can be."""


class Key(NamedTuple):
    """What can be chosen: its key in the file, what it takes, what it means, its option at the command line."""

    path: str
    takes: Mapping[str, Any]
    meaning: str
    option: str | None = None
    default: Any = None

    @property
    def parameter(self) -> str:
        """The key as a name in Python."""
        return self.path.replace(".", "_")


KEYS: Final = (
    Key("host", _TEXT, "Address to listen on.", "--host", "127.0.0.1"),
    Key("ports.http", _PORT, "HTTP port; 0 takes a free one, also for the doors that are not named.", "--port", 8025),
    Key("ports.smtp", _PORT, "SMTP port, by default 8026; 0 takes a free one.", "--smtp-port"),
    Key("ports.imap", _PORT, "IMAP port, by default 8027; 0 takes a free one.", "--imap-port"),
    Key("ports.smtps", _PORT, "Port of SMTP with TLS, by default 8028; 0 takes a free one.", "--smtps-port"),
    Key("ports.imaps", _PORT, "Port of IMAP with TLS, by default 8029; 0 takes a free one.", "--imaps-port"),
    Key("ports.https", _PORT, "Port of HTTPS, which is closed without one; 0 takes a free one.", "--https-port"),
    Key("ca_file", _TEXT, "Write the CA to trust to this file.", "--ca-file"),
    Key("seed", {"type": ["string", "integer"]}, "Decides every id.", "--seed", "0"),
    Key("clock", _TEXT, "A time at which the clock stands, or `real`.", "--clock", "real"),
    Key("start_with", _TEXT, "A file to start with: a plan (JSON) or a snapshot.", "--start-with"),
    Key("providers", _TEXTS, "The providers that are served; all without it.", "--provider", []),
    Key("revisions", _BY_NAME, "The revision of a provider's API, by provider, e.g. `current`.", "--revision", {}),
    Key(
        "settings",
        {"type": "object", "additionalProperties": {"type": "object"}},
        "Settings of providers, by provider and name.",
        default={},
    ),
    Key("faults", {"type": "array", "items": {"type": "object"}}, "Fault rules, each as `emulator fault add` has it."),
    Key(
        "skip_waits",
        _FLAG,
        "While the clock stands, move it on instead of letting clients wait.",
        "--skip-waits",
        False,
    ),
    Key("strict", _FLAG, "Refuse unknown keys; hold every answer against its contract.", "--strict", False),
    Key("webhook_hosts", _TEXTS, "Hosts outside this machine to post webhooks to.", "--webhook-host", []),
    Key(
        "allow_hosts", _TEXTS, "Host names that mean this emulator, for its pages and control API.", "--allow-host", []
    ),
    Key("origins", _BY_NAME, "Where a provider that everybody hosts elsewhere is, by provider.", default={}),
)

_FILES: Final = ("ca_file", "start_with")


def find(start: Path) -> Path | None:
    """Return the nearest `emulator.toml` in a folder or those above it, or None."""
    return next((file for folder in (start, *start.parents) if (file := folder / NAME).is_file()), None)


def load(file: Path) -> dict[str, Any]:
    """Return what a file says, by the path of its key; files that it names are found beside it. Raises ConfigError."""
    try:
        said = _plain(tomllib.loads(file.read_text("utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error) or "it cannot be read"
        raise ConfigError(f"{file}: {reason}") from None
    try:
        return _checked(said, file.parent)
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from None


def _checked(said: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    known = {key.path: key for key in KEYS}
    chosen = dict[str, Any]()
    for path, value in _flat(said):
        if path not in known:
            raise ValueError(f"there is no key {path}; {_nearest(path, known)}")
        check(known[path], value)
        chosen[path] = str(folder / value) if path in _FILES else value
    return chosen


def _flat(said: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Yield the keys with their values; those of ports by their path."""
    for name, value in said.items():
        if name == "ports" and isinstance(value, dict):
            yield from ((f"ports.{door}", number) for door, number in value.items())
        else:
            yield name, value


def check(key: Key, value: Any) -> None:
    """Raise ValueError for what a key does not take."""
    import jsonschema_rs

    for error in jsonschema_rs.iter_errors(dict(key.takes), value):
        where = ".".join((key.path, *map(str, error.instance_path)))
        raise ValueError(f"{where}: {error.message}")


def _nearest(path: str, known: Iterable[str]) -> str:
    near = get_close_matches(path, list(known), 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"


def _plain(value: Any) -> Any:
    """Return a value of TOML with its times as text."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime | date | time) else value
