"""Ten thousand mails of 2 KB over ten connections at once: none lost, and the memory that they take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.load import drive, smtp_complete, smtp_session
from bench.measure import MAILS, Effort, Goal, Row, Unit, interleave
from bench.processes import Served, emulator, peer

_MAILS: Final = 10_000
_SIZE: Final = 2048
_CONNECTIONS: Final = 10
_SENDER: Final = "someone@outside.test"
_ADDRESS: Final = "ada@inkboxmail.com"
_BYTES: Final = Unit("bytes a mail", 1)


def run(effort: Effort) -> Iterator[Row]:
    """Measure the sink against a handler that drops the mail, and what a mail of 2 KB takes in memory."""
    mails = [_mail(n) for n in range(effort.calls(_MAILS))]
    scripts = [smtp_session(mails[n::_CONNECTIONS], _SENDER, _ADDRESS) for n in range(_CONNECTIONS) if mails[n::10]]
    taken: list[float] = []
    with emulator() as served, peer("smtp") as port:

        def sample_ours() -> float:
            served.reset()
            served.open_mailbox("ada")
            before = _resident(served.pid)
            seconds = drive(served.smtp_port, scripts, _CONNECTIONS, smtp_complete) / len(mails)
            taken.append((_resident(served.pid) - before) / len(mails))
            _check_stored(served, mails)
            return seconds

        def sample_peer() -> float:
            return drive(port, scripts, _CONNECTIONS, smtp_complete) / len(mails)

        samples = interleave(sample_ours, sample_peer, effort.many(3))
        what = f"SMTP sink: {len(mails):,} mails of 2 KB, ten connections"
        yield Row(what, MAILS, *samples.least(), "aiosmtpd, null handler")
        # The first round: in later ones the process reuses what a reset set free.
        yield Row(f"{what}: memory", _BYTES, max(taken[0], 1.0), _SIZE, "the mail itself", Goal("<=", 6))


def _check_stored(served: Served, mails: list[bytes]) -> None:
    found = served.call("GET", f"/_emulator/messages?to={_ADDRESS}")["messages"]
    subjects = {message["subject"] for message in found}
    if len(found) != len(mails) or len(subjects) != len(mails):
        raise RuntimeError(
            f"{len(mails)} mails were taken and {len(found)} are there, {len(subjects)} of them different"
        )


def _resident(pid: int) -> int:
    """Return how many bytes of memory a process has."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} says nothing of its memory")


def _mail(n: int) -> bytes:
    head = (
        f"From: Someone <{_SENDER}>\r\nTo: {_ADDRESS}\r\nSubject: Report {n}\r\nMessage-ID: <{n}@outside.test>\r\n\r\n"
    )
    return head.encode() + (b"The numbers of this week are in.\r\n" * 60)[: _SIZE - len(head)].rstrip()
