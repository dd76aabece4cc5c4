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
        "<ada@host> \udc80",
    ],
)
def test_plain_paths_are_read_like_all_others(path: str) -> None:
    loop = asyncio.new_event_loop()
    try:
        handler = Handler(Worlds(World()), SmtpLimits())
        ours = Protocol(handler, SmtpLimits(), None, loop=loop)._getaddr(path)
        theirs = SMTP(None, loop=loop, hostname="x")._getaddr(path)
    finally:
        loop.close()

    assert ours[0] == theirs[0]
    assert (ours[1] or "").split() == (theirs[1] or "").split()
