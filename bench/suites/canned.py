"""pytest-httpserver with answers written by hand."""

import pytest

from bench.suites import CLIENT, COUNT, MAIL


@pytest.mark.parametrize("n", range(COUNT))
def test_mail(httpserver, n):
    url = httpserver.url_for("/api/v1")
    path = "/api/v1/mail/mailboxes/ada@inkboxmail.com/messages"
    httpserver.expect_request("/api/v1/identities", method="POST").respond_with_json({"id": "1"}, 201)
    httpserver.expect_request(path, method="POST", json=MAIL).respond_with_json({"id": "2"}, 201)
    made = {"agent_handle": "ada", "mailbox": {"email_local_part": "ada"}}
    assert CLIENT.post(f"{url}/identities", json=made).status_code == 201
    assert CLIENT.post(f"{url}/mail/mailboxes/ada@inkboxmail.com/messages", json=MAIL).status_code == 201
    requests = [request for request, _ in httpserver.log]
    assert requests[-1].get_json()["subject"] == "Report"
