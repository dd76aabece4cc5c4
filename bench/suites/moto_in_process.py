"""moto's SES in this process: an identity, a mail sent and looked up, in a fresh backend."""

import boto3
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses import ses_backends

from bench.suites import AWS, COUNT, SES_MAIL


@pytest.mark.parametrize("n", range(COUNT))
def test_mail(n):
    with mock_aws():
        client = boto3.client("ses", **AWS)
        client.verify_email_identity(EmailAddress="ada@example.com")
        assert client.send_email(**SES_MAIL)["MessageId"]
        [sent] = ses_backends[DEFAULT_ACCOUNT_ID][AWS["region_name"]].sent_messages
        assert sent.subject == "Report"
