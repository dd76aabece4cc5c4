"""Mail programs as people use them, with what each provider's API hands out: what they send and read, the API shows."""

from __future__ import annotations

import asyncio
import imaplib
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from aioimaplib import IMAP4_SSL
from imapclient import IMAPClient

from emulator import Emulator
from tests.mail_owners import OWNERS, Owner

_WAIT: Final = 30
_ELSEWHERE: Final = "pat@x4p.mszazu.com"
_OUTSIDE: Final = "someone@outside.test"


def _needs(program: str, package: str = "") -> pytest.MarkDecorator:
    missing = shutil.which(program) is None
    return pytest.mark.skipif(missing, reason=f"{program} is not installed: apt-get install {package or program}")


class Desk(NamedTuple):
    """An owner of a mailbox, and the file with the certificate that the owner's programs trust."""

    owner: Owner
    authority: Path

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))

    def letter(self, subject: str) -> bytes:
        """Return a mail to a mailbox of another provider, and to somebody outside."""
        head = f"From: {self.owner.address}\nTo: {_ELSEWHERE}, {_OUTSIDE}\nSubject: {subject}\n"
        return (head + "\nHello\n").encode()

    def run(self, *command: str, given: bytes = b"") -> str:
        """Run a program that has to succeed, and return what it says."""
        done = subprocess.run(command, check=False, input=given, capture_output=True, timeout=_WAIT)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
        return done.stdout.decode()

    def expect_sent(self, *subjects: str) -> None:
        """Check that mails are in the provider's API as sent, and have arrived everywhere, once."""
        emulator = self.owner.emulator
        assert self.owner.sent() == [(subject, [_ELSEWHERE, _OUTSIDE]) for subject in subjects]
        found = emulator.account("postern").request("GET", f"/v1/inboxes/{_ELSEWHERE}/messages").get_json()
        assert [(one["from"], one["subject"]) for one in found["data"][::-1]] == [
            (self.owner.address, subject) for subject in subjects
        ]
        assert [(left.recipient, left.mail.subject) for left in emulator.sent] == [(_OUTSIDE, one) for one in subjects]

    def receive(self, *subjects: str) -> None:
        """Let mails come in."""
        for subject in subjects:
            self.owner.emulator.receive(self.owner.address, subject, "Text")

    def inbox(self) -> list[tuple[str, bool]]:
        """Return the subjects in the inbox, and whether each was read, as the provider's API shows them."""
        return [(one.subject, one.seen) for one in self.owner.listed() if not one.sent]

    def is_flagged(self, subject: str) -> bool:
        """Tell whether a mail is flagged in the provider's API; one without flags says nothing against it."""
        [found] = [one.flagged for one in self.owner.listed() if one.subject == subject]
        return found in (None, True)


@pytest.fixture(params=OWNERS)
def desk(request: pytest.FixtureRequest, emulator_server: Emulator, tmp_path: Path) -> Desk:
    authority = tmp_path / "authority.pem"
    authority.write_bytes(emulator_server.serve().authority.pem)
    emulator_server.account("postern").mailbox("pat")
    return Desk(OWNERS[request.param](emulator_server), authority)


# Programs that send


@_needs("swaks")
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("tls", ["", "--tls", "--tls-on-connect"])
def test_swaks_sends(desk: Desk, mechanism: str, tls: str) -> None:
    if tls and subprocess.run(["perl", "-MNet::SSLeay", "-e1"], check=False, capture_output=True).returncode:
        pytest.skip("swaks has no TLS: apt-get install libnet-ssleay-perl")
    owner = desk.owner
    port = owner.servers.smtps.port if tls == "--tls-on-connect" else owner.smtp
    trust = (tls, "--tls-verify", "--tls-ca-path", str(desk.authority)) if tls else ()
    login = ("--auth", mechanism, "--auth-user", owner.user, "--auth-password", owner.password)
    where = ("--server", "127.0.0.1", "--port", str(port), "--helo", "desk.test")
    what = ("--from", owner.address, "--to", f"{_ELSEWHERE},{_OUTSIDE}", "--data", "-")
    desk.run("swaks", *where, *login, *trust, *what, given=desk.letter("by swaks"))
    desk.expect_sent("by swaks")


@_needs("msmtp")
def test_msmtp_sends(desk: Desk, tmp_path: Path) -> None:
    for port, starttls in ((desk.owner.smtp, "on"), (desk.owner.servers.smtps.port, "off")):
        config = tmp_path / f"msmtprc-{starttls}"
        settings = _MSMTPRC.format(port=port, owner=desk.owner, authority=desk.authority, starttls=starttls)
        config.write_text(settings)
        config.chmod(0o600)  # msmtp wants its password for nobody else
        desk.run("msmtp", "-C", str(config), "-t", given=desk.letter(f"STARTTLS {starttls}"))
    desk.expect_sent("STARTTLS on", "STARTTLS off")


_MSMTPRC: Final = """
defaults
auth on
tls on
tls_starttls {starttls}
tls_trust_file {authority}
account default
host 127.0.0.1
port {port}
from {owner.address}
user {owner.user}
password {owner.password}
"""


# Programs that send and read


def _curl(desk: Desk, url: str, *arguments: str) -> str:
    login = ("--user", f"{desk.owner.user}:{desk.owner.password}", "--cacert", str(desk.authority))
    return desk.run("curl", "-sS", "--max-time", str(_WAIT), *login, url, *arguments)


@_needs("curl")
@pytest.mark.parametrize("tls", ["", "STARTTLS", "implicit"])
def test_curl_sends(desk: Desk, tls: str, tmp_path: Path) -> None:
    owner, letter = desk.owner, tmp_path / "letter.eml"
    letter.write_bytes(desk.letter("by curl").replace(b"\n", b"\r\n"))
    url = f"smtps://127.0.0.1:{owner.servers.smtps.port}" if tls == "implicit" else f"smtp://127.0.0.1:{owner.smtp}"
    envelope = ("--mail-from", owner.address, "--mail-rcpt", _ELSEWHERE, "--mail-rcpt", _OUTSIDE)
    _curl(desk, f"{url}/desk.test", *envelope, "-T", str(letter), *(["--ssl-reqd"] if tls == "STARTTLS" else []))
    desk.expect_sent("by curl")


@_needs("curl")
@pytest.mark.parametrize("scheme", ["imap", "imaps"])
def test_curl_reads_flags_and_deletes(desk: Desk, scheme: str) -> None:
    desk.receive("One", "Two", "Three")
    port = desk.owner.imaps if scheme == "imaps" else desk.owner.servers.imap.port
    inbox = f"{scheme}://127.0.0.1:{port}/INBOX"
    assert "Subject: Two" in _curl(desk, f"{inbox};UID=2")
    _curl(desk, inbox, "-X", r"STORE 2 +FLAGS (\Flagged)")
    _curl(desk, inbox, "-X", r"STORE 1 +FLAGS (\Deleted)")
    _curl(desk, inbox, "-X", "EXPUNGE")
    assert desk.inbox() == [("Two", True), ("Three", False)]
    assert desk.is_flagged("Two")


@_needs("mbsync", "isync")
def test_mbsync_keeps_both_sides_equal(desk: Desk, tmp_path: Path) -> None:
    desk.receive("One", "Two", "Three")
    config, near = tmp_path / "mbsyncrc", tmp_path / "mail" / "INBOX"
    config.write_text(_MBSYNCRC.format(owner=desk.owner, authority=desk.authority, here=tmp_path))
    near.parent.mkdir()

    def sync() -> dict[str, Path]:
        desk.run("mbsync", "-c", str(config), "all")
        return {path.read_text().partition("Subject: ")[2].split("\n")[0]: path for path in near.glob("*/*")}

    here = sync()
    assert sorted(here) == ["One", "Three", "Two"]
    here["One"].rename(near / "cur" / f"{here['One'].name.partition(':')[0]}:2,FS")
    here["Two"].rename(near / "cur" / f"{here['Two'].name.partition(':')[0]}:2,ST")
    (near / "new" / "1.here").write_text("Subject: put in here\n\nx\n")
    desk.receive("Four")
    assert sorted(sync()) == ["Four", "One", "Three", "put in here"]
    assert desk.inbox() == [("One", True), ("Three", False), ("Four", False), ("put in here", False)]
    assert desk.is_flagged("One")


_MBSYNCRC: Final = """
IMAPAccount emulator
Host localhost
Port {owner.imaps}
User {owner.user}
Pass {owner.password}
SSLType IMAPS
CertificateFile {authority}
SystemCertificates no

IMAPStore far
Account emulator

MaildirStore near
Path {here}/mail/
Inbox {here}/mail/INBOX

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Near
Expunge Both
SyncState *
"""


# Libraries that read


def test_imaplib_reads_flags_and_deletes(desk: Desk) -> None:
    desk.receive("One", "Two")
    with imaplib.IMAP4_SSL("127.0.0.1", desk.owner.imaps, ssl_context=desk.context, timeout=_WAIT) as client:
        client.login(desk.owner.user, desk.owner.password)
        assert client.select()[1] == [b"2"]
        fetched: Any = client.fetch("2", "(BODY[])")[1]
        assert b"Subject: Two" in fetched[0][1]
        client.store("2", "+FLAGS", r"(\Flagged)")
        client.store("1", "+FLAGS", r"(\Deleted)")
        client.expunge()
    assert desk.inbox() == [("Two", True)]
    assert desk.is_flagged("Two")


def test_imapclient_reads_flags_and_deletes(desk: Desk) -> None:
    desk.receive("One", "Two")
    with IMAPClient("127.0.0.1", desk.owner.imaps, ssl_context=desk.context, timeout=_WAIT) as client:
        client.login(desk.owner.user, desk.owner.password)
        client.select_folder("INBOX")
        fetched = client.fetch([2], ["BODY[]", "ENVELOPE"])[2]
        assert fetched[b"ENVELOPE"].subject == b"Two"
        client.add_flags([2], [r"\Flagged"])
        client.delete_messages([1])
        client.expunge([1])
    assert desk.inbox() == [("Two", True)]
    assert desk.is_flagged("Two")


def test_aioimaplib_hears_of_new_mail_and_reads_it(desk: Desk) -> None:
    async def run() -> None:
        gone = asyncio.Event()
        client = IMAP4_SSL("127.0.0.1", desk.owner.imaps, timeout=_WAIT, ssl_context=desk.context)
        client.protocol.conn_lost_cb = lambda _: gone.set()
        await client.wait_hello_from_server()
        assert (await client.login(desk.owner.user, desk.owner.password)).result == "OK"
        assert (await client.select("INBOX")).result == "OK"
        idle = await client.idle_start(timeout=_WAIT)
        await asyncio.to_thread(desk.receive, "One")
        assert await client.wait_server_push(timeout=_WAIT) == [b"1 EXISTS", b"1 RECENT"]
        client.idle_done()
        await asyncio.wait_for(idle, _WAIT)
        assert b"Subject: One" in (await client.fetch("1", "(BODY[])")).lines[1]
        await client.logout()
        await asyncio.wait_for(gone.wait(), _WAIT)  # a loop must not end before its connections

    asyncio.run(run())
    assert desk.inbox() == [("One", True)]
