"""HTTPS for cheroot, with a certificate that is made when the first client comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.servers.tls import Authority

if TYPE_CHECKING:
    from cheroot.ssl.builtin import BuiltinSSLAdapter


def tls_adapter(authority: Authority) -> BuiltinSSLAdapter:
    """Return what cheroot's server needs to speak TLS with a certificate of this authority."""
    from cheroot.ssl.builtin import BuiltinSSLAdapter

    class Adapter(BuiltinSSLAdapter):
        """cheroot's own, but for where its certificate comes from."""

        def __init__(self) -> None:
            """Read no files, as the original does."""

        def wrap(self, sock: Any) -> tuple[Any, dict[str, str]]:
            self.context = authority.context()
            wrapped, _ = super().wrap(sock)  # type: ignore[no-untyped-call]  # cheroot's stubs leave it out
            return wrapped, {"wsgi.url_scheme": "https"}

        def get_environ(self, *_: Any) -> dict[str, str]:
            return {}

    return Adapter()
