"""A light client that keeps servers busy: every connection says the next thing when its answer is complete.

Plain sockets in one thread, so that on two processors the server is what is measured, not the client.
"""

from __future__ import annotations

import re
import selectors
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import perf_counter

Complete = Callable[[bytearray], bool]
"""Tells whether these bytes are a whole answer; raises RuntimeError for one that is a failure."""

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")


def drive(port: int, scripts: Sequence[Sequence[bytes]], parallel: int, complete: Complete) -> float:
    """Say each script on a connection of its own, `parallel` at a time, and return the seconds it took.

    A script's empty line waits for an answer without saying anything.
    """
    waiting = deque(scripts)
    began = perf_counter()
    with selectors.DefaultSelector() as selector:
        for _ in range(min(parallel, len(waiting))):
            _open(selector, port, waiting.popleft(), complete)
        while selector.get_map():
            for key, _ in selector.select():
                if not key.data.go_on():
                    selector.unregister(key.fileobj)
                    key.data.close()
                    if waiting:
                        _open(selector, port, waiting.popleft(), complete)
    return perf_counter() - began


def http_request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Return the bytes of a request that keeps its connection open."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def http_complete(answer: bytearray) -> bool:
    """Tell whether an HTTP answer has arrived; RuntimeError unless its status is a 2xx."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    length = _LENGTH.search(answer, 0, end + 2)
    if not answer.startswith(b"HTTP/1.1 2") or length is None:
        raise RuntimeError(f"unexpected answer: {bytes(answer[:200])!r}")
    return len(answer) >= end + 4 + int(length[1])


def smtp_session(mails: Iterable[bytes], sender: str, recipient: str) -> list[bytes]:
    """Return what a client says to deliver mails on one connection, a step at a time."""
    envelope = (f"MAIL FROM:<{sender}>\r\n".encode(), f"RCPT TO:<{recipient}>\r\n".encode(), b"DATA\r\n")
    said = [b"", b"EHLO bench.test\r\n"]
    for mail in mails:
        said += [*envelope, mail + b"\r\n.\r\n"]
    return [*said, b"QUIT\r\n"]


def smtp_complete(answer: bytearray) -> bool:
    """Tell whether an SMTP reply has arrived; RuntimeError unless it is a 2xx or 3xx."""
    if not answer.endswith(b"\r\n"):
        return False
    if answer[0] not in b"23":
        raise RuntimeError(f"unexpected reply: {bytes(answer[:200])!r}")
    last = answer.rfind(b"\n", 0, -1) + 1
    return answer[last + 3 : last + 4] == b" "


class _Conversation:
    """One connection and what is still to be said on it."""

    def __init__(self, port: int, script: Sequence[bytes], complete: Complete) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._script: Iterator[bytes] = iter(script)
        self._complete = complete
        self._answer = bytearray()
        self._say_next()

    def go_on(self) -> bool:
        """Read what has come, and say the next thing after a whole answer; return False when all is said."""
        received = self.socket.recv(65536)
        if not received:
            raise ConnectionError("the server closed the connection")
        self._answer += received
        if not self._complete(self._answer):
            return True
        self._answer.clear()
        return self._say_next()

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def _say_next(self) -> bool:
        said = next(self._script, None)
        if said:
            self.socket.sendall(said)
        return said is not None


def _open(selector: selectors.BaseSelector, port: int, script: Sequence[bytes], complete: Complete) -> None:
    conversation = _Conversation(port, script, complete)
    selector.register(conversation.socket, selectors.EVENT_READ, conversation)
