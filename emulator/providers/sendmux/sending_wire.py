"""The Sending API on the wire: what was sent, and files that wait to be, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.mail import Message
from emulator.openapi import Operation
from emulator.provider import Problem
from emulator.providers.sendmux import wire
from emulator.providers.sendmux.sending import MAX_UPLOAD, Result
from emulator.providers.sendmux.uploads import Intent, Upload
from emulator.world import timestamp


def sent(message: Message) -> dict[str, Any]:
    """Return the answer of a send: the letters of the mailbox's message under another prefix."""
    return {"message_id": f"eml_{message.id.removeprefix('msg_')}", "status": "queued"}


def batch(results: Sequence[Result], operation: Operation) -> dict[str, Any]:
    """Return what became of the mails of a batch that was sent by an operation."""
    queued = sum(result.message is not None for result in results)
    return {
        "results": [_result(index, result, operation) for index, result in enumerate(results)],
        "summary": {"total": len(results), "queued": queued, "failed": len(results) - queued},
    }


def upload(item: Upload) -> dict[str, Any]:
    """Return an uploaded file, without its bytes."""
    part = item.part
    return {
        "attachment_id": item.id,
        "filename": item.filename,
        "content_type": part.content_type,
        "size_bytes": len(part.data),
        "expires_at": timestamp(item.expires_at),
    }


def upload_intent(item: Intent, url: str) -> dict[str, Any]:
    """Return where a file can be uploaded without a key, and with which headers."""
    return {
        "upload_id": item.id,
        "upload_url": url,
        "method": "PUT",
        "headers": {
            "Content-Type": item.content_type,
            "Content-Length": str(item.size),
            "X-Sendmux-Upload-Token": item.token,
        },
        "max_size_bytes": MAX_UPLOAD,
        "expires_at": timestamp(item.expires_at),
    }


def _result(index: int, result: Result, operation: Operation) -> dict[str, Any]:
    if result.message is not None:
        return {"index": index, **sent(result.message)}
    failed = {"index": index, "message_id": None, "status": "failed"}
    return failed if result.problem is None else {**failed, "error": _error(result.problem, operation)}


def _error(problem: Problem, operation: Operation) -> Any:
    problem.operation = operation
    answer = wire.problem(problem, "")
    assert isinstance(answer.body, dict)
    return answer.body["error"]
