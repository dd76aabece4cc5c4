"""Run the curl commands of the documents as a shell would: the words it makes of them, and what curl makes of those."""

from __future__ import annotations

import shlex
from typing import Any, NamedTuple

import httpx


class Answered(NamedTuple):
    """What came back: a status, and the JSON body (None for an empty one)."""

    status: int
    json: Any


def curl(command: str) -> Answered:
    """Run a command with the options that the documents use: -X, -H, -d, -sS."""
    words = iter(shlex.split(command.replace("\\\n", " ")))
    assert next(words) == "curl", command
    method, url, data, headers = None, "", None, {}
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(":")
            headers[name] = value.strip()
        elif word == "-d":
            data = next(words)
        elif word == "-sS":
            continue  # says what curl prints
        else:
            assert not word.startswith("-"), f"curl option {word} is not known"
            url = word
    response = httpx.request(method or ("GET" if data is None else "POST"), url, headers=headers, content=data)
    return Answered(response.status_code, response.json() if response.content else None)
