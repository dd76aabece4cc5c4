"""What Sendmux's documentation says of its Management API, sentence by sentence, and what the emulator assumes.

The sentences of the page "Create a mailbox" come first, then those of the other pages. They hold for every
generation of the API; where one says it otherwise, the journey asks which it is.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from contract.judge import Api

_GIGABYTE = 1024**3


def _email(api: Api, name: str) -> str:
    return f"{api.target.name(name)}@myagent.mx"


def _create(api: Api, name: str, **more: Any) -> dict[str, Any]:
    answer = api.call("create_mailbox", json={"email": _email(api, name), **more}, expect=201)
    made: dict[str, Any] = answer["data"]
    return made


def _mailbox(api: Api, name: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = _create(api, name, **more)["mailbox"]
    return made


def _at(thing: dict[str, Any], **more: str) -> dict[str, str]:
    return {"public_id": thing["id"], **more}


def _bearer(made: dict[str, Any]) -> str:
    """Return the bearer key of a new mailbox or key, as its generation shows it."""
    shown: str = made["credential"]["secret"] if "credential" in made else made["api_key"]["key"]
    return shown


def _key_id(made: dict[str, Any]) -> str:
    shown: str = (made.get("credential") or made["api_key"])["public_id"]
    return shown


def _first_generation(api: Api) -> bool:
    return api.target.provider.revision == "2026-04"


def _domain(api: Api, name: str, **more: Any) -> dict[str, Any]:
    domain = f"{api.target.name(name)}.example.com"
    made: dict[str, Any] = api.call("create_domain", json={"domain": domain, **more}, expect=201)["data"]
    return made


def _error(answer: dict[str, Any]) -> str:
    code: str = answer["error"]["code"]
    return code


def _response(api: Api, method: str, path: str, **options: Any) -> httpx.Response:
    headers = {**api.target.provider.key_headers(api.target.api_key), **options.pop("headers", {})}
    return api.target.http.request(method, f"/api/v1{path}", headers=headers, **options)


# The page "Create a mailbox"


def test_a_mailbox_comes_with_a_bearer_token_and_the_password_for_imap_and_smtp(api: Api) -> None:
    made = _create(api, "new")
    if _first_generation(api):
        assert set(made) == {"mailbox", "api_key", "imap_smtp_credentials", "warning"}
        assert set(made["api_key"]) == {"public_id", "key", "key_prefix", "key_suffix"}
        servers = made["imap_smtp_credentials"]
        assert set(servers) == {"server", "imap_port", "smtp_port", "username", "password"}
        assert servers["password"] != made["api_key"]["key"], "the password is a secret of its own"
    else:
        assert set(made) == {"mailbox", "credential", "warning"}
        servers = made["credential"]
    assert servers["username"] == made["mailbox"]["email"]
    assert made["warning"] is None


def test_the_bearer_token_opens_the_mailbox(api: Api) -> None:
    made = _create(api, "opened")
    connection = api.call("get_connection", key=_bearer(made), expect=200)["data"]
    assert [box["id"] for box in connection["mailboxes"]] == [made["mailbox"]["id"]]


def test_the_key_is_told_by_its_first_and_last_letters(api: Api) -> None:
    made = _create(api, "letters")
    shown = made.get("credential") or made["api_key"]
    assert _bearer(made).startswith(shown["key_prefix"])
    assert _bearer(made).endswith(shown["key_suffix"])


def test_a_mailbox_has_the_documented_fields(api: Api) -> None:
    box = _mailbox(api, "Fields")
    assert box == {
        "id": box["id"],
        "email": _email(api, "Fields").lower(),
        "display_name": None,
        "quota_bytes": _GIGABYTE,
        "send_scope": {"type": "all"},
        "status": "active",
        "created_at": box["created_at"],
    }


def test_ids_have_the_documented_prefixes(api: Api) -> None:
    made = _create(api, "prefixes")
    assert made["mailbox"]["id"].startswith("mbx_cl")
    assert _key_id(made).startswith("smx_cl")
    assert len(made["mailbox"]["id"]) == len("mbx_") + 25


def test_the_location_header_points_at_the_new_mailbox(api: Api) -> None:
    response = _response(api, "POST", "/mailboxes", json={"email": _email(api, "located")})
    location, box = response.headers["Location"], response.json()["data"]["mailbox"]
    assert location.endswith(f"/api/v1/mailboxes/{box['id']}")
    headers = api.target.provider.key_headers(api.target.api_key)
    assert api.target.http.get(location, headers=headers).json()["data"] == box


def test_the_domain_has_to_be_verified(api: Api) -> None:
    domain = _domain(api, "unverified")
    api.target.needs_emulator("no DNS records of ours will be found")
    body = {"email": f"agent@{domain['domain']}"}
    assert _error(api.call("create_mailbox", json=body, expect=422)) == "validation_error"
    api.call("verify_domain", _at(domain), expect=200)
    api.call("create_mailbox", json=body, expect=201)


def test_the_domain_has_to_receive(api: Api) -> None:
    domain = _domain(api, "send-only", mode="send_only")
    api.call("verify_domain", _at(domain), expect=200)
    api.call("create_mailbox", json={"email": f"agent@{domain['domain']}"}, expect=422)


def test_an_address_at_the_shared_domain_needs_no_verification(api: Api) -> None:
    assert _mailbox(api, "shared")["email"].endswith("@myagent.mx")


def test_an_address_is_had_once(api: Api) -> None:
    _create(api, "taken")
    answer = api.call("create_mailbox", json={"email": _email(api, "TAKEN")}, expect=409)
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("conflict", False)


@pytest.mark.parametrize(
    "email", ["a@b", ".a@acme.com", "a.@acme.com", "a..b@acme.com", "a b@acme.com", "a@acme.c", ""]
)
def test_an_address_has_to_be_one(api: Api, email: str) -> None:
    answer = api.call("create_mailbox", json={"email": email}, expect=400)
    assert (answer["error"]["code"], answer["error"]["param"]) == ("invalid_parameter", "email")


def test_the_display_name_has_a_greatest_length(api: Api) -> None:
    longest = 255 if _first_generation(api) else 254
    assert _mailbox(api, "long", display_name="x" * longest)["display_name"] == "x" * longest
    api.call("create_mailbox", json={"email": _email(api, "longer"), "display_name": "x" * (longest + 1)}, expect=400)
    api.call("create_mailbox", json={"email": _email(api, "unnamed"), "display_name": ""}, expect=400)


def test_the_quota_is_a_size_the_generation_knows(api: Api) -> None:
    odd = {"email": _email(api, "odd"), "quota_bytes": 123}
    if _first_generation(api):
        assert api.call("create_mailbox", json=odd, expect=201)["data"]["mailbox"]["quota_bytes"] == 123
    else:
        assert _error(api.call("create_mailbox", json=odd, expect=422)) == "validation_error"
    assert _mailbox(api, "tier", quota_bytes=5 * _GIGABYTE)["quota_bytes"] == 5 * _GIGABYTE
    api.call("create_mailbox", json={"email": _email(api, "none"), "quota_bytes": 0}, expect=400)


def test_a_send_scope_names_sending_accounts_of_the_team(api: Api) -> None:
    [shared] = api.call("list_providers", expect=200)["data"]
    scope = {"type": "providers", "provider_public_ids": [shared["id"]]}
    assert _mailbox(api, "scoped", send_scope=scope)["send_scope"] == scope
    for foreign in (
        {"type": "providers", "provider_public_ids": ["dprov_x"]},
        {"type": "group", "group_public_ids": ["x"]},
    ):
        api.call("create_mailbox", json={"email": _email(api, "foreign"), "send_scope": foreign}, expect=422)


def test_an_unknown_field_is_refused(api: Api) -> None:
    api.call("create_mailbox", json={"email": _email(api, "more"), "name": "x"}, expect=400)


def test_a_replay_with_the_same_key_returns_the_original_response_with_its_secrets(api: Api) -> None:
    body, headers = {"email": _email(api, "again")}, {"Idempotency-Key": api.target.name("again")}
    first = api.call("create_mailbox", json=body, headers=headers, expect=201)
    assert api.call("create_mailbox", json=body, headers=headers, expect=201) == first


def test_a_replay_with_a_different_body_is_an_idempotency_conflict(api: Api) -> None:
    headers = {"Idempotency-Key": api.target.name("other")}
    api.call("create_mailbox", json={"email": _email(api, "one")}, headers=headers, expect=201)
    answer = api.call("create_mailbox", json={"email": _email(api, "two")}, headers=headers, expect=409)
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("idempotency_conflict", False)


def test_an_idempotency_key_stands_for_one_endpoint(api: Api) -> None:
    headers = {"Idempotency-Key": api.target.name("endpoint")}
    box = api.call("create_mailbox", json={"email": _email(api, "endpoint")}, headers=headers, expect=201)["data"]
    api.call("suspend_mailbox", _at(box["mailbox"]), headers=headers, expect=200)


def test_an_idempotency_key_stands_for_one_target(api: Api) -> None:
    headers, first, second = {"Idempotency-Key": "target"}, _mailbox(api, "first"), _mailbox(api, "second")
    api.call("suspend_mailbox", _at(first), headers=headers, expect=200)
    assert _error(api.call("suspend_mailbox", _at(second), headers=headers, expect=409)) == "idempotency_conflict"


def test_what_failed_is_tried_again_under_the_same_key(api: Api) -> None:
    taken, headers = _mailbox(api, "failed"), {"Idempotency-Key": api.target.name("failed")}
    body = {"email": taken["email"]}
    api.call("create_mailbox", json=body, headers=headers, expect=409)
    api.call("delete_mailbox", _at(taken), expect=200)
    api.call("create_mailbox", json=body, headers=headers, expect=201)


def test_an_idempotency_key_has_at_most_255_characters(api: Api) -> None:
    body = {"email": _email(api, "key")}
    api.call("create_mailbox", json=body, headers={"Idempotency-Key": "x" * 256}, expect=400)
    api.call("create_mailbox", json=body, headers={"Idempotency-Key": "x" * 255}, expect=201)


def test_a_failed_provisioning_leaves_nothing_behind(api: Api) -> None:
    fault = {"provider": "sendmux", "operation": "create_mailbox", "status": 503}
    api.target.control("POST", "/faults", json=fault)
    answer = api.call("create_mailbox", json={"email": _email(api, "rolled-back")}, expect=503)
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("service_unavailable", True)
    _create(api, "rolled-back")


def test_without_a_credential_there_is_a_warning_and_a_key_is_made_later(api: Api) -> None:
    api.target.control("PUT", "/settings/sendmux/credentials_available", json={"value": False})
    made = _create(api, "keyless")
    shown = {name: value for name, value in made.items() if name not in ("mailbox", "warning")}
    assert made["warning"]
    assert set(shown.values()) == {None}
    api.target.control("PUT", "/settings/sendmux/credentials_available", json={"value": True})
    key = api.call("create_mailbox_key", _at(made["mailbox"]), json={"app_name": "Later"}, expect=201)["data"]
    api.call("get_connection", key=_bearer(key), expect=200)


# Errors and the envelope


def test_a_missing_or_wrong_key_is_401_and_says_where_to_look(api: Api) -> None:
    for operation in ("list_mailboxes", "list_domains", "list_webhooks", "get_connection"):
        for key in (None, "not-a-key", "smx_root_unknown"):
            assert _error(api.call(operation, key=key, expect=401)) == "authentication_required"
    response = api.target.http.get("/api/v1/me")
    assert response.headers["WWW-Authenticate"].startswith("Bearer resource_metadata=")


def test_a_mailbox_key_does_not_open_the_management_api(api: Api) -> None:
    key = _bearer(_create(api, "narrow"))
    assert _error(api.call("list_mailboxes", key=key, expect=403)) == "insufficient_permissions"


def test_a_read_only_key_reads_only(api: Api) -> None:
    api.target.needs_emulator("needs the emulator's read-only key")
    key = api.target.provider.credentials["readonly_key"]
    for operation in ("list_mailboxes", "list_domains", "list_webhooks", "list_providers", "get_balance"):
        api.call(operation, key=key, expect=200)
    api.call("create_mailbox", key=key, json={"email": _email(api, "readonly")}, expect=403)


def test_every_answer_carries_the_request_id_and_the_limits(api: Api) -> None:
    for response in (_response(api, "GET", "/me"), _response(api, "GET", "/mailboxes/mbx_none")):
        assert response.headers["X-Request-Id"] == response.json()["meta"]["request_id"]
        assert response.headers["X-RateLimit-Limit"] == "600"
        assert response.headers["X-RateLimit-Reset"].isdigit()
        assert response.headers["Cache-Control"] == "no-store"


def test_an_error_names_every_field_that_is_wrong(api: Api) -> None:
    error = api.call("create_mailbox", json={"email": "x", "display_name": ""}, expect=400)["error"]
    assert {each["field"] for each in error["errors"]} == {"email", "display_name"}
    assert error["doc_url"].endswith("#invalid_parameter")


def test_a_missing_query_parameter_is_missing_parameter(api: Api) -> None:
    answer = api.call("check_mailbox_availability", expect=400)
    assert (answer["error"]["code"], answer["error"]["param"]) == ("missing_parameter", "email")


def test_another_teams_things_are_404(api: Api) -> None:
    for operation in ("get_mailbox", "get_domain", "get_webhook", "get_provider"):
        assert _error(api.call(operation, {"public_id": "mbx_clxxxxxxxxxxxxxxxxxxxxxxxxx"}, expect=404)) == "not_found"


# Mailboxes


def test_mailboxes_are_listed_newest_first_page_by_page(api: Api) -> None:
    made = [_mailbox(api, f"list-{number}")["id"] for number in range(3)]
    first = api.call("list_mailboxes", params={"limit": 2}, expect=200)
    assert [box["id"] for box in first["data"]] == [made[2], made[1]]
    assert first["pagination"]["has_more"] is True
    cursor = first["pagination"]["next_cursor"]
    rest = api.call("list_mailboxes", params={"limit": 100, "cursor": cursor}, expect=200)
    assert rest["data"][0]["id"] == made[0]
    if not api.target.live:
        assert rest["pagination"] == {"has_more": False}, "next_cursor is absent on the last page"


def test_a_page_survives_the_deletion_of_its_last_row(api: Api) -> None:
    old, new = _mailbox(api, "older"), _mailbox(api, "newer")
    cursor = api.call("list_mailboxes", params={"limit": 1}, expect=200)["pagination"]["next_cursor"]
    api.call("delete_mailbox", _at(new), expect=200)
    page = api.call("list_mailboxes", params={"limit": 1, "cursor": cursor}, expect=200)
    assert [box["id"] for box in page["data"]] == [old["id"]]


def test_deleted_mailboxes_are_listed_when_asked_for(api: Api) -> None:
    box = _mailbox(api, "gone")
    assert api.call("delete_mailbox", _at(box), expect=200)["data"] == {"deleted": True, "id": box["id"]}
    listed = api.call("list_mailboxes", expect=200)["data"]
    assert box["id"] not in [each["id"] for each in listed]
    ever = api.call("list_mailboxes", params={"include_deleted": "true"}, expect=200)["data"]
    assert (ever[0]["id"], ever[0]["status"]) == (box["id"], "deleted")
    api.call("list_mailboxes", params={"include_deleted": "false"}, expect=400)


def test_a_deleted_mailbox_is_gone_with_its_keys_and_its_address_is_free(api: Api) -> None:
    made = _create(api, "freed")
    api.call("delete_mailbox", _at(made["mailbox"]), expect=200)
    api.call("get_mailbox", _at(made["mailbox"]), expect=404)
    api.call("get_connection", key=_bearer(made), expect=401)
    assert _mailbox(api, "freed")["id"] != made["mailbox"]["id"]


def test_a_name_is_changed_and_cleared(api: Api) -> None:
    box = _mailbox(api, "renamed", display_name="Old")
    changed = api.call("update_mailbox", _at(box), json={"display_name": "New"}, expect=200)["data"]
    assert changed == {**box, "display_name": "New"}
    cleared = api.call("update_mailbox", _at(box), json={"display_name": None}, expect=200)["data"]
    assert cleared["display_name"] is None
    assert api.call("update_mailbox", _at(box), json={}, expect=200)["data"] == cleared


def test_an_etag_saves_the_body(api: Api) -> None:
    path = f"/mailboxes/{_mailbox(api, 'tagged')['id']}"
    tag = _response(api, "GET", path).headers["ETag"]
    assert tag.startswith('W/"')
    again = _response(api, "GET", path, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    _response(api, "PATCH", path, json={"display_name": "New"})
    assert _response(api, "GET", path, headers={"If-None-Match": tag}).status_code == 200


def test_a_write_with_an_old_etag_is_a_conflict_that_tells_the_new_one(api: Api) -> None:
    path = f"/mailboxes/{_mailbox(api, 'matched')['id']}"
    old = _response(api, "GET", path).headers["ETag"]
    new = _response(api, "PATCH", path, json={"display_name": "New"}, headers={"If-Match": old}).headers["ETag"]
    refused = _response(api, "PATCH", path, json={"display_name": "Late"}, headers={"If-Match": old})
    assert (refused.status_code, refused.headers["ETag"]) == (409, new)
    assert refused.json()["error"]["code"] == "conflict"
    assert _response(api, "GET", path, headers={"If-None-Match": new}).status_code == 304


def test_suspending_and_resuming_can_be_repeated(api: Api) -> None:
    made = _create(api, "paused")
    for operation, status, opened in (("suspend_mailbox", "suspended", 403), ("resume_mailbox", "active", 200)):
        for _ in range(2):
            assert api.call(operation, _at(made["mailbox"]), expect=200)["data"]["status"] == status
        api.call("get_connection", key=_bearer(made), expect=opened)


def test_a_deleted_mailbox_is_not_suspended(api: Api) -> None:
    box = _mailbox(api, "dead")
    api.call("delete_mailbox", _at(box), expect=200)
    for operation in ("suspend_mailbox", "resume_mailbox"):
        assert _error(api.call(operation, _at(box), expect=409)) == "conflict"


def test_a_further_key_opens_the_mailbox_until_it_is_revoked(api: Api) -> None:
    box = _mailbox(api, "keys")
    key = api.call("create_mailbox_key", _at(box), json={"app_name": "Laptop"}, expect=201)["data"]
    assert api.call("get_connection", key=_bearer(key), expect=200)["data"]["credential"]["name"] == "Laptop"
    for _ in range(2):
        gone = api.call("delete_mailbox_key", _at(box, key_id=_key_id(key)), expect=200)["data"]
        assert gone == {"deleted": True, "id": _key_id(key)}
    api.call("get_connection", key=_bearer(key), expect=401)


def test_a_key_is_one_of_its_mailbox(api: Api) -> None:
    made, other = _create(api, "mine"), _mailbox(api, "other")
    api.call("delete_mailbox_key", _at(other, key_id=_key_id(made)), expect=404)
    api.call("get_connection", key=_bearer(made), expect=200)


def test_a_suspended_mailbox_gets_no_key(api: Api) -> None:
    box = _mailbox(api, "asleep")
    api.call("suspend_mailbox", _at(box), expect=200)
    api.call("create_mailbox_key", _at(box), json={"app_name": "Laptop"}, expect=422)
    api.call("create_mailbox_key", _at(box), json={"app_name": ""}, expect=400)


def test_availability_says_why_not(api: Api) -> None:
    _mailbox(api, "had")
    reasons = {
        _email(api, "free"): "available",
        _email(api, "HAD"): "taken",
        "agent@not-ours.example.com": "domain_not_available",
        "no address": "invalid_email",
    }
    for email, reason in reasons.items():
        found = api.call("check_mailbox_availability", params={"email": email}, expect=200)["data"]
        assert found == {"email": email, "available": reason == "available", "reason": reason}


def test_filters_are_replaced_whole_and_sorted_by_pattern(api: Api) -> None:
    box = _mailbox(api, "filtered")
    assert api.call("get_mailbox_filters", _at(box), expect=200)["data"] == {"mode": "off", "rules": []}
    rules = [
        {"type": "allow", "pattern": "*@Partner.com", "note": "Our partner"},
        {"type": "allow", "pattern": "Boss@example.com"},
    ]
    for given in (rules, rules[:1]):
        body = {"mode": "allowlist", "rules": given}
        found = api.call("set_mailbox_filters", _at(box), json=body, expect=200)["data"]
        assert api.call("get_mailbox_filters", _at(box), expect=200)["data"] == found
    assert found == {"mode": "allowlist", "rules": [{"type": "allow", "pattern": "partner.com", "note": "Our partner"}]}


def test_filters_are_at_most_a_thousand_patterns(api: Api) -> None:
    box = _mailbox(api, "many")
    rules = [{"type": "deny", "pattern": f"{number}.example.com"} for number in range(1001)]
    api.call("set_mailbox_filters", _at(box), json={"mode": "denylist", "rules": rules}, expect=422)
    api.call("set_mailbox_filters", _at(box), json={"mode": "denylist", "rules": rules[1:]}, expect=200)
    for pattern in ("no pattern", "*@*.com", "@", "", "*"):
        body = {"mode": "denylist", "rules": [{"type": "deny", "pattern": pattern}]}
        assert _error(api.call("set_mailbox_filters", _at(box), json=body, expect=422)) == "validation_error"


# Domains


def test_a_new_domain_shows_the_records_it_needs(api: Api) -> None:
    made = _domain(api, "records")
    name, records = made["domain"], made["dns_records"]
    assert (made["verification_status"], made["mode"], made["mailbox_count"]) == ("pending", "send_receive", 0)
    assert records["mx"] == [{"priority": 10, "target": "mail.sendmux.ai"}]
    assert records["verification"]["name"] == f"_sendmux.{name}"
    assert records["verification"]["value"].startswith("sendmux-verify=team_")
    assert records["dmarc"] == {"name": f"_dmarc.{name}", "value": "v=DMARC1; p=quarantine"}
    assert len(records["dkim"]) == 3
    assert records["mail_from"]["mx"]["name"] == f"bounce.{name}"


def test_a_domain_is_added_once(api: Api) -> None:
    made = _domain(api, "once")
    assert _error(api.call("create_domain", json={"domain": made["domain"].upper()}, expect=409)) == "conflict"
    api.call("create_domain", json={"domain": "myagent.mx"}, expect=409)
    api.call("create_domain", json={"domain": "no domain"}, expect=400)


def test_verifying_marks_a_domain_verified(api: Api) -> None:
    api.target.needs_emulator("no DNS records of ours will be found")
    made = _domain(api, "verified")
    found = api.call("verify_domain", _at(made), expect=200)["data"]
    assert found["status"] == "verified"
    assert set(found["checks"].values()) == {True}
    assert api.call("get_domain", _at(made), expect=200)["data"]["verified_at"] is not None


def test_a_failed_domain_stays_failed_until_a_complete_check(api: Api) -> None:
    made = _domain(api, "failed")
    for outcome, status in (
        ("failed", "failed"),
        ("pending", "failed"),
        ("verified", "verified"),
        ("pending", "pending"),
    ):
        api.target.control("PUT", "/settings/sendmux/verification", json={"value": outcome})
        assert api.call("verify_domain", _at(made), expect=200)["data"]["status"] == status


def test_a_send_only_domain_is_upgraded_and_never_downgraded(api: Api) -> None:
    made = _domain(api, "upgraded", mode="send_only")
    checks = api.call("verify_domain", _at(made), expect=200)["data"]["checks"]
    assert checks["mx"] is True, "mx is always true for a domain that only sends"
    for mode in ("send_only", "anything"):
        api.call("update_domain", _at(made), json={"mode": mode}, expect=422)
    upgraded = api.call("update_domain", _at(made), json={"mode": "send_receive"}, expect=200)["data"]
    assert (upgraded["mode"], upgraded["verification_status"]) == ("send_receive", "pending")


def test_a_domain_with_mailboxes_is_not_deleted(api: Api) -> None:
    api.target.needs_emulator("no DNS records of ours will be found")
    made = _domain(api, "lived-in")
    api.call("verify_domain", _at(made), expect=200)
    box = api.call("create_mailbox", json={"email": f"agent@{made['domain']}"}, expect=201)["data"]["mailbox"]
    assert api.call("get_domain", _at(made), expect=200)["data"]["mailbox_count"] == 1
    assert _error(api.call("delete_domain", _at(made), expect=409)) == "conflict"
    api.call("delete_mailbox", _at(box), expect=200)
    api.call("delete_domain", _at(made), expect=200)
    api.call("get_domain", _at(made), expect=404)


def test_a_send_only_domain_has_no_filters(api: Api) -> None:
    made = _domain(api, "unfiltered", mode="send_only")
    api.call("get_domain_filters", _at(made), expect=409)
    api.call("set_domain_filters", _at(made), json={"mode": "off", "rules": []}, expect=409)


def test_the_zone_file_is_a_download_of_the_records(api: Api) -> None:
    made = _domain(api, "zoned")
    response = _response(api, "GET", f"/domains/{made['id']}/zone-file")
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.headers["Content-Disposition"] == f'attachment; filename="{made["domain"]}.zone"'
    assert f"{made['domain']}. 3600 IN MX 10 mail.sendmux.ai." in response.text
    for record in (made["dns_records"]["verification"], *made["dns_records"]["dkim"]):
        assert record["value"] in response.text


# Webhooks


def _event(api: Api) -> str:
    return "mail.inbound" if _first_generation(api) else "message.received"


def _webhook(api: Api, *events: str, **more: Any) -> dict[str, Any]:
    body = {
        "url": f"https://example.com/{api.target.name('hook')}",
        "event_types": list(events) or [_event(api)],
        **more,
    }
    made: dict[str, Any] = api.call("create_webhook", json=body, expect=201)["data"]
    return made


def test_the_secret_of_a_webhook_is_shown_when_it_is_made_only(api: Api) -> None:
    made = _webhook(api, name="Hook")
    assert made["secret"].startswith("whsec_")
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert api.call("get_webhook", _at(made), expect=200)["data"] == shown
    assert api.call("list_webhooks", expect=200)["data"][0] == shown
    rotated = api.call("rotate_webhook_secret", _at(made), expect=200)["data"]
    assert rotated["secret"] not in (made["secret"], None)


def test_a_webhook_takes_events_of_its_generation_and_https(api: Api) -> None:
    other = "message.received" if _first_generation(api) else "mail.inbound"
    for url, events in (
        ("https://example.com", [other]),
        ("https://example.com", ["no.event"]),
        ("https://example.com", []),
        ("http://example.com", [_event(api)]),
        ("ftp://example.com", [_event(api)]),
    ):
        body = {"url": url, "event_types": events}
        assert _error(api.call("create_webhook", json=body, expect=422)) == "validation_error"
    api.call("create_webhook", json={"url": "no url", "event_types": [_event(api)]}, expect=400)


def test_a_webhook_is_confined_to_mailboxes_of_the_team(api: Api) -> None:
    box = _mailbox(api, "hooked")
    made = _webhook(api, filters={"mailbox_ids": [box["id"]]})
    assert made["filters"] == {"mailbox_ids": [box["id"]]}
    api.call("update_webhook", _at(made), json={"filters": {"mailbox_ids": ["mbx_none"]}}, expect=422)
    freed = api.call("update_webhook", _at(made), json={"filters": {"mailbox_ids": []}}, expect=200)["data"]
    assert freed["filters"] == {"mailbox_ids": []}


def test_what_is_left_out_of_an_update_stays(api: Api) -> None:
    made = _webhook(api, name="Hook")
    changed = api.call("update_webhook", _at(made), json={"enabled": False}, expect=200)["data"]
    assert (changed["enabled"], changed["name"], changed["event_types"]) == (False, "Hook", made["event_types"])
    assert api.call("update_webhook", _at(made), json={"name": None}, expect=200)["data"]["name"] is None


def test_a_test_event_has_to_be_subscribed_to(api: Api) -> None:
    made = _webhook(api)
    assert _error(api.call("test_webhook", _at(made), expect=409)) == "conflict"
    api.call("update_webhook", _at(made), json={"event_types": ["sendmux.test"]}, expect=200)
    headers = {"Idempotency-Key": "test"}
    first = api.call("test_webhook", _at(made), headers=headers, expect=200)["data"]
    assert first["event_id"].startswith("evt_")
    assert api.call("test_webhook", _at(made), headers=headers, expect=200)["data"] == first
    assert api.call("test_webhook", _at(made), expect=200)["data"] != first


def test_a_deleted_webhook_is_gone(api: Api) -> None:
    made = _webhook(api)
    assert api.call("list_webhook_deliveries", _at(made), expect=200)["data"] == []
    api.call("delete_webhook", _at(made), expect=200)
    for operation in ("get_webhook", "delete_webhook", "list_webhook_deliveries", "rotate_webhook_secret"):
        api.call(operation, _at(made), expect=404)


# Sending accounts


def _smtp(api: Api, **more: Any) -> dict[str, Any]:
    return {
        "name": api.target.name("Transactional SMTP"),
        "smtp_host": "smtp.example.com",
        "smtp_port": 587,
        "smtp_protocol": "starttls",
        "smtp_username": "user",
        "smtp_password": "secret",
        **more,
    }


def test_a_team_has_the_shared_account_and_may_not_change_it(api: Api) -> None:
    [shared] = api.call("list_providers", params={"type": "amazon_ses"}, expect=200)["data"]
    assert (shared["is_shared"], shared["is_editable"]) == (True, False)
    api.call("update_provider", _at(shared), json={"name": "Ours"}, expect=422)
    api.call("delete_provider", _at(shared), expect=422)
    api.call("test_provider", _at(shared), expect=422)
    changed = api.call("update_provider", _at(shared), json={"variables": {"region": "eu"}}, expect=200)["data"]
    assert changed["variables"] == {"region": "eu"}


def test_the_password_of_a_sending_account_is_never_shown(api: Api) -> None:
    made = api.call("create_provider", json=_smtp(api), expect=201)["data"]
    assert made["has_smtp_password"] is True
    assert "smtp_password" not in made
    assert made.items() >= {name: value for name, value in _smtp(api).items() if name != "smtp_password"}.items()
    assert api.call("get_provider", _at(made), expect=200)["data"] == made
    api.call("create_provider", json=_smtp(api, smtp_port=0), expect=400)


def test_list_items_lack_the_variables(api: Api) -> None:
    made = api.call("create_provider", json=_smtp(api, variables={"a": "b"}), expect=201)["data"]
    listed = api.call("list_providers", params={"type": "smtp"}, expect=200)["data"][0]
    assert listed == {name: value for name, value in made.items() if name != "variables"}


def test_a_sending_account_is_switched_off_and_on(api: Api) -> None:
    made = api.call("create_provider", json=_smtp(api), expect=201)["data"]
    for operation, status in (("deactivate_provider", "inactive"), ("activate_provider", "active")):
        switched = api.call(operation, _at(made), expect=200)["data"]
        assert (switched["status"], switched["is_active"]) == (status, status == "active")
        found = api.call("list_providers", params={"status": status, "type": "smtp"}, expect=200)["data"]
        assert made["id"] in [each["id"] for each in found]
    assert api.call("get_provider_stats", expect=200)["data"]["by_type"]["smtp"] >= 1


def test_testing_a_sending_account_notes_when(api: Api) -> None:
    api.target.needs_emulator("nobody listens at the example's host")
    made = api.call("create_provider", json=_smtp(api), expect=201)["data"]
    assert made["last_tested_at"] is None
    tested = api.call("test_provider", _at(made), expect=200)["data"]
    assert tested["success"] is True
    assert api.call("get_provider", _at(made), expect=200)["data"]["last_tested_at"] == tested["tested_at"]
    api.call("delete_provider", _at(made), expect=200)
    api.call("get_provider", _at(made), expect=404)


# Billing and figures


def test_money_is_a_decimal_string(api: Api) -> None:
    balance = api.call("get_balance", expect=200)["data"]
    assert (balance["currency"], len(balance["balance"].partition(".")[2])) == ("USD", 6)
    for days in (7, 30, 90):
        assert api.call("get_spend_summary", params={"days": days}, expect=200)["data"]["period_days"] == days
    api.call("get_spend_summary", params={"days": 8}, expect=400)
    api.call("list_transactions", params={"type": "USAGE"}, expect=200)


def test_figures_come_by_the_day_or_by_the_hour(api: Api) -> None:
    for granularity, steps in (("daily", 2), ("hourly", 25)):
        found = api.call("get_email_metrics", params={"granularity": granularity}, expect=200)["data"]
        assert len(found["timeseries"]) in (steps, steps - 1)
        assert set(found["comparison"]["change_pct"]) == {"total", "sent", "failed", "rejected", "pending"}
    api.call("get_email_metrics", params={"from_date": "2026-02-30"}, expect=400)
