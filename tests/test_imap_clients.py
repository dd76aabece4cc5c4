"""Mail clients as people use them: IMAPClient, aioimaplib and curl."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest
from aioimaplib import IMAP4
from imapclient import IMAPClient

from emulator import Emulator
from tests.imap_server import PASSWORD, Served, served

_WAIT = 30


@pytest.fixture
def at(emulator: Emulator) -> Served:
    at = served(emulator)
    at.receive("One", "Two", attachments={"a.txt": b"hi"}, html="<p>Text</p>")
    return at


@pytest.fixture
def client(at: Served):  # type: ignore[no-untyped-def]  # IMAPClient has no types
    with IMAPClient("127.0.0.1", at.port, ssl=False, timeout=_WAIT) as client:
        client.login(at.box.address, PASSWORD)
        yield client


def test_imapclient_reads(at: Served, client: IMAPClient) -> None:
    opened = client.select_folder("INBOX")
    assert (opened[b"EXISTS"], opened[b"READ-WRITE"]) == (2, True)
    assert client.search(["SUBJECT", "two"]) == [2]
    assert client.search(["SUBJECT", "tür"], charset="UTF-8") == []
    fetched = client.fetch([1, 2], ["ENVELOPE", "BODYSTRUCTURE", "FLAGS", "RFC822.SIZE", "INTERNALDATE", "BODY.PEEK[]"])
    envelope = fetched[1][b"ENVELOPE"]
    assert (envelope.subject, envelope.from_[0].mailbox, envelope.to[0].host) == (b"One", b"someone", b"inkboxmail.com")
    assert envelope.date.year == fetched[1][b"INTERNALDATE"].year == 2026
    assert fetched[2][b"BODY[]"] == at.emulator.mail()[1].mail.raw
    assert len(fetched[2][b"BODY[]"]) == fetched[2][b"RFC822.SIZE"]
    parts = fetched[1][b"BODYSTRUCTURE"]
    assert parts.is_multipart
    assert [part[:2] for part in parts[0][0][0]] == [(b"TEXT", b"PLAIN"), (b"TEXT", b"HTML")]
    header = client.fetch(1, ["BODY.PEEK[HEADER.FIELDS (SUBJECT)]"])[1]
    assert header[b"BODY[HEADER.FIELDS (SUBJECT)]"] == b"Subject: One\r\n\r\n"


def test_imapclient_writes(at: Served, client: IMAPClient) -> None:
    assert client.find_special_folder(b"\\Trash") == "Trash"
    client.create_folder("Später")
    assert client.folder_exists("Später")
    client.select_folder("INBOX")
    assert client.add_flags([1], ["\\Seen", "todo"])[1] == (b"\\Seen", b"\\Recent", b"todo")
    client.copy([1], "Später")
    client.move([2], "Trash")
    assert client.folder_status("Trash", ["MESSAGES", "UNSEEN"]) == {b"MESSAGES": 1, b"UNSEEN": 1}
    client.append("Drafts", b"Subject: draft\r\n\r\n", ["\\Draft"])
    client.delete_messages([1])
    client.expunge([1])
    assert client.namespace().personal == (("", "/"),)
    assert client.id_({"name": "test"})[0][:2] == (b"name", b"Inbox Emulator")
    client.unselect_folder()
    assert [item["subject"] for item in at.listed()] == ["Two"]


def test_imapclient_idles(at: Served, client: IMAPClient) -> None:
    client.select_folder("INBOX")
    client.idle()
    at.receive("Three")
    assert client.idle_check(timeout=_WAIT) == [(3, b"EXISTS"), (3, b"RECENT")]
    at.api("PATCH", f"/{at.listed()[0]['id']}", json={"is_read": True})
    assert client.idle_check(timeout=_WAIT) == [(1, b"FETCH", (b"UID", 1, b"FLAGS", (b"\\Seen", b"\\Recent")))]
    assert client.idle_done()[0] == b"IDLE completed"


def test_aioimaplib_idles_and_reads(at: Served) -> None:
    async def run() -> None:
        gone = asyncio.Event()
        client = IMAP4("127.0.0.1", at.port, timeout=_WAIT, conn_lost_cb=lambda _: gone.set())
        await client.wait_hello_from_server()
        assert (await client.login(at.box.address, PASSWORD)).result == "OK"
        assert (await client.select("INBOX")).result == "OK"
        idle = await client.idle_start(timeout=_WAIT)
        await asyncio.to_thread(at.receive, "Three")
        assert await client.wait_server_push(timeout=_WAIT) == [b"3 EXISTS", b"3 RECENT"]
        client.idle_done()
        await asyncio.wait_for(idle, _WAIT)
        fetched = await client.fetch("3", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        assert fetched.lines[1] == b"Subject: Three\r\n\r\n"
        assert (await client.uid_search("SUBJECT three")).lines[0] == b"3"
        assert (await client.uid("store", "3", "+FLAGS", "(\\Flagged)")).result == "OK"
        assert (await client.uid("move", "3", "Archive")).result == "OK"
        assert (await client.logout()).result == "OK"
        await asyncio.wait_for(gone.wait(), _WAIT)  # a loop must not end before its connections

    asyncio.run(run())
    assert [item["is_starred"] for item in at.listed()] == [False, False, True]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: apt-get install curl")
def test_curl_lists_reads_and_appends(at: Served, tmp_path: Path) -> None:
    url = f"imap://127.0.0.1:{at.port}"

    def curl(*arguments: str) -> str:
        command = ["curl", "-s", "-S", "--max-time", str(_WAIT), "-u", f"{at.box.address}:{PASSWORD}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert '"Archive"' in curl(url)
    assert "Subject: Two" in curl(f"{url}/INBOX;UID=2")
    assert "SEARCH 1" in curl(f"{url}/INBOX?SUBJECT%20One")
    mail = tmp_path / "mail.eml"
    mail.write_bytes(b"Subject: by curl\r\n\r\nx\r\n")
    curl("-T", str(mail), f"{url}/INBOX")
    assert [item["subject"] for item in at.listed()] == ["One", "Two", "by curl"]


@pytest.mark.skipif(shutil.which("mbsync") is None, reason="mbsync is not installed: apt-get install isync")
def test_mbsync_keeps_both_sides_equal(at: Served, tmp_path: Path) -> None:
    config = tmp_path / "mbsyncrc"
    config.write_text(_MBSYNCRC.format(port=at.port, user=at.box.address, password=PASSWORD, here=tmp_path))
    at.api("PATCH", f"/{at.listed()[0]['id']}", json={"is_read": True, "is_starred": True})

    def sync() -> list[Path]:
        subprocess.run(["mbsync", "-c", str(config), "all"], check=True, capture_output=True, timeout=_WAIT)
        return sorted(
            (tmp_path / "mail" / "INBOX").glob("*/*"), key=lambda path: path.read_bytes().partition(b"Subject: ")[2]
        )

    (tmp_path / "mail").mkdir()
    one, two = sync()
    assert one.name.endswith(":2,FS")
    assert b"Subject: Two" in two.read_bytes()
    one.rename(one.parent / one.name.replace(":2,FS", ":2,S"))
    two.rename(two.parent / f"{two.name.partition(':')[0]}:2,ST")
    (tmp_path / "mail" / "INBOX" / "new" / "1.local").write_bytes(b"Subject: from the other side\n\nx\n")
    sync()
    assert [(item["subject"], item["is_read"], item["is_starred"]) for item in at.listed()] == [
        ("One", True, False),
        ("from the other side", False, False),
    ]
    assert len(sync()) == 2


_MBSYNCRC = """
IMAPAccount emulator
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account emulator

MaildirStore near
Path {here}/mail/
Inbox {here}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Near
Expunge Both
SyncState *
"""
