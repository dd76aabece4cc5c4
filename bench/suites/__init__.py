"""The same test many times, against the emulator and its peers; `bench.suite` runs each file with pytest."""

import os

import httpx

COUNT = int(os.environ.get("BENCH_TESTS", "1"))
"""How many tests a file has."""

MAIL = {"recipients": {"to": ["jane@example.com"]}, "subject": "Report", "body_text": "The numbers are in."}
SES_MAIL = {
    "Source": "ada@example.com",
    "Destination": {"ToAddresses": ["jane@example.com"]},
    "Message": {"Subject": {"Data": "Report"}, "Body": {"Text": {"Data": "The numbers are in."}}},
}
# Making a client of httpx costs more than its calls: it reads the certificates that it trusts.
CLIENT = httpx.Client()


def send_report(api: str, headers: dict[str, str]) -> None:
    """Make a mailbox by Inkbox's API at this URL, and send a mail from it."""
    made = {"agent_handle": "ada", "mailbox": {"email_local_part": "ada"}}
    assert CLIENT.post(f"{api}/identities", json=made, headers=headers).status_code == 201
    sent = CLIENT.post(f"{api}/mail/mailboxes/ada@inkboxmail.com/messages", json=MAIL, headers=headers)
    assert sent.status_code == 201


AWS = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
