"""pytest-httpserver with answers written by hand."""

import pytest

from bench.suites import COUNT, MAIL, send_report


@pytest.mark.parametrize("n", range(COUNT))
def test_mail(httpserver, n):
    path = "/api/v1/mail/mailboxes/ada@inkboxmail.com/messages"
    httpserver.expect_request("/api/v1/identities", method="POST").respond_with_json({"id": "1"}, 201)
    httpserver.expect_request(path, method="POST", json=MAIL).respond_with_json({"id": "2"}, 201)
    send_report(httpserver.url_for("/api/v1"), {})
    requests = [request for request, _ in httpserver.log]
    assert requests[-1].get_json()["subject"] == "Report"
