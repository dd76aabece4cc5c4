"""Names and connections of everything else: mail hosts lead to doors on this machine, what is not allowed is refused.

Whoever speaks TLS to an emulated host trusts the emulator's authority there, and nothing else is changed for it.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from emulator.intercept.destinations import UnexpectedConnection, is_address
from emulator.intercept.patches import Patches

if TYPE_CHECKING:
    from emulator.intercept import Interception

_LOOPBACK: Final = "127.0.0.1"
_SERVICES: Final = {"http": 80, "https": 443, "smtp": 25, "submission": 587, "imap": 143, "imaps": 993}


def patch(interception: Interception, patches: Patches) -> None:
    """Intercept name resolution, connections and TLS of this process."""
    patches.replace(socket, "getaddrinfo", partial(_resolving, interception))
    for name in ("gethostbyname", "gethostbyname_ex"):
        patches.replace(socket, name, partial(_looking_up, interception))
    for name in ("connect", "connect_ex"):
        patches.replace(socket.socket, name, partial(_connecting, interception))
    patches.replace(socket.socket, "sendto", partial(_sending, interception))
    for name in ("wrap_socket", "wrap_bio"):
        patches.replace(ssl.SSLContext, name, partial(_wrapping, interception))


def _resolving(interception: Interception, original: Callable[..., Any]) -> Callable[..., Any]:
    def getaddrinfo(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if name is None or is_address(name):
            return original(host, port, *rest, **options)
        door = interception.door(name, _number(port))
        if door is not None:
            return original(_LOOPBACK, door, *rest, **options)
        found = original(host, port, *rest, **options)
        interception.destinations.note_resolved(str(address[4][0]) for address in found)
        return found

    return getaddrinfo


def _looking_up(interception: Interception, original: Callable[..., Any]) -> Callable[..., Any]:
    def look_up(name: str) -> Any:
        destinations = interception.destinations
        if name.lower() in destinations.emulated:
            return original(_LOOPBACK)
        if not is_address(name) and not destinations.may_reach(name, 0):
            raise destinations.refusal(name, name)
        return original(name)

    return look_up


def _number(port: Any) -> int:
    if isinstance(port, bytes):
        port = port.decode("ascii", "replace")
    if isinstance(port, str) and not port.isdecimal():
        return _SERVICES.get(port, 0)
    return int(port or 0)


def _connecting(interception: Interception, original: Callable[..., Any]) -> Callable[..., Any]:
    def connect(connection: socket.socket, address: Any) -> Any:
        return original(connection, _led(interception, connection, address))

    return connect


def _sending(interception: Interception, original: Callable[..., Any]) -> Callable[..., Any]:
    def sendto(connection: socket.socket, data: Any, *rest: Any) -> Any:
        return original(connection, data, *rest[:-1], _led(interception, connection, rest[-1]))

    return sendto


def _led(interception: Interception, connection: socket.socket, address: Any) -> Any:
    """Return where a connection is to go instead of an address."""
    if connection.family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
        return address
    host, port, *rest = address
    try:
        door = interception.door(str(host), port)
    except UnexpectedConnection:
        connection.close()  # who only expects an OSError would leave it open
        raise
    return address if door is None else (_LOOPBACK, door, *rest)


def _wrapping(interception: Interception, original: Callable[..., Any]) -> Callable[..., Any]:
    def wrap(context: ssl.SSLContext, *what: Any, **options: Any) -> Any:
        host = options.get("server_hostname")
        checked = context.verify_mode != ssl.CERT_NONE
        if checked and isinstance(host, str) and host.lower() in interception.destinations.emulated:
            # The client's own context stays as it is: it may outlive the interception.
            return original(interception.trusting_context(), *what, **options)
        return original(context, *what, **options)

    return wrap
