"""Trace: the header lines that servers put above a mail on its way. A DKIM signature has the form, not the proof."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from email.utils import format_datetime
from typing import Final

from emulator.mail import addresses
from emulator.mail.parse import Mail, blank_line
from emulator.world import World

MAX_HOPS: Final = 50
"""A mail that has passed more servers goes in circles."""

_SIGNED: Final = ("From", "To", "Subject", "Date", "Message-ID")
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f<>();]")
_BREAKING: Final = re.compile(r"[\x00-\x1f\x7f<>]")
_WIDTH: Final = 70
_SIGNATURE_BYTES: Final = 128


def signed(world: World, mail: Mail, sender: str) -> Mail:
    """Return the mail with a DKIM-Signature of its sender's domain above it; as it is for a sender without one."""
    domain = ascii_domain(addresses.domain(sender))
    if not domain:
        return mail
    body_hash = hashlib.sha256(_canonical_body(mail.raw)).digest()
    made_up = hashlib.shake_256(world.secret("dkim", domain) + body_hash).digest(_SIGNATURE_BYTES)
    names = ":".join(name for name in _SIGNED if name.lower() in mail.fields)
    lines = [
        f"DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d={domain}; s=emulator;",
        f" t={int(world.now().timestamp())}; h={names or 'From'};",
        f" bh={b64encode(body_hash).decode()};",
        *_folded(f"b={b64encode(made_up).decode()}"),
    ]
    return mail.under("".join(f"{line}\r\n" for line in lines).encode())


def received(
    world: World, mail: Mail, sender: str, recipient: str, *, helo: str | None = None, protocol: str = "ESMTP"
) -> Mail:
    """Return the mail as its recipient's server hands it on: Return-Path, Authentication-Results and Received above it.

    `helo` is what a client at the SMTP door called itself: nothing proves who it is. Without it the mail came from
    its sender's server, which is what it says it is.
    """
    here = exchanger(recipient)
    domain = ascii_domain(addresses.domain(sender))
    came_from = _clean(helo) if helo is not None else f"mail.{domain or 'localhost'}"
    proven = helo is None and domain
    results = (
        f"spf=pass smtp.mailfrom={domain};\r\n dkim=pass header.d={domain}; dmarc=pass header.from={domain}"
        if proven
        else "spf=none; dkim=none; dmarc=none"
    )
    number = f"{world.store.tick('received'):08x}"
    trace = (
        f"Return-Path: <{_BREAKING.sub('', sender)}>\r\n"
        f"Authentication-Results: {here};\r\n {results}\r\n"
        f"Received: from {came_from or 'unknown'} ([127.0.0.1])\r\n by {here} with {protocol} id {number};\r\n"
        f" {format_datetime(world.now())}\r\n"  # not for whom: a hidden recipient stays hidden
    )
    return mail.under(trace.encode("utf-8", "replace"))


def goes_in_circles(mail: Mail) -> bool:
    """Tell whether a mail has passed more servers than any way has."""
    # Reading the headers of every mail would cost more than taking it in.
    may = mail.raw.count(b"eceived:") + mail.raw.count(b"ECEIVED:") > MAX_HOPS
    return may and len(mail.fields.get("received", ())) > MAX_HOPS


def exchanger(address: str) -> str:
    """Return the name of the server that takes mail for an address."""
    return f"mx.{ascii_domain(addresses.domain(address)) or 'localhost'}"


def ascii_domain(domain: str) -> str:
    """Return a domain as DNS has it, non-ASCII labels as `xn--`; empty for what cannot be one."""
    try:
        return _clean(domain if domain.isascii() else domain.encode("idna").decode())
    except UnicodeError:
        return ""


def _canonical_body(raw: bytes) -> bytes:
    """Return the body as RFC 6376, 3.4.3 has it: one line end at its end."""
    body = raw[blank_line(raw)[1] :]
    return body.rstrip(b"\r\n") + b"\r\n"


def _folded(value: str) -> list[str]:
    return [f" {value[at : at + _WIDTH]}" for at in range(0, len(value), _WIDTH)]


def _clean(text: str) -> str:
    return _UNSAFE.sub("", text)
