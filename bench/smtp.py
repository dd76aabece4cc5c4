"""Mail over SMTP into a mailbox, against aiosmtpd with a handler that drops it."""

from __future__ import annotations

from collections.abc import Iterator

from bench.load import drive, smtp_complete, smtp_session
from bench.measure import MAILS, Effort, Goal, Row, interleave
from bench.processes import Served, emulator, peer

_ROUNDS = 10
_ADDRESS = "ada@inkboxmail.com"
_SENDER = "someone@outside.test"


def run(effort: Effort) -> Iterator[Row]:
    """Measure one connection, ten at a time, and a new one for each mail; mails of 1 kB."""
    mails = [_mail(n) for n in range(effort.calls(400))]
    ways = (
        ("one connection", [mails], 1),
        ("ten connections", [part for n in range(10) if (part := mails[n::10])], 10),
        ("a new connection each", [[mail] for mail in mails[: effort.calls(150)]], 1),
    )
    with emulator() as served, peer("smtp") as port:
        for how, groups, parallel in ways:
            scripts = [smtp_session(group, _SENDER, _ADDRESS) for group in groups]
            yield _compare(effort, served, port, how, scripts, sum(map(len, groups)), parallel)


def _compare(
    effort: Effort, served: Served, port: int, how: str, scripts: list[list[bytes]], mails: int, parallel: int
) -> Row:
    def sample_ours() -> float:
        served.reset()
        served.open_mailbox("ada")
        taken = drive(served.smtp_port, scripts, parallel, smtp_complete) / mails
        _check_stored(served, mails)
        return taken

    def sample_peer() -> float:
        return drive(port, scripts, parallel, smtp_complete) / mails

    samples = interleave(sample_ours, sample_peer, effort.many(_ROUNDS))
    return Row(f"SMTP: {how}", MAILS, *samples.least(), "aiosmtpd, null handler", Goal(">=", 0.85))


def _check_stored(served: Served, mails: int) -> None:
    entries = served.call("GET", "/_emulator/journal?kind=mail.delivered")["entries"]
    if len(entries) != mails:
        raise RuntimeError(f"{mails} mails were sent and {len(entries)} stored")


def _mail(n: int) -> bytes:
    head = (
        f"From: Someone <{_SENDER}>",
        f"To: {_ADDRESS}",
        f"Subject: Report number {n}",
        "Date: Thu, 01 Jan 2026 12:00:00 +0000",
        f"Message-ID: <{n}@outside.test>",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
    )
    text = "The numbers of this week are in, and they are good.\r\n" * 20
    return ("\r\n".join(head) + "\r\n\r\n" + text).encode()[:1024].rstrip()
