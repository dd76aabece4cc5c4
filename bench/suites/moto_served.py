"""moto's SES on a port, reset before each test."""

import boto3
import pytest
from moto.server import ThreadedMotoServer

from bench.suites import AWS, CLIENT, COUNT, SES_MAIL


@pytest.fixture(scope="session")
def server():
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def client(server):
    return boto3.client("ses", endpoint_url=server, **AWS)


@pytest.mark.parametrize("n", range(COUNT))
def test_mail(server, client, n):
    CLIENT.post(f"{server}/moto-api/reset")
    client.verify_email_identity(EmailAddress="ada@example.com")
    assert client.send_email(**SES_MAIL)["MessageId"]
    told = CLIENT.get(f"{server}/moto-api/data.json").json()
    assert "Report" in str(told["ses"]["Message"])
