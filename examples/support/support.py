"""A support agent behind a webhook of Sendmux."""

# pip install flask sendmux-sdk

import hashlib
import hmac

from flask import Flask, abort, request
from sendmux_mailbox import MailboxAPIApi, create_mailbox_client


def support_app(mailbox_key, webhook_secret):
    """Return the application that answers every mail that a webhook tells of."""
    app = Flask(__name__)
    client = create_mailbox_client(api_key=mailbox_key)
    mailbox = MailboxAPIApi(client)

    @app.post("/hooks/mail")
    def mail_came():
        expected = "sha256=" + hmac.new(webhook_secret().encode(), request.data, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, request.headers.get("X-Sendmux-Signature", "")):
            abort(401)
        told = request.get_json()["data"]
        answer(mailbox, told["sender"], told["message_id"])
        return "", 204

    app.extensions["sendmux"] = client
    return app


def answer(mailbox, sender, message_id):
    """Answer a mail: in its thread, and once, however often the webhook is delivered."""
    body = {
        "to": [{"email": sender, "name": None}],
        "subject": "We got your mail",
        "text_body": "We are on it. A person writes to you within a day.",
        "custom_headers": {"In-Reply-To": f"<{message_id}>", "References": f"<{message_id}>"},
    }
    mailbox.mailbox_send_message(f"answer-{message_id}", body)
