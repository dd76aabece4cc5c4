"""A request of the journal as a command or a program that sends it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any, Final

from emulator import providers
from emulator.provider import Provider

# A client sets them itself.
_OWN: Final = {"host", "user-agent", "accept", "accept-encoding", "connection", "content-length", "cookie", "origin"}
_KEY: Final = "\0"


def curl(entry: Mapping[str, Any], origin: str) -> str:
    """Return the shell command; the key is taken from the environment, since the journal does not show it."""
    provider = providers.get(entry["provider"])
    variable = key_variable(provider)
    parts = [f"curl -i -X {shlex.quote(entry['method'])} {shlex.quote(_url(entry, origin))}"]
    for name, value in _headers(entry, provider).items():
        # Double quotes let the shell put the variable in.
        shown = f'"{name}: {value.replace(_KEY, f"${variable}")}"' if _KEY in value else shlex.quote(f"{name}: {value}")
        parts.append(f"-H {shown}")
    body = entry["request_body"]
    if body is not None:
        parts.append(f"--data-raw {shlex.quote(body if isinstance(body, str) else json.dumps(body))}")
    return " \\\n  ".join(parts)


def python(entry: Mapping[str, Any], origin: str) -> str:
    """Return a program with httpx; the key is taken from the environment."""
    provider = providers.get(entry["provider"])
    lines = ["import os", "", "import httpx", "", "answer = httpx.request("]
    lines += [f"    {_quoted(entry['method'])},", f"    {_quoted(_url(entry, origin))},"]
    headers = _headers(entry, provider)
    if headers:
        lines += [
            "    headers={",
            *(f"        {_quoted(k)}: {_keyed(v, provider)}," for k, v in headers.items()),
            "    },",
        ]
    body = entry["request_body"]
    if body is not None:
        lines.append(f"    content={_quoted(body)}," if isinstance(body, str) else f"    json={body!r},")
    return "\n".join([*lines, ")", "print(answer.status_code, answer.text)"])


def key_variable(provider: Provider) -> str:
    """Return the name of the environment variable in which clients of a provider look for their key."""
    named = (name for name, value in provider.environment.items() if "{api_key}" in value)
    return next(named, f"{provider.name.upper()}_API_KEY")


def _url(entry: Mapping[str, Any], origin: str) -> str:
    query = f"?{entry['query']}" if entry["query"] else ""
    return f"{origin}/{entry['provider']}{entry['path']}{query}"


def _headers(entry: Mapping[str, Any], provider: Provider) -> dict[str, str]:
    keys = {name.lower(): value for name, value in provider.key_headers(_KEY).items()}
    sent = {name: value for name, value in entry["request_headers"].items() if name.lower() not in _OWN}
    headers = {name: keys.get(name.lower(), value) for name, value in sent.items()}
    if isinstance(entry["request_body"], dict | list):
        headers["Content-Type"] = "application/json"
    return headers


def _keyed(value: str, provider: Provider) -> str:
    before, key, _ = value.partition(_KEY)
    if not key:
        return _quoted(value)
    variable = f'os.environ["{key_variable(provider)}"]'
    return f"{_quoted(before)} + {variable}" if before else variable


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
