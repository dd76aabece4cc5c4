"""Sendmux on the wire: id formats, the envelope, pages, ETags, idempotency keys, and errors."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from emulator.paging import encode_cursor
from emulator.provider import Answer, Call, Invalid, Problem, once_per_key
from emulator.providers.sendmux.access import surface
from emulator.providers.sendmux.settings import NAME
from emulator.world import Page, timestamp
from emulator.world.ids import LOWER36, Format, prefixed
from emulator.world.store import R


def _cuid(prefix: str) -> Format:
    return prefixed(f"{prefix}_cl", 23, LOWER36)


IDS: Final[Mapping[str, Format]] = {
    "mailbox": _cuid("mbx"),
    # The logs and the Sending API call the same mail dlog_, ilog_ and eml_ with the same letters.
    "message": prefixed("msg_", 24, LOWER36),
    "thread": prefixed("thr_", 24, LOWER36),
    "message_id": prefixed("", 24, LOWER36),
    "request": _cuid("req"),
    "account": _cuid("team"),
    "domain": _cuid("mdom"),
    "dkim_token": prefixed("", 32, LOWER36),
    "key": _cuid("smx"),
    "api_key": prefixed("smx_root_", 32),
    "mailbox_key": prefixed("smx_mbx_", 32),
    "password": prefixed("", 24),
    "webhook": _cuid("whk"),
    "webhook_secret": prefixed("whsec_", 32),
    "event": _cuid("evt"),
    "webhook_attempt": _cuid("whda"),
    "sending_account": _cuid("dprov"),
    "upload": prefixed("upl_", 24, LOWER36),
    "attachment": prefixed("att_", 24, LOWER36),
    "blob": prefixed("blob_", 24, LOWER36),
    "upload_token": prefixed("smx_upload_", 32),
    "folder": prefixed("fld_", 24, LOWER36),
    "local_part": prefixed("agent-", 8, LOWER36),
}

_DAY: Final = timedelta(hours=24)
_METADATA: Final = "https://app.sendmux.ai/.well-known/oauth-protected-resource/api/v1"
_ERRORS_PAGE: Final = {"Sending": "https://sendmux.ai/docs/sending-api/errors"}
_USUAL_ERRORS_PAGE: Final = "https://sendmux.ai/docs/api/errors"
_CODES: Final = {
    400: "invalid_parameter",
    401: "authentication_required",
    402: "insufficient_credits",
    403: "insufficient_permissions",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "payload_too_large",
    422: "validation_error",
    429: "rate_limit_exceeded",
    500: "internal_error",
    501: "not_implemented",
    503: "service_unavailable",
}
_RETRYABLE: Final = (429, 500, 503)
_RETRY_AFTER: Final = {429: "1", 503: "1"}
_ETAG: Final = re.compile(r'(?:W/)?("[^"]*")')


# The envelope


def ok(
    call: Call,
    data: Any,
    status: int = 200,
    *,
    headers: Mapping[str, str] | None = None,
    meta: Mapping[str, Any] | None = None,
) -> Answer:
    """Return an answer; `meta` is what stands there besides the request id."""
    return Answer({"ok": True, "data": data, "meta": _meta(call, meta)}, status, dict(headers or {}))


def created(call: Call, data: Any, path: str) -> Answer:
    """Return the 201 of something new; `path` is where it is, from `/api/v1` on."""
    return ok(call, data, 201, headers={"Location": f"{call.base_url}{path}"})


def deleted(call: Call, thing_id: str) -> Answer:
    """Return the answer of a deletion."""
    return ok(call, {"deleted": True, "id": thing_id})


def page(call: Call, found: Page[R], write: Callable[[R], Any], *, meta: Mapping[str, Any] | None = None) -> Answer:
    """Return a page of a list, with the cursor of the next one if there is one."""
    return listed(call, [write(record) for record in found.records], _cursor(found), meta=meta)


def listed(call: Call, data: list[Any], cursor: str | None, *, meta: Mapping[str, Any] | None = None) -> Answer:
    """Return a page of a list that is no page of the store."""
    more = {"has_more": cursor is not None, **({} if cursor is None else {"next_cursor": cursor})}
    return Answer({"ok": True, "data": data, "pagination": more, "meta": _meta(call, meta)})


def time(moment: datetime) -> str:
    """Return a moment as the API writes it."""
    return timestamp(moment, "seconds")


def optional_time(moment: datetime | None) -> str | None:
    """Return a moment as the API writes it, or None."""
    return None if moment is None else time(moment)


def _meta(call: Call, more: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"request_id": call.request_id, **(more or {})}


def _cursor(found: Page[Any]) -> str | None:
    return None if found.next_key is None else encode_cursor(found.next_key)


# ETags


def etag(data: Any) -> str:
    """Return the weak ETag of what a resource looks like."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return f'W/"{hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()}"'


def tagged(call: Call, data: Any, *, meta: Mapping[str, Any] | None = None) -> Answer:
    """Return a resource with its ETag; 304 without a body if `If-None-Match` names it."""
    return with_etag(call, ok(call, data, meta=meta), data)


def with_etag(call: Call, answer: Answer, data: Any, *, fresh: bool = False) -> Answer:
    """Return an answer with the ETag of `data`; 304 if `If-None-Match` names it, unless it has to be `fresh`."""
    tag = etag(data)
    if not fresh and _names(call.headers.get("If-None-Match"), tag):
        return Answer("", 304, {"ETag": tag})
    return answer._replace(headers={**answer.headers, "ETag": tag})


def changed(call: Call, data: Any) -> Answer:
    """Return a resource as a write left it, with its new ETag."""
    return ok(call, data, headers={"ETag": etag(data)})


def check_match(call: Call, data: Any) -> None:
    """Refuse with 409 to change a resource that is not what `If-Match` names any more; `data` is what it is now."""
    wanted, tag = call.headers.get("If-Match"), etag(data)
    if wanted is not None and not _names(wanted, tag):
        raise Problem("conflict", "The resource has changed", headers={"ETag": tag})


def _names(given: str | None, tag: str) -> bool:
    return given is not None and (given.strip() == "*" or tag.removeprefix("W/") in _ETAG.findall(given))


# Idempotency keys


def once(call: Call, scope: str, perform: Callable[[], Answer], *, target: str | None = None) -> Answer:
    """Perform a request, or give the answer again that its Idempotency-Key got within 24 hours, secrets and all.

    `scope` is the team or mailbox, `target` what the path names. 409 if the key came with another request.
    What fails is not kept: a Problem passes through.
    """
    key = call.headers.get("Idempotency-Key")
    if key is None:
        return perform()
    where, given = (NAME, call.operation.id, scope), {"target": target, "query": dict(call.query), "body": _body(call)}

    def signed() -> Answer:
        answer = perform()
        return answer._replace(headers={**answer.headers, "X-Request-Id": call.request_id})

    return once_per_key(call.world, where, key, given, signed, lifetime=_DAY)


def _body(call: Call) -> Any:
    return hashlib.sha256(call.body).hexdigest() if isinstance(call.body, bytes) else call.body


# Errors


def problem(error: Problem, request_id: str) -> Answer:
    """Return `{"ok": false, "error": {code, message, retryable, …}, "meta": {request_id}}`."""
    api = surface(error.operation)
    status, code = _status(error, api)
    written: dict[str, Any] = {"code": code, "message": error.message}
    if error.errors:
        fields = [_invalid(each) for each in error.errors]
        written |= {"param": fields[0]["field"], "errors": fields}
    written |= {"doc_url": f"{_ERRORS_PAGE.get(api, _USUAL_ERRORS_PAGE)}#{code}", "retryable": status in _RETRYABLE}
    return Answer({"ok": False, "error": written, "meta": {"request_id": request_id}}, status, _headers(status))


def _status(error: Problem, api: str) -> tuple[int, str]:
    if error.code is not None:
        return error.status, error.code
    if error.kind == "invalid":
        return _invalid_status(error, api)
    status = 400 if error.kind == "wrong_content_type" else error.status
    return status, _CODES.get(status, "internal_error")


def _invalid_status(error: Problem, api: str) -> tuple[int, str]:
    """Return how a request is refused that is not as the contract says: the Sending API has its own way."""
    place, rule = (error.errors[0].where[0], error.errors[0].rule) if error.errors else ("body", "")
    if rule == "required" and place != "body":
        return 400, "missing_parameter"
    return (422, _CODES[422]) if api == "Sending" and place == "body" else (400, _CODES[400])


def _headers(status: int) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": f'Bearer resource_metadata="{_METADATA}"'}
    return {"Retry-After": _RETRY_AFTER[status]} if status in _RETRY_AFTER else {}


def _invalid(error: Invalid) -> dict[str, str]:
    place, *path = map(str, error.where)
    return {"field": ".".join(path) or place, "code": error.rule, "message": error.message}
