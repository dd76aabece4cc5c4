"""TLS: a certificate authority of this process, and the certificate of its doors. Made with the first connection."""

from __future__ import annotations

import ssl
from functools import cached_property
from ipaddress import ip_address
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trustme


class Authority:
    """A certificate authority that nobody else knows, and a certificate for the names of the doors.

    A client that checks certificates has to trust `pem`. Nothing is made before it is needed: it takes a while.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._lock = Lock()

    @property
    def pem(self) -> bytes:
        """The authority's own certificate, for clients to trust."""
        with self._lock:
            return self._ca.cert_pem.bytes()

    def context(self) -> ssl.SSLContext:
        """Return what a door needs to speak TLS."""
        with self._lock:
            return self._context

    @cached_property
    def _ca(self) -> trustme.CA:
        import trustme

        return trustme.CA(organization_name="Inbox Emulator")

    @cached_property
    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*self.names).configure_cert(context)
        return context


def names_of(host: str) -> tuple[str, ...]:
    """Return the names that a certificate for a door at this host has to hold, as IP addresses and as host names."""
    local = ("localhost", "127.0.0.1", "::1")
    try:
        everywhere = ip_address(host).is_unspecified
    except ValueError:
        everywhere = False
    return local if everywhere else tuple(dict.fromkeys((*local, host)))
