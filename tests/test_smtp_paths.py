"""The short way for plain SMTP paths says what aiosmtpd says."""

from __future__ import annotations

import asyncio

import pytest
from aiosmtpd.smtp import SMTP

from emulator.servers.smtp import SmtpLimits
from emulator.servers.smtp_handler import Handler
from emulator.servers.smtp_protocol import Protocol
from emulator.servers.worlds import Worlds
from emulator.world import World


@pytest.mark.parametrize(
    "path",
    [
        "<ada@inkboxmail.com>",
        "<ada.b+tag@mail.example.com> SIZE=12 BODY=8BITMIME",
        "<ada@localhost>SIZE=12",
        "<ada@host> (a comment) SIZE=12",
        "<>",
        "<> SIZE=12",
        "ada@host",
        "ada@host SIZE=12",
        '<"a b"@host>',
        "<ada..b@host>",
        "<.ada@host>",
        "<ada.@host>",
        "<ada@host.>",
        "<ada@[127.0.0.1]>",
        "<@relay.test:ada@host>",
        "< ada@host >",
        "<ada>",
        "<ada@host",
        "<müller@host> SMTPUTF8",
    ],
)
def test_plain_paths_are_read_like_all_others(path: str) -> None:
    ours, theirs = _read(Protocol, path), _read(SMTP, path)
    assert ours[0] == theirs[0]
    assert (ours[1] or "").split() == (theirs[1] or "").split()


@pytest.mark.parametrize(
    "path", ["<", "<@", '"', "<ada@", "<)", "<ada@[", '<"a\rb"@host>', '<"a\0b"@host>', "<\udcff@host>", "(" * 999]
)
def test_what_is_no_address_is_malformed(path: str) -> None:
    assert _read(Protocol, path) == (None, None)


@pytest.mark.parametrize("path", ["<ada@host> \udc80", "<ada@host> SIZE=²"])
def test_parameters_that_are_no_ascii_are_a_syntax_error(path: str) -> None:
    assert _read(Protocol, path) == ("", "")


def _read(protocol: type[SMTP], path: str) -> tuple[str | None, str | None]:
    loop = asyncio.new_event_loop()
    try:
        if issubclass(protocol, Protocol):
            return protocol(Handler(Worlds(World()), SmtpLimits()), SmtpLimits(), None, loop=loop)._getaddr(path)
        return protocol(None, loop=loop, hostname="x")._getaddr(path)
    finally:
        loop.close()
