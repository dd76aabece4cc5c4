"""Who may ask `/_emulator` for something: programs, and pages of the emulator itself, but no other web site.

A browser lets any page send requests to this machine. It says from where: in Origin and Sec-Fetch-Site, which no page
can choose, and in Host, which is the attacker's own name after DNS rebinding. Programs send neither Origin nor
Sec-Fetch-Site, and a Host that means this machine.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit


def refusal(environ: dict[str, Any], names: Collection[str]) -> str | None:
    """Return why a request is refused, or None: it may pass. `names` are host names that mean the emulator."""
    host = environ.get("HTTP_HOST") or environ["SERVER_NAME"]
    name = _name(host)
    if not means_this_emulator(name, names):
        return f"Host {name!r} is not known to mean this emulator; allow it with `emulator serve --allow-host {name}`"
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return f"a page of {origin} may not use the emulator"
    if environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin") and not _is_followed_link(environ):
        return "a page of another site may not use the emulator"
    return None


def means_this_emulator(name: str, names: Collection[str]) -> bool:
    """Tell whether a host name cannot be somebody else's: a loopback name, any IP address, or one of `names`."""
    if name == "localhost" or name.endswith(".localhost") or name in names:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True  # rebinding needs a name


def _name(host: str) -> str:
    """Return the host without its port, in lower case; of `[::1]:8025` it is `::1`."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return host.lower()


def _is_followed_link(environ: dict[str, Any]) -> bool:
    """Tell whether a person followed a link of another site to one of the pages: nothing changes by that."""
    return environ["REQUEST_METHOD"] == "GET" and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
