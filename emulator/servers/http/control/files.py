"""Files behind signed URLs, which need no credential."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.http import dump_options_header

from emulator.mail import Attachment
from emulator.mail.files import open_file
from emulator.provider import Problem
from emulator.servers.http.control.asked import worlds
from emulator.world import timestamp

routes = Blueprint("files", __name__)


@routes.get("/files/<token>")
def download(token: str) -> Response:
    """Send the file that a signed URL stands for, while it is valid."""
    for world in worlds().every():
        file = open_file(world, token)
        if file is not None:
            break
    else:
        raise Problem("not_found", "this link was not made by this emulator")
    if file.expires_at <= world.now():
        raise Problem("forbidden", f"this link expired at {timestamp(file.expires_at)}")
    return file_response(file.attachment)


def file_response(part: Attachment) -> Response:
    """Return the answer that has a browser save an attachment: mail is hostile and never shown as a page of ours."""
    response = Response(part.data, content_type=part.content_type)
    name = (part.filename or "attachment").encode("ascii", "replace").decode()
    response.headers["Content-Disposition"] = dump_options_header("attachment", {"filename": name})
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.make_conditional(request, accept_ranges=True, complete_length=len(part.data))
    return response
