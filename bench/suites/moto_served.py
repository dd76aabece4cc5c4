"""moto's SES on a port, reset before each test."""

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from bench.suites import AWS, COUNT, SES_MAIL


@pytest.fixture(scope="session")
def server():
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.mark.parametrize("n", range(COUNT))
def test_mail(server, n):
    httpx.post(f"{server}/moto-api/reset")
    client = boto3.client("ses", endpoint_url=server, **AWS)
    client.verify_email_identity(EmailAddress="ada@example.com")
    assert client.send_email(**SES_MAIL)["MessageId"]
    told = httpx.get(f"{server}/moto-api/data.json").json()
    assert "Report" in str(told["ses"]["Message"])
