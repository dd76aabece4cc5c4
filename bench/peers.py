"""The peers: what a bare Flask app and a bare SMTP server cost. Run as `python -m bench.peers KIND [ANSWER]`.

Each process prints one JSON line with its `port` when it is ready, and ends when its input does. Nothing is imported
before it is needed: how long a peer takes to start is measured, too.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session
    from flask import Flask


def bare_flask(answer: Any) -> Flask:
    """Return a Flask app as one writes it in a minute: every GET has the same answer, every POST its own body."""
    from flask import Flask, jsonify, request

    app = Flask("bare")

    @app.get("/items/<name>")
    def get_item(**_: str) -> Any:
        return jsonify(answer)

    @app.post("/items")
    def post_item() -> Any:
        return jsonify(request.get_json()), 201

    return app


def serve_flask(answer: Any) -> None:
    """Serve the bare app on the emulator's own HTTP server."""
    from emulator.servers.http.server import HttpServer

    server = HttpServer(bare_flask(answer))
    _until_told(server.port)
    server.stop()


def serve_cheroot(answer: Any) -> None:
    """Serve the bare app on the server below the emulator's, with nothing of the emulator imported."""
    from threading import Thread

    from cheroot.wsgi import Server

    server = Server(("127.0.0.1", 0), bare_flask(answer), numthreads=16, server_name="localhost")
    server.prepare()
    Thread(target=server.serve, daemon=True).start()
    _until_told(server.bind_addr[1])
    server.stop()


def serve_smtp(_: Any) -> None:
    """Take mail with aiosmtpd and drop it."""
    from aiosmtpd.controller import Controller

    class Told(Controller):
        def _trigger_server(self) -> None:
            self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
            super()._trigger_server()  # type: ignore[no-untyped-call]

    # Its own name is given: looking it up for each connection would make the peer slow.
    controller = Told(_Null(), hostname="127.0.0.1", port=0, server_hostname="localhost")
    controller.start()
    _until_told(controller.port)
    controller.stop()


class _Null:
    """Says yes to every mail."""

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's
        return "250 OK"


def _until_told(port: int) -> None:
    print(json.dumps({"port": port}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    kind, *given = sys.argv[1:]
    kinds = {"flask": serve_flask, "cheroot": serve_cheroot, "smtp": serve_smtp}
    kinds[kind](json.loads(given[0]) if given else {})
