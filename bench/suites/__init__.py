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
AWS = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
