"""The main job with the installed wheel: serve, register, send, receive, stop."""

import json
import smtplib
import subprocess
import sys
from urllib.request import urlopen

from inkbox import Inkbox

command = [sys.argv[1], "serve", "--json", "--port", "0"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as emulator:
    try:
        ready = json.loads(emulator.stdout.readline())
        inkbox = ready["providers"]["inkbox"]
        for path in ("", "ui/coverage", "ui/static/app.js", "ui/static/style.css"):
            with urlopen(f"{ready['url']}/_emulator/{path}") as page:
                assert page.status == 200, path
        with Inkbox(api_key=inkbox["api_key"], base_url=inkbox["base_url"]) as client:
            agent = client.create_identity("agent", create_mailbox=True, email_local_part="agent")
            with smtplib.SMTP(ready["smtp"]["host"], ready["smtp"]["port"]) as smtp:
                smtp.sendmail("jane@example.com", ["agent@inkboxmail.com"], "Subject: Hello\r\n\r\nHi agent\r\n")
            [received] = agent.iter_emails()
            reply = agent.send_email(
                to=["jane@example.com"], subject="Re: Hello", in_reply_to_message_id=str(received.id)
            )
            assert reply.thread_id == received.thread_id
    finally:
        emulator.terminate()
assert emulator.returncode == 0, emulator.returncode
print("the wheel does the main job")
