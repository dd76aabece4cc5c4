"""InboxAI's rules that need the emulator's knobs: other accounts, faults, the clock, settings, and many clients."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from socket import create_server
from threading import Thread
from typing import Any

import httpx
import pytest
from werkzeug.test import TestResponse

from emulator import Account, AccountInbox, Emulator
from emulator.mail.parse import Mail
from emulator.providers.inboxai.messages import SERVER_HEADERS
from tests.curl import curl
from tests.replay import FIXTURES

_API = "/api/v0"
_OTHER = {"Authorization": "Bearer inai_othr_11111111"}
_COMMANDS = json.loads((FIXTURES / "inboxai" / "commands.json").read_text("utf-8"))["commands"]


def _send(inboxai: Account, inbox: AccountInbox, **body: Any) -> TestResponse:
    whole = {"to": "jane@example.com", "subject": "Hello", "text": "Hi", **body}
    return inboxai.request("POST", f"{_API}/inboxes/{inbox.id}/messages/send", json=whole)


def _get(inboxai: Account, path: str, **options: Any) -> Any:
    response = inboxai.request("GET", f"{_API}{path}", **options)
    assert response.status_code == 200, response.text
    return response.get_json()


def _messages(inboxai: Account, inbox: AccountInbox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _get(inboxai, f"/inboxes/{inbox.id}/messages")["data"]
    return found


def _post(inboxai: Account, inbox: AccountInbox, message_id: str, act: str, **body: Any) -> TestResponse:
    return inboxai.request("POST", f"{_API}/inboxes/{inbox.id}/messages/{message_id}/{act}", json=body)


# The documented commands


@pytest.mark.parametrize("documented", _COMMANDS, ids=lambda documented: documented["operation"])
def test_a_documented_command_gives_the_documented_answer(inboxai_server: Account, documented: dict[str, Any]) -> None:
    command = "\n".join(documented["curl"])
    for sample, real in _stand_ins(inboxai_server, documented["operation"]).items():
        command = command.replace(sample, real)
    answered = curl(command)
    assert 200 <= answered.status < 300, answered
    _compare(documented["operation"], documented["answer"], answered.json)


def test_every_operation_has_its_documented_command(inboxai: Account) -> None:
    assert {one["operation"] for one in _COMMANDS} == set(inboxai.provider.document.operations)


def _stand_ins(inboxai: Account, operation: str) -> dict[str, str]:
    """Make what the samples speak of; return what stands in their place."""

    def post(path: str, **body: Any) -> Any:
        return inboxai.request("POST", f"{_API}{path}", json=body).get_json()

    inbox = post("/inboxes", username="agent-2", display_name="Agent One")
    inboxai.emulator.receive(inbox["email_address"], "Hello", "Hi there!", attachments={"document.pdf": b"%PDF"})
    [message] = _get(inboxai, f"/inboxes/{inbox['inbox_id']}/messages")["data"]
    post(f"/inboxes/{inbox['inbox_id']}/messages/{message['message_id']}/reply", text="Thanks for your email!")
    if operation != "create_domain":
        post("/domains", domain="yourdomain.com")
    hook = post("/webhooks", url="https://your-app.com/webhooks/email", event_types=["message.received"])
    key = post("/api-keys", name="my-agent-key")
    _get(inboxai, "/organizations", headers={"Authorization": f"Bearer {key['key']}"})
    return {
        "https://your-instance.com": inboxai.base_url,
        "<API_KEY>": inboxai.api_key,
        "nk8x2j...": inbox["inbox_id"],
        "msg_abc123": message["message_id"],
        "thr_xyz789": message["thread_id"],
        "att_abc123": message["attachments"][0]["attachment_id"],
        "wh_abc123": hook["webhook_id"],
        "key_abc123": key["key_id"],
    }


def _compare(where: str, documented: Any, got: Any) -> None:
    """Hold an answer against a sample, key by key; attachments are the one key that no sample shows.

    The samples do not belong to the commands: what is null or empty in one may be something in the other.
    """
    if not documented or not got:
        assert type(documented) is type(got) or None in (documented, got), f"{where}: {documented!r}, got {got!r}"
    elif isinstance(documented, dict):
        missing, more = set(documented) - set(got) - {"..."}, set(got) - set(documented) - {"attachments"}
        assert not missing, f"{where}: without {missing}"
        assert not more or "..." in documented, f"{where}: with {more}"
        for key in set(documented) - {"..."}:
            _compare(f"{where}.{key}", documented[key], got[key])
    elif isinstance(documented, list):
        for index, (item, one) in enumerate(zip(documented, got, strict=False)):
            _compare(f"{where}[{index}]", item, one)
    else:
        assert type(got) is type(documented), f"{where}: {documented!r} is documented, got {got!r}"


# Accounts and keys


@pytest.mark.emulator(strict=False)
def test_another_organization_sees_nothing(emulator: Emulator, inboxai: Account) -> None:
    inbox = inboxai.mailbox("bot")
    emulator.receive(inbox.address, "File", attachments={"a.txt": b"a"})
    message = _messages(inboxai, inbox)[0]
    hook = {"url": "https://your-app.com/hook", "event_types": ["message.received"]}
    made = {
        "domains": inboxai.request("POST", f"{_API}/domains", json={"domain": "bot.example.com"}),
        "webhooks": inboxai.request("POST", f"{_API}/webhooks", json=hook),
    }
    here, mail = f"/inboxes/{inbox.id}", f"/inboxes/{inbox.id}/messages/{message['message_id']}"
    paths = [here, mail, f"{here}/messages", f"{here}/threads", f"{here}/threads/{message['thread_id']}"]
    paths.append(f"{mail}/attachments/{message['attachments'][0]['attachment_id']}")
    paths.append(f"/domains/{made['domains'].get_json()['domain_id']}")
    paths.append(f"/webhooks/{made['webhooks'].get_json()['webhook_id']}")
    for path in paths:
        _get(inboxai, path)
        assert inboxai.request("GET", f"{_API}{path}", headers=_OTHER).status_code == 404, path
    keys = _get(inboxai, "/api-keys")["data"]
    stolen = inboxai.request("DELETE", f"{_API}/api-keys/{keys[0]['key_id']}", headers=_OTHER)
    assert stolen.status_code == 404
    for name in ("inboxes", "domains", "webhooks"):
        assert _get(inboxai, f"/{name}", headers=_OTHER)["total"] == 0
    taken = inboxai.request("POST", f"{_API}/domains", headers=_OTHER, json={"domain": "bot.example.com"})
    assert taken.status_code == 409
    foreign = inboxai.request(
        "POST", f"{_API}/inboxes", headers=_OTHER, json={"username": "x", "domain": "bot.example.com"}
    )
    assert foreign.status_code == 404
    confined = {**hook, "inbox_ids": [inbox.id]}
    assert inboxai.request("POST", f"{_API}/webhooks", headers=_OTHER, json=confined).status_code == 403


@pytest.mark.emulator(strict=False)
def test_lenient_mode_takes_any_key_of_the_right_form_and_no_other(inboxai: Account) -> None:
    for key, status in (("inai_abcd", 200), ("inai_any_thing-at_all", 200), ("sk-123", 401), ("inai_", 401)):
        headers = {"Authorization": f"Bearer {key}"}
        assert inboxai.request("GET", f"{_API}/organizations", headers=headers).status_code == status, key


@pytest.mark.emulator(strict=False)
def test_a_revoked_key_stays_refused_in_lenient_mode(inboxai: Account) -> None:
    made = inboxai.request("POST", f"{_API}/api-keys", json={"name": "x"}).get_json()
    inboxai.request("DELETE", f"{_API}/api-keys/{made['key_id']}")
    for path in ("organizations", "api-keys"):
        response = inboxai.request("GET", f"{_API}/{path}", headers={"Authorization": f"Bearer {made['key']}"})
        assert response.status_code == 401


def test_a_key_may_revoke_itself(inboxai: Account) -> None:
    [key] = _get(inboxai, "/api-keys")["data"]
    assert inboxai.request("DELETE", f"{_API}/api-keys/{key['key_id']}").status_code == 204
    assert inboxai.request("GET", f"{_API}/organizations").status_code == 401
    admin = {"Authorization": f"Bearer {inboxai.credentials['admin_key']}"}
    assert _get(inboxai, "/api-keys", headers=admin)["total"] == 0


def test_keys_and_secrets_are_masked_in_the_journal(emulator: Emulator, inboxai: Account) -> None:
    key = inboxai.request("POST", f"{_API}/api-keys", json={"name": "x"}).get_json()["key"]
    hook = {"url": "https://your-app.com/hook", "event_types": ["message.received"]}
    secret = inboxai.request("POST", f"{_API}/webhooks", json=hook).get_json()["secret"]
    shown = str(emulator.journal("http"))
    assert "create_api_key" in shown
    for hidden in (key, secret, inboxai.api_key):
        assert hidden not in shown


# Settings


def test_the_platforms_domain_can_be_chosen(inboxai: Account) -> None:
    inboxai.set("platform_domain", "mail.example.com")
    assert inboxai.mailbox("bot").address == "bot@mail.example.com"
    made = inboxai.request("POST", f"{_API}/inboxes", json={"username": "other"}).get_json()
    assert made["domain"] == "mail.example.com"


def test_a_domain_that_loses_a_record_is_pending_again(inboxai: Account) -> None:
    inboxai.request("POST", f"{_API}/domains", json={"domain": "own.example.com"})
    verify = f"{_API}/domains/own.example.com/verify"
    assert inboxai.request("POST", verify).get_json()["status"] == "VERIFIED"
    inboxai.set("valid_records", ["mx", "spf", "dkim"])
    lost = inboxai.request("POST", verify).get_json()
    assert (lost["status"], lost["records"][3]["status"]) == ("PENDING", "MISSING")


def test_deleting_makes_room_under_the_limit(inboxai: Account) -> None:
    inboxai.set("inbox_limit", 1)
    inbox = inboxai.mailbox("bot")
    body = {"username": "bot"}
    assert inboxai.request("POST", f"{_API}/inboxes", json=body).get_json()["code"] == "limit_exceeded"
    assert inboxai.request("DELETE", f"{_API}/inboxes/{inbox.id}").status_code == 204
    again = inboxai.request("POST", f"{_API}/inboxes", json=body)
    assert again.status_code == 201
    assert again.get_json()["inbox_id"] != inbox.id


# Mail


def test_mail_to_the_outside_is_in_the_tray_as_it_left(emulator: Emulator, inboxai: Account) -> None:
    inbox = inboxai.mailbox("bot")
    _send(inboxai, inbox, bcc="x@example.com", reply_to="r@example.com", headers={"X-Custom": "value"})
    assert [left.recipient for left in emulator.sent] == ["jane@example.com", "x@example.com"]
    mail = Mail(emulator.sent[0].mail.raw)
    assert (mail.subject, mail.bare_addresses("from"), mail.body.text) == ("Hello", [inbox.address], "Hi")
    assert (mail.field("x-custom"), mail.bare_addresses("reply-to"), mail.field("bcc")) == (
        "value",
        ["r@example.com"],
        None,
    )


def test_the_headers_that_are_refused_are_those_that_are_not_shown(inboxai: Account) -> None:
    schema = inboxai.provider.document.components["schemas"]["SendMessage"]["properties"]["headers"]
    names = schema["propertyNames"]["not"]["pattern"].removeprefix("^(").removesuffix(")$").split("|")
    readable = {"".join(name.replace("[", "").replace("]", "")).lower() for name in names}
    assert {_every_other(name) for name in readable} == SERVER_HEADERS


def _every_other(name: str) -> str:
    """Undo [Aa]: of each pair of equal letters keep one."""
    letters, kept = iter(name), ""
    for letter in letters:
        kept += letter
        if letter.isalpha():
            assert next(letters) == letter
    return kept


def test_a_reply_to_mail_without_a_message_id_stays_in_its_thread(emulator: Emulator, inboxai: Account) -> None:
    inbox = inboxai.mailbox("bot")
    doors = emulator.serve()
    with smtplib.SMTP("127.0.0.1", doors.smtp.port) as client:
        client.sendmail("jane@example.com", inbox.address, b"From: jane@example.com\r\nSubject: Hello\r\n\r\nHi")
    message = emulator.wait_for(to=inbox.address)
    sent = _post(inboxai, inbox, message.message_id or "", "reply", text="Thanks").get_json()
    [thread] = _get(inboxai, f"/inboxes/{inbox.id}/threads")["data"]
    assert (thread["thread_id"], thread["message_count"]) == (sent["thread_id"], 2)


_HOSTILE = [
    b"Subject: =?utf-8?q?a=0D=0ABcc:_x@example.com?=\r\nFrom: jane@example.com\r\n\r\nHi",
    b"Subject: x\r\nFrom: jane@example.com\r\nReply-To: =?utf-8?q?a=0D=0A?= <b@example.com>\r\n\r\nHi",
    b"From: nobody\r\nSubject: \xff\xfe\r\n\r\n\xff",
    b"Content-Type: text/plain; charset=utf-7\r\nFrom: jane@example.com\r\nSubject: =?utf-7?q?+2AA-?=\r\n\r\n+2AA-",
    b"From: jane@example.com\r\nMessage-ID: <a\x00b@c>\r\nReferences: <x\x00@y>\r\n\r\nHi",
    b"From: =?utf-8?q?=22a?= <jane@example.com>\r\nTo: a\x00b@example.com, bot@yourdomain.com\r\n\r\nHi",
    b"From: jane@example.com\r\nContent-Type: image/png; name*=utf-16''%D8%00\r\nContent-ID: <a\r\n b>\r\n\r\nHi",
    b"From: jane@example.com\r\nContent-Disposition: attachment; filename*=utf-8''%0D%0A%ff\r\n\r\nHi",
    b"\r\n",
    b"",
]


@pytest.mark.parametrize("raw", _HOSTILE)
def test_hostile_mail_can_be_read_answered_and_forwarded(emulator: Emulator, inboxai: Account, raw: bytes) -> None:
    from emulator.mail.postoffice import transmit

    inbox = inboxai.mailbox("bot")
    with emulator.world.step():
        transmit(emulator.world, "", [inbox.address], Mail(raw))
    [message] = _messages(inboxai, inbox)
    _get(inboxai, f"/inboxes/{inbox.id}/messages/{message['message_id']}")
    _get(inboxai, f"/inboxes/{inbox.id}/threads/{message['thread_id']}")
    _get(inboxai, f"/inboxes/{inbox.id}/threads")
    for act in ("reply", "reply-all"):
        assert _post(inboxai, inbox, message["message_id"], act).status_code in (200, 400)
    assert _post(inboxai, inbox, message["message_id"], "forward", to="f@example.com").status_code == 200
    for departure in emulator.sent:
        names = [name.lower() for name, _ in departure.mail.lines]
        assert "bcc" not in names
        assert len(set(names)) == len(names)


# Attachments by URL


@contextmanager
def _host(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _reply(handler: BaseHTTPRequestHandler, status: int, data: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(data)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(data)


def test_a_file_is_fetched_from_an_allowed_host_while_others_go_on(inboxai: Account) -> None:
    inbox = inboxai.mailbox("bot")

    def answer(handler: BaseHTTPRequestHandler) -> None:
        # It would wait for the world's lock if the sender held it.
        assert inboxai.request("GET", f"{_API}/organizations").status_code == 200
        _reply(handler, 200, b"data", Content_Type="text/csv; charset=utf-8")

    with _host(answer) as host:
        refused = _send(inboxai, inbox, attachments=[{"url": f"{host}/a.csv"}])
        assert (refused.status_code, refused.get_json()["code"]) == (403, "attachment_url_not_allowed")
        inboxai.set("attachment_hosts", ["127.0.0.1"])
        sent = _send(inboxai, inbox, attachments=[{"url": f"{host}/files/a%20b.csv?x=1"}, {"url": f"{host}/"}])
        assert sent.status_code == 200, sent.text
    [message] = _messages(inboxai, inbox)
    assert [(part["filename"], part["content_type"], part["size"]) for part in message["attachments"]] == [
        ("a b.csv", "text/csv", 4),
        ("attachment", "text/csv", 4),
    ]


def test_a_redirect_is_not_followed(inboxai: Account) -> None:
    inbox = inboxai.mailbox("bot")
    inboxai.set("attachment_hosts", ["127.0.0.1"])
    with _host(lambda handler: _reply(handler, 302, b"", Location="http://127.0.0.1:1/")) as host:
        response = _send(inboxai, inbox, attachments=[{"content": "YQ=="}, {"url": f"{host}/a"}])
    assert response.status_code == 400
    [error] = response.get_json()["errors"]
    assert error == {"path": ["attachments", 1, "url"], "message": "the host answered 302, not 200"}
    assert _messages(inboxai, inbox) == []


def test_a_file_that_is_too_large_is_not_fetched_to_its_end(inboxai: Account) -> None:
    inbox = inboxai.mailbox("bot")
    inboxai.set("attachment_hosts", ["127.0.0.1"])

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 1024 * 1024)
        except OSError:
            handler.close_connection = True

    with _host(answer) as host:
        response = _send(inboxai, inbox, attachments=[{"url": f"{host}/endless"}])
    assert response.status_code == 400
    assert "larger than" in response.get_json()["errors"][0]["message"]


def test_a_host_that_does_not_answer_is_given_up(inboxai: Account) -> None:
    inbox = inboxai.mailbox("bot")
    inboxai.set("attachment_hosts", ["127.0.0.1"])
    inboxai.set("attachment_timeout", 0.05)
    with create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a"
        response = _send(inboxai, inbox, attachments=[{"url": url}])
    assert response.status_code == 400
    assert response.get_json()["errors"][0]["path"] == ["attachments", 0, "url"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/", "http://127.0.0.1:1/", "http://127.0.0.1:1/ä"])
def test_a_url_that_leads_nowhere_is_told(inboxai: Account, url: str) -> None:
    inboxai.set("attachment_hosts", ["127.0.0.1"])
    assert _send(inboxai, inboxai.mailbox("bot"), attachments=[{"url": url}]).status_code == 400


@pytest.mark.parametrize("url", ["http://[::zz]/a", "http://[1:2]/a", "https://example.com/_emulator/files/x.y"])
def test_a_url_of_nobody_is_refused(inboxai: Account, url: str) -> None:
    assert _send(inboxai, inboxai.mailbox("bot"), attachments=[{"url": url}]).status_code in (400, 403)


def test_a_link_of_the_emulator_is_opened_until_it_expires(emulator: Emulator, inboxai: Account) -> None:
    inbox = inboxai.mailbox("bot")
    emulator.receive(inbox.address, "File", attachments={"résumé.txt": b"data"})
    [message] = _messages(inboxai, inbox)
    [part] = message["attachments"]
    path = f"/inboxes/{inbox.id}/messages/{message['message_id']}/attachments/{part['attachment_id']}"
    url = _get(inboxai, path)["download_url"]
    assert _send(inboxai, inbox, attachments=[{"url": url}]).status_code == 200
    assert _messages(inboxai, inbox)[0]["attachments"][0]["filename"] == "résumé.txt"
    emulator.advance("1h")
    assert _send(inboxai, inbox, attachments=[{"url": url}]).status_code == 400


def test_attachments_may_not_exceed_25_mb_in_total(emulator: Emulator, inboxai: Account) -> None:
    inbox = inboxai.mailbox("bot")
    emulator.receive(inbox.address, "File", attachments={"large.bin": bytes(9 * 1024 * 1024)})
    [message] = _messages(inboxai, inbox)
    path = f"/inboxes/{inbox.id}/messages/{message['message_id']}/attachments"
    url = _get(inboxai, f"{path}/{message['attachments'][0]['attachment_id']}")["download_url"]
    assert _send(inboxai, inbox, attachments=[{"url": url}] * 2).status_code == 200
    assert _send(inboxai, inbox, attachments=[{"url": url}] * 3).status_code == 413


# Many clients


def test_fifty_clients_on_one_account_lose_and_double_nothing(inboxai_server: Account) -> None:
    clients, mails = 50, 5
    inboxai_server.set("inbox_limit", clients + 1)
    shared = inboxai_server.mailbox("shared")
    base = f"{inboxai_server.base_url}{_API}"

    def work(n: int) -> tuple[str, list[str]]:
        with httpx.Client(headers=inboxai_server.provider.key_headers(inboxai_server.api_key), timeout=60) as http:

            def call(method: str, path: str, **options: Any) -> Any:
                response = http.request(method, f"{base}{path}", **options)
                assert response.is_success, response.text
                return response.json()

            inbox = call("POST", "/inboxes", json={"username": f"agent-{n}"})
            url, sent = f"/inboxes/{inbox['inbox_id']}/messages", []
            for done in range(1, mails + 1):
                mail = {"to": [inbox["email_address"], shared.address], "subject": f"{n}-{done}"}
                sent.append(call("POST", f"{url}/send", json=mail)["message_id"])
                assert call("GET", url)["total"] == 2 * done
                assert call("GET", "/inboxes")["total"] >= 2
            return inbox["inbox_id"], sent

    with ThreadPoolExecutor(clients) as pool:
        worked = dict(pool.map(work, range(clients)))
    listed = [inbox["inbox_id"] for inbox in _whole(inboxai_server, "/inboxes")]
    assert sorted(listed) == sorted([*worked, shared.id])
    assert _get(inboxai_server, "/organizations")["inbox_count"] == clients + 1
    for inbox_id, sent in worked.items():
        found = _whole(inboxai_server, f"/inboxes/{inbox_id}/messages")
        assert [item["message_id"] for item in found if item["direction"] == "outbound"] == sent[::-1]
        assert len(found) == 2 * mails
    arrived = [item["subject"] for item in _whole(inboxai_server, f"/inboxes/{shared.id}/messages")]
    assert sorted(arrived) == sorted(f"{n}-{done}" for n in range(clients) for done in range(1, mails + 1))


def _whole(inboxai: Account, path: str) -> list[dict[str, Any]]:
    """Return a whole list, page by page; its total must be what the pages hold."""
    found: list[dict[str, Any]] = []
    numbers = count(1)
    while (page := _get(inboxai, f"{path}?page={next(numbers)}&page_size=40"))["data"]:
        found += page["data"]
    assert page["total"] == len(found)
    return found
