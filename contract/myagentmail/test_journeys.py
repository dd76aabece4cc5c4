"""What myagentmail's documentation says, sentence by sentence, and what the emulator assumes where it is silent.

The sentences of the page "Create an inbox" come first, then what the other pages and the example application add.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest

from contract.judge import Api

_DOMAIN = "myagentmail.com"
_OUTSIDE = "jane@example.com"
_SECRETS = ("apiKey", "imapPassword")


def _inbox(api: Api, name: str, **more: Any) -> dict[str, Any]:
    body = {"username": api.target.name(name), **more}
    made: dict[str, Any] = api.call("create_inbox", json=body, expect=201)
    return made


def _other(api: Api) -> str:
    """Return the key of another tenant."""
    api.target.needs_emulator("needs the key of a second tenant")
    return api.target.provider.credentials["other_api_key"]


def _super_admin(api: Api) -> str:
    api.target.needs_emulator("needs a super-admin key")
    return api.target.provider.credentials["super_admin_key"]


def _workspace(api: Api, name: str) -> tuple[dict[str, Any], str]:
    """Make a workspace; return it and a key of it."""
    workspace = api.call("create_workspace", json={"name": api.target.name(name)}, expect=201)
    key = api.call("create_workspace_key", {"workspace_id": workspace["id"]}, json={"name": "Bot"}, expect=201)
    return workspace, key["key"]


def _at(inbox: dict[str, Any], **more: str) -> dict[str, str]:
    return {"inbox_id": inbox["id"], **more}


def _send(api: Api, inbox: dict[str, Any], to: Any = _OUTSIDE, **more: Any) -> dict[str, str]:
    body = {"to": to, "subject": "Hello", "plainBody": "Hi there", "verified": True, **more}
    sent: dict[str, str] = api.call("send_message", _at(inbox), json=body, expect=200)
    return sent


def _messages(api: Api, inbox: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.call("list_messages", _at(inbox), params=params, expect=200)["messages"]
    return found


def _arrived(api: Api, inbox: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    return api.until(lambda: _messages(api, inbox, **params))


def _pair(api: Api, **mail: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Make two inboxes, send a mail from one to the other; return both and the mail as it came in."""
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    _send(api, alice, bob["email"], **mail)
    [received] = _arrived(api, bob, direction="inbound")
    return alice, bob, received


def _get(api: Api, inbox: dict[str, Any], message_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.call("get_message", _at(inbox, message_id=message_id), expect=200)
    return found


# The page "Create an inbox": who may


def test_creating_needs_a_tenant_or_workspace_master_key(api: Api) -> None:
    inbox = _inbox(api, "first")
    api.call("create_inbox", key=inbox["apiKey"], json={}, expect=403)
    api.call("create_inbox", key=_super_admin(api), json={}, expect=403)
    _, key = _workspace(api, "Team")
    api.call("create_inbox", key=key, json={"username": api.target.name("second")}, expect=201)


def test_the_key_is_sent_in_either_header(api: Api) -> None:
    key = api.target.api_key
    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}, {"Authorization": f"bearer {key}"}):
        api.call("create_inbox", key=None, headers=headers, json={}, expect=201)
    for headers in ({}, {"X-API-Key": "tk_"}, {"Authorization": key}, {"Authorization": f"Basic {key}"}):
        answer = api.call("create_inbox", key=None, headers=headers, json={}, expect=401)
        assert answer["code"] == "UNAUTHORIZED"


# The page "Create an inbox": username allocation


def test_an_inbox_that_the_tenant_has_is_returned_with_200_and_existed(api: Api) -> None:
    made = _inbox(api, "scout")
    again = api.call("create_inbox", json={"username": made["username"]}, expect=200)
    assert again["existed"] is True
    assert (again["id"], again["email"]) == (made["id"], made["email"])


def test_the_call_is_safe_to_retry(api: Api) -> None:
    made = _inbox(api, "scout")
    answers = [api.call("create_inbox", json={"username": made["username"]}, expect=200) for _ in range(3)]
    assert all(answer == answers[0] for answer in answers)
    found = api.call("list_inboxes", expect=200)["inboxes"]
    assert [inbox["email"] for inbox in found].count(made["email"]) == 1


def test_a_name_of_another_tenant_falls_back_to_numbers_in_sequence(api: Api) -> None:
    other = _other(api)
    api.call("create_inbox", json={"username": "scout"}, expect=201)
    names = [api.call("create_inbox", key=other, json={"username": "scout"}, expect=201)["username"] for _ in range(3)]
    assert names == ["scout1", "scout2", "scout3"]


def test_the_allocated_username_is_in_the_body(api: Api) -> None:
    other = _other(api)
    api.call("create_inbox", json={"username": "scout"}, expect=201)
    made = api.call("create_inbox", key=other, json={"username": "scout"}, expect=201)
    assert (made["username"], made["email"], made["canonicalEmail"]) == (
        "scout1",
        f"scout1@{_DOMAIN}",
        f"scout1@{_DOMAIN}",
    )
    assert made["imap"]["username"] == made["smtp"]["username"] == made["canonicalEmail"]


def test_a_number_that_is_taken_is_passed_over(api: Api) -> None:
    other = _other(api)
    for name in ("scout", "scout1", "scout3"):
        api.call("create_inbox", json={"username": name}, expect=201)
    names = [api.call("create_inbox", key=other, json={"username": "scout"}, expect=201)["username"] for _ in range(2)]
    assert names == ["scout2", "scout4"]


def test_the_numbers_go_through_99(api: Api) -> None:
    other = _other(api)
    api.call("create_inbox", json={"username": "scout"}, expect=201)
    names = [api.call("create_inbox", key=other, json={"username": "scout"}, expect=201)["username"] for _ in range(99)]
    assert names == [f"scout{n}" for n in range(1, 100)]
    answer = api.call("create_inbox", key=other, json={"username": "scout"}, expect=409)
    assert answer["code"] == "USERNAME_TAKEN"


def test_strict_answers_409_with_the_conflicting_resource(api: Api) -> None:
    other = _other(api)
    api.call("create_inbox", json={"username": "scout"}, expect=201)
    answer = api.call("create_inbox", key=other, params={"strict": "true"}, json={"username": "scout"}, expect=409)
    assert answer["code"] == "USERNAME_TAKEN"
    assert answer["conflict"] == {"email": f"scout@{_DOMAIN}"}
    assert api.call("list_inboxes", key=other, expect=200)["inboxes"] == []


def test_strict_gives_a_free_name_and_ones_own(api: Api) -> None:
    body = {"username": api.target.name("scout")}
    api.call("create_inbox", params={"strict": "true"}, json=body, expect=201)
    again = api.call("create_inbox", params={"strict": "true"}, json=body, expect=200)
    assert again["existed"] is True


def test_without_strict_or_with_false_names_are_numbered(api: Api) -> None:
    other = _other(api)
    api.call("create_inbox", json={"username": "scout"}, expect=201)
    for params in ({}, {"strict": "false"}):
        api.call("create_inbox", key=other, params=params, json={"username": "scout"}, expect=201)
    api.call("create_inbox", key=other, params={"strict": "yes"}, json={"username": "scout"}, expect=400)


def test_secrets_are_returned_on_first_creation_only(api: Api) -> None:
    made = _inbox(api, "scout")
    assert made["apiKey"].startswith("ak_")
    assert made["imapPassword"] == made["imap"]["password"] == made["smtp"]["password"]
    again = api.call("create_inbox", json={"username": made["username"]}, expect=200)
    assert not [name for name in _SECRETS if name in again]
    for secret in (made["apiKey"], made["imapPassword"]):
        assert secret not in str(again)


# The page "Create an inbox": the request


def test_a_username_is_lower_case_letters_digits_and_some_marks(api: Api) -> None:
    name = api.target.name("a1.b-c_d")
    assert _inbox(api, "a1.b-c_d")["email"] == f"{name}@{_DOMAIN}"
    for wrong in ("a b", "a@b", "ä", "a/b", "", "a+b", ".a", "a.", "a..b", "x" * 65, "a\r\nb"):
        answer = api.call("create_inbox", json={"username": wrong}, expect=400)
        assert (answer["error"], answer["code"]) == ("Request body failed schema validation", "VALIDATION_ERROR")


def test_upper_case_is_folded(api: Api) -> None:
    name = api.target.name("Scout")
    made = _inbox(api, "Scout")
    assert made["username"] == name.lower()
    assert api.call("create_inbox", json={"username": name.upper()}, expect=200)["id"] == made["id"]


def test_without_a_username_one_is_made_from_the_tenants_name(api: Api) -> None:
    tenant = api.call("create_tenant", key=_super_admin(api), json={"name": "Acme Corp"}, expect=201)
    names = [api.call("create_inbox", key=tenant["apiKey"], expect=201)["username"] for _ in range(3)]
    assert names == ["acme-corp", "acme-corp1", "acme-corp2"], "no id of the tenant is appended"


def test_generated_names_of_tenants_of_one_name_are_numbered(api: Api) -> None:
    admin, names = _super_admin(api), []
    for _ in range(2):
        tenant = api.call("create_tenant", key=admin, json={"name": "Acme"}, expect=201)
        made = api.call("create_inbox", key=tenant["apiKey"], params={"strict": "true"}, json={}, expect=201)
        names.append(made["username"])
    assert names == ["acme", "acme1"]


def test_a_tenants_name_without_letters_gives_a_username_all_the_same(api: Api) -> None:
    tenant = api.call("create_tenant", key=_super_admin(api), json={"name": "株式会社"}, expect=201)
    assert api.call("create_inbox", key=tenant["apiKey"], json={}, expect=201)["username"] == "inbox"


def test_the_display_name_is_shown_as_the_sender(api: Api) -> None:
    alice, bob = _inbox(api, "alice", displayName="Alice A."), _inbox(api, "bob")
    _send(api, alice, bob["email"])
    [received] = _arrived(api, bob)
    assert alice["displayName"] == "Alice A."
    assert received["from"] == f"Alice A. <{alice['email']}>"


def test_the_domain_defaults_to_myagentmail(api: Api) -> None:
    assert _inbox(api, "one")["domain"] == _inbox(api, "two", domain=None)["domain"] == _DOMAIN


def test_an_inbox_may_be_at_a_verified_domain_of_its_workspace(api: Api) -> None:
    domain, body = f"{api.target.name('own')}.example.com", {"username": "agent"}
    api.call("create_inbox", json={**body, "domain": domain}, expect=404)
    api.call("create_domain", json={"domain": domain}, expect=201)
    answer = api.call("create_inbox", json={**body, "domain": domain}, expect=400)
    assert answer["code"] == "DOMAIN_NOT_VERIFIED"
    api.call("verify_domain", {"domain": domain}, expect=200)
    made = api.call("create_inbox", json={**body, "domain": domain.upper()}, expect=201)
    assert made["email"] == f"agent@{domain}"
    workspace, _ = _workspace(api, "Elsewhere")
    api.call("create_inbox", json={"username": "b", "domain": domain, "workspaceId": workspace["id"]}, expect=404)


def test_the_workspace_defaults_to_the_tenants_default_one(api: Api) -> None:
    made = _inbox(api, "scout")
    workspace = api.call("get_workspace", {"workspace_id": made["workspaceId"]}, expect=200)
    assert workspace["isDefault"] is True


def test_a_tenant_key_may_choose_the_workspace(api: Api) -> None:
    workspace, _ = _workspace(api, "Team")
    assert _inbox(api, "scout", workspaceId=workspace["id"].upper())["workspaceId"] == workspace["id"]
    api.call("create_inbox", json={"workspaceId": str(UUID(int=0))}, expect=404)
    api.call("create_inbox", json={"workspaceId": "default"}, expect=400)


def test_what_a_workspace_key_creates_lands_in_its_workspace(api: Api) -> None:
    workspace, key = _workspace(api, "Team")
    name = api.target.name("scout")
    made = api.call("create_inbox", key=key, json={"username": name}, expect=201)
    assert made["workspaceId"] == workspace["id"]
    default = _inbox(api, "other")["workspaceId"]
    api.call("create_inbox", key=key, json={"workspaceId": default}, expect=403)


# The page "Create an inbox": the answer


def test_a_new_inbox_has_the_documented_fields(api: Api) -> None:
    made = _inbox(api, "scout", displayName="Scout")
    names = {"id", "email", "canonicalEmail", "username", "domain", "displayName", "workspaceId", "addresses"}
    assert set(made) == names | {"imapPassword", "imap", "smtp", "createdAt", "apiKey"}
    assert set(made["imap"]) == {"host", "port", "tls", "username", "password"}
    assert set(made["smtp"]) == {"host", "port", "starttls", "username", "password"}
    assert made["addresses"] == [{"address": made["email"], "isPrimary": True}]
    assert str(UUID(made["id"])) == made["id"]
    assert str(UUID(made["workspaceId"])) == made["workspaceId"]


def test_times_are_iso_8601_with_milliseconds_and_z(api: Api) -> None:
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", _inbox(api, "scout")["createdAt"])


def test_the_password_is_returned_by_get_too(api: Api) -> None:
    made = _inbox(api, "scout")
    found = api.call("get_inbox", _at(made), expect=200)
    assert found == {name: value for name, value in made.items() if name != "apiKey"}


def test_lists_show_no_secrets(api: Api) -> None:
    made = _inbox(api, "scout")
    found = api.call("list_inboxes", expect=200)["inboxes"]
    [listed] = [inbox for inbox in found if inbox["id"] == made["id"]]
    assert made["imapPassword"] not in str(listed)
    assert made["apiKey"] not in str(listed)


# Keys


def test_each_class_of_key_says_what_it_is(api: Api) -> None:
    workspace, workspace_key = _workspace(api, "Team")
    inbox = api.call("create_inbox", key=workspace_key, json={"username": api.target.name("scout")}, expect=201)
    tenant = api.call("get_me", expect=200)
    nothing = {"workspaceId": None, "inboxId": None}
    assert tenant == {"type": "tenant", "tenantId": tenant["tenantId"], **nothing}
    whole = {"tenantId": tenant["tenantId"], "workspaceId": workspace["id"]}
    assert api.call("get_me", key=workspace_key, expect=200) == {"type": "workspace", **whole, "inboxId": None}
    assert api.call("get_me", key=inbox["apiKey"], expect=200) == {"type": "inbox", **whole, "inboxId": inbox["id"]}
    admin = api.call("get_me", key=_super_admin(api), expect=200)
    assert admin == {"type": "super_admin", "tenantId": None, **nothing}


def test_a_workspace_key_covers_its_workspace_only(api: Api) -> None:
    _, key = _workspace(api, "Team")
    outside, inside = _inbox(api, "outside"), api.call("create_inbox", key=key, json={}, expect=201)
    listed = api.call("list_inboxes", key=key, expect=200)["inboxes"]
    assert [inbox["id"] for inbox in listed] == [inside["id"]]
    api.call("get_inbox", _at(inside), key=key, expect=200)
    for operation in ("get_inbox", "list_messages", "list_drafts", "delete_inbox"):
        api.call(operation, _at(outside), key=key, expect=404)
    domain = f"{api.target.name('default')}.example.com"
    api.call("create_domain", json={"domain": domain}, expect=201)
    api.call("get_domain", {"domain": domain}, key=key, expect=404)
    assert api.call("list_domains", key=key, expect=200) == {"domains": []}
    api.call("delete_inbox", _at(inside), key=key, expect=200)


def test_a_workspace_key_may_not_make_workspaces(api: Api) -> None:
    workspace, key = _workspace(api, "Team")
    api.call("create_workspace", key=key, json={"name": "More"}, expect=403)
    api.call("delete_workspace", {"workspace_id": workspace["id"]}, key=key, expect=403)
    assert api.call("list_workspaces", key=key, expect=200)["workspaces"] == [
        api.call("get_workspace", {"workspace_id": workspace["id"]}, key=key, expect=200)
    ]


def test_an_inbox_key_sees_its_inbox_only(api: Api) -> None:
    mine, other = _inbox(api, "mine"), _inbox(api, "other")
    key = mine["apiKey"]
    for operation in ("list_messages", "list_drafts", "get_inbox"):
        api.call(operation, _at(mine), key=key, expect=200)
        api.call(operation, _at(other), key=key, expect=404)
    mail = {"to": other["email"], "subject": "Hi", "verified": True}
    sent = api.call("send_message", _at(mine), key=key, json=mail, expect=200)
    api.call("get_thread", _at(mine, thread_id=sent["threadId"]), key=key, expect=200)
    draft = api.call("create_draft", _at(mine), key=key, json={}, expect=201)
    api.call("delete_draft", _at(mine, draft_id=draft["id"]), key=key, expect=200)
    api.call("create_list", _at(mine), key=key, json={"name": "Friends"}, expect=201)
    assert [inbox["id"] for inbox in api.call("list_inboxes", key=key, expect=200)["inboxes"]] == [mine["id"]]


def test_an_inbox_key_manages_nothing(api: Api) -> None:
    key = (inbox := _inbox(api, "mine"))["apiKey"]
    for operation in ("list_domains", "list_webhooks", "list_workspaces"):
        assert api.call(operation, key=key, expect=403)["code"] == "FORBIDDEN"
    api.call("delete_inbox", _at(inbox), key=key, expect=403)
    api.call("add_inbox_address", _at(inbox), key=key, json={"email": f"x@{_DOMAIN}"}, expect=403)
    api.call("create_tenant", key=key, json={"name": "Mine"}, expect=403)


def test_a_super_admin_key_makes_tenants_and_nothing_else(api: Api) -> None:
    admin = _super_admin(api)
    tenant = api.call("create_tenant", key=admin, json={"name": "Acme"}, expect=201)
    assert tenant["apiKey"].startswith("tk_")
    [workspace] = api.call("list_workspaces", key=tenant["apiKey"], expect=200)["workspaces"]
    assert (workspace["id"], workspace["isDefault"]) == (tenant["defaultWorkspaceId"], True)
    for operation in ("list_inboxes", "list_domains", "list_webhooks", "list_workspaces", "list_all_messages"):
        api.call(operation, key=admin, expect=403)
    api.call("create_tenant", json={"name": "Acme"}, expect=403)


# Inboxes


def test_inboxes_can_be_listed_by_workspace(api: Api) -> None:
    workspace, _ = _workspace(api, "Team")
    inside = _inbox(api, "inside", workspaceId=workspace["id"])
    outside = _inbox(api, "outside")
    listed = api.call("list_inboxes", params={"workspace": workspace["id"]}, expect=200)["inboxes"]
    assert [inbox["id"] for inbox in listed] == [inside["id"]]
    everything = [inbox["id"] for inbox in api.call("list_inboxes", expect=200)["inboxes"]]
    assert everything[:2] == [outside["id"], inside["id"]], "newest first"
    api.call("list_inboxes", params={"workspace": str(UUID(int=0))}, expect=404)


def test_a_deleted_inbox_is_gone_with_its_key_and_aliases(api: Api) -> None:
    sender, gone = _inbox(api, "sender"), _inbox(api, "gone")
    alias = f"{api.target.name('nickname')}@{_DOMAIN}"
    api.call("add_inbox_address", _at(gone), json={"email": alias}, expect=201)
    assert api.call("delete_inbox", _at(gone), expect=200) == {"deleted": True, "id": gone["id"]}
    for operation in ("get_inbox", "list_messages", "delete_inbox"):
        assert api.call(operation, _at(gone), expect=404)["code"] == "NOT_FOUND"
    api.call("get_me", key=gone["apiKey"], expect=401)
    api.call("add_inbox_address", _at(sender), json={"email": alias}, expect=201)
    assert gone["id"] not in str(api.call("list_inboxes", expect=200))


def test_deleting_and_creating_again_gives_a_new_inbox_and_key(api: Api) -> None:
    gone = _inbox(api, "scout")
    api.call("delete_inbox", _at(gone), expect=200)
    again = _inbox(api, "scout")
    assert again["email"] == gone["email"]
    assert all(again[name] != gone[name] for name in ("id", "apiKey", "imapPassword"))
    assert _messages(api, again) == []


# Addresses


def test_an_alias_is_primary_unless_told_otherwise(api: Api) -> None:
    inbox = _inbox(api, "scout")
    first, second = (f"{api.target.name(name)}@{_DOMAIN}" for name in ("first", "second"))
    added = api.call("add_inbox_address", _at(inbox), json={"email": first}, expect=201)
    assert added == {"ok": True, "address": first, "isPrimary": True}
    added = api.call("add_inbox_address", _at(inbox), json={"email": second, "primary": False}, expect=201)
    assert added == {"ok": True, "address": second, "isPrimary": False}
    found = api.call("get_inbox", _at(inbox), expect=200)
    assert (found["email"], found["canonicalEmail"]) == (first, inbox["email"])
    assert found["addresses"] == [
        {"address": inbox["email"], "isPrimary": False},
        {"address": first, "isPrimary": True},
        {"address": second, "isPrimary": False},
    ]


def test_mail_is_sent_from_the_primary_alias_and_received_at_every_address(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    alias = f"{api.target.name('nickname')}@{_DOMAIN}"
    api.call("add_inbox_address", _at(bob), json={"email": alias}, expect=201)
    _send(api, alice, [alias, bob["email"]])
    [received] = _arrived(api, bob)
    assert received["to"] == f"{alias}, {bob['email']}", "one copy, though both addresses are bob's"
    api.call("reply_message", _at(bob, message_id=received["id"]), json={"plainBody": "Hi"}, expect=200)
    [reply] = _arrived(api, alice, direction="inbound")[:1]
    assert reply["from"] == alias


def test_removing_the_primary_alias_makes_the_canonical_address_primary(api: Api) -> None:
    inbox = _inbox(api, "scout")
    alias = f"{api.target.name('nickname')}@{_DOMAIN}"
    api.call("add_inbox_address", _at(inbox), json={"email": alias}, expect=201)
    removed = api.call("remove_inbox_address", _at(inbox, address=alias.upper()), expect=200)
    assert removed == {"deleted": True, "address": alias}
    assert api.call("get_inbox", _at(inbox), expect=200)["email"] == inbox["email"]
    api.call("remove_inbox_address", _at(inbox, address=alias), expect=404)


def test_the_canonical_address_cannot_be_removed(api: Api) -> None:
    inbox = _inbox(api, "scout")
    answer = api.call("remove_inbox_address", _at(inbox, address=inbox["email"]), expect=400)
    assert answer["code"] == "CANONICAL_ADDRESS"


def test_an_address_in_use_is_no_alias(api: Api) -> None:
    one, two = _inbox(api, "one"), _inbox(api, "two")
    for taken in (one["email"], two["email"], two["email"].upper()):
        answer = api.call("add_inbox_address", _at(one), json={"email": taken}, expect=409)
        assert answer["code"] == "ALREADY_EXISTS"
    alias = f"{api.target.name('nickname')}@{_DOMAIN}"
    api.call("add_inbox_address", _at(one), json={"email": alias}, expect=201)
    api.call("add_inbox_address", _at(two), json={"email": alias}, expect=409)


def test_an_alias_is_at_the_default_or_a_verified_domain(api: Api) -> None:
    inbox, domain = _inbox(api, "scout"), f"{api.target.name('own')}.example.com"
    body = {"email": f"hello@{domain}"}
    api.call("add_inbox_address", _at(inbox), json=body, expect=404)
    api.call("create_domain", json={"domain": domain}, expect=201)
    answer = api.call("add_inbox_address", _at(inbox), json=body, expect=400)
    assert answer["code"] == "DOMAIN_NOT_VERIFIED"
    api.call("verify_domain", {"domain": domain}, expect=200)
    api.call("add_inbox_address", _at(inbox), json=body, expect=201)
    assert api.call("get_inbox", _at(inbox), expect=200)["email"] == body["email"]


# Sending and the recipient safeguard


def test_a_recipient_that_never_wrote_is_refused_unless_verified(api: Api) -> None:
    inbox, body = _inbox(api, "scout"), {"to": _OUTSIDE, "subject": "Hello"}
    for more in ({}, {"verified": False}):
        answer = api.call("send_message", _at(inbox), json={**body, **more}, expect=403)
        assert answer["code"] == "RECIPIENT_NOT_VERIFIED"
        assert _OUTSIDE in answer["error"]
    assert _messages(api, inbox) == []
    api.call("send_message", _at(inbox), json={**body, "verified": True}, expect=200)
    api.call("send_message", _at(inbox), json=body, expect=403)  # it did not answer yet


def test_who_wrote_to_the_inbox_is_known(api: Api) -> None:
    alice, bob, _ = _pair(api)
    body = {"to": alice["email"].upper(), "subject": "Hello"}
    api.call("send_message", _at(bob), json=body, expect=200)
    api.call("send_message", _at(bob), json={**body, "cc": _OUTSIDE}, expect=403)


def test_an_inbox_that_one_wrote_to_is_known(api: Api) -> None:
    alice, bob, _ = _pair(api)
    api.call("send_message", _at(alice), json={"to": bob["email"], "subject": "Again"}, expect=200)


def test_the_answer_of_send_has_the_documented_fields(api: Api) -> None:
    sent = _send(api, inbox := _inbox(api, "scout"))
    assert set(sent) == {"id", "threadId", "status", "messageId"}
    assert sent["status"] == "sent"
    assert _get(api, inbox, sent["id"])["messageIdHeader"] == sent["messageId"]
    assert all(str(UUID(sent[name])) == sent[name] for name in ("id", "threadId"))


@pytest.mark.parametrize("missing", ["to", "subject"])
def test_to_and_subject_are_required(api: Api, missing: str) -> None:
    body = {"to": _OUTSIDE, "subject": "Hello", "verified": True}
    del body[missing]
    answer = api.call("send_message", _at(_inbox(api, "scout")), json=body, expect=400)
    assert [error["path"] for error in answer["details"]] == [["body", missing]]


def test_a_mail_carries_both_bodies_and_reply_to(api: Api) -> None:
    mail = {"subject": "Grüße 🐙", "plainBody": "Text", "htmlBody": "<h1>HTML</h1>", "replyTo": _OUTSIDE}
    _, bob, received = _pair(api, **mail)
    assert (received["subject"], received["plainBody"], received["htmlBody"]) == ("Grüße 🐙", "Text", "<h1>HTML</h1>")
    api.call("reply_message", _at(bob, message_id=received["id"]), json={"plainBody": "Hi"}, expect=200)
    assert _messages(api, bob, direction="outbound")[0]["to"] == _OUTSIDE


def test_mail_goes_to_several_and_bcc_is_shown_to_nobody(api: Api) -> None:
    alice, *others = (_inbox(api, name) for name in ("alice", "bob", "carol", "dave"))
    bob, carol, dave = (inbox["email"] for inbox in others)
    _send(api, alice, [bob], cc=carol, bcc=[dave])
    for inbox in others:
        [received] = _arrived(api, inbox)
        assert received["to"] == bob
        assert dave not in str(received)


def test_every_send_opens_a_thread(api: Api) -> None:
    inbox = _inbox(api, "scout")
    assert len({_send(api, inbox, subject="Same")["threadId"] for _ in range(3)}) == 3


# Replies and forwards


def test_a_reply_stays_in_the_thread_of_both_sides(api: Api) -> None:
    alice, bob, received = _pair(api)
    sent = api.call("reply_message", _at(bob, message_id=received["id"]), json={"plainBody": "Thanks"}, expect=200)
    assert sent["threadId"] == received["threadId"]
    [reply] = _arrived(api, alice, direction="inbound")
    [original] = _arrived(api, alice, direction="outbound")
    assert (reply["subject"], reply["plainBody"]) == ("Re: Hello", "Thanks")
    assert (reply["inReplyTo"], reply["threadId"]) == (original["messageIdHeader"], original["threadId"])


def test_a_reply_to_all_goes_to_the_sender_and_to_without_own_addresses(api: Api) -> None:
    alice, bob, carol, dave = (_inbox(api, name) for name in ("alice", "bob", "carol", "dave"))
    _send(api, alice, [bob["email"], carol["email"]], cc=dave["email"])
    [received] = _arrived(api, bob)
    body = {"htmlBody": "<p>All</p>"}
    api.call("reply_all_message", _at(bob, message_id=received["id"]), json=body, expect=200)
    api.until(lambda: _messages(api, carol), lambda found: len(found) > 1)
    [reply] = _messages(api, carol, direction="inbound")[:1]
    assert reply["to"] == f"{alice['email']}, {carol['email']}"
    assert (reply["htmlBody"], reply["plainBody"]) == ("<p>All</p>", None)
    assert len(_arrived(api, dave)) == 1, "who was in Cc is left out"


def test_a_forward_opens_a_thread_and_has_the_original_below_the_note(api: Api) -> None:
    _, bob, received = _pair(api, htmlBody="<b>Hi there</b>")
    carol = _inbox(api, "carol")
    body = {"to": carol["email"], "plainBody": "See below", "htmlBody": "<i>See below</i>"}
    sent = api.call("forward_message", _at(bob, message_id=received["id"]), json=body, expect=200)
    assert sent["threadId"] != received["threadId"]
    [got] = _arrived(api, carol)
    assert got["subject"] == "Fwd: Hello"
    for text, note, original in ((got["plainBody"], "See below", "Hi there"), (got["htmlBody"], "<i>", "<b>")):
        assert text.index(note) < text.index("Forwarded message") < text.index(original)


def test_a_forward_may_have_a_subject_of_its_own_and_takes_attachments_along(api: Api) -> None:
    inbox, carol = _inbox(api, "scout"), _inbox(api, "carol")
    _receive(api, inbox, "File")
    [message] = _arrived(api, inbox)
    body = {"to": [carol["email"]], "subject": "Look"}
    api.call("forward_message", _at(inbox, message_id=message["id"]), json=body, expect=200)
    [got] = _arrived(api, carol)
    assert (got["subject"], [part["filename"] for part in got["attachments"]]) == ("Look", ["report.pdf"])


def _receive(api: Api, inbox: dict[str, Any], subject: str) -> None:
    """Let a mail with an attachment come in from the outside."""
    mail = {"from": _OUTSIDE, "to": inbox["email"], "subject": subject, "text": "From outside"}
    file = {"filename": "report.pdf", "content_type": "application/pdf", "content_base64": "JVBERi0xLjc="}
    api.target.control("POST", "/messages", json={**mail, "attachments": [file]})


# Messages


def test_messages_are_listed_newest_first_in_pages(api: Api) -> None:
    inbox = _inbox(api, "scout")
    made = [_send(api, inbox, subject=f"Mail {n}")["id"] for n in range(5)]
    seen: list[str] = []
    for offset in (0, 2, 4, 6):
        page = api.call("list_messages", _at(inbox), params={"limit": 2, "offset": offset}, expect=200)
        assert page["pagination"] == {"total": 5, "limit": 2, "offset": offset}
        seen += [message["id"] for message in page["messages"]]
    assert seen == made[::-1]


def test_limit_is_50_and_at_most_100(api: Api) -> None:
    inbox = _inbox(api, "scout")
    whole = api.call("list_messages", _at(inbox), expect=200)
    assert whole == {"messages": [], "pagination": {"total": 0, "limit": 50, "offset": 0}}
    api.call("list_messages", _at(inbox), params={"limit": 100}, expect=200)
    for params in ({"limit": 101}, {"limit": 0}, {"limit": "x"}, {"offset": -1}, {"direction": "up"}):
        answer = api.call("list_messages", _at(inbox), params=params, expect=400)
        assert answer["code"] == "VALIDATION_ERROR"


def test_messages_can_be_listed_by_direction(api: Api) -> None:
    alice, _, _ = _pair(api)
    assert [message["direction"] for message in _messages(api, alice, direction="outbound")] == ["outbound"]
    assert _messages(api, alice, direction="inbound") == []


def test_a_message_has_the_documented_fields(api: Api) -> None:
    alice, bob, received = _pair(api)
    names = {"id", "direction", "from", "to", "subject", "plainBody", "htmlBody", "isRead", "threadId", "attachments"}
    assert set(received) == names | {"messageIdHeader", "inReplyTo", "receivedAt"}
    assert (received["from"], received["to"]) == (alice["email"], bob["email"]), "to is a string"
    assert (received["direction"], received["isRead"], received["inReplyTo"]) == ("inbound", False, None)


def test_getting_a_message_marks_it_read(api: Api) -> None:
    _, bob, received = _pair(api)
    assert received["isRead"] is False
    assert _get(api, bob, received["id"])["isRead"] is True
    assert _messages(api, bob)[0]["isRead"] is True


def test_a_message_can_be_marked(api: Api) -> None:
    _, bob, received = _pair(api)
    at = _at(bob, message_id=received["id"])
    marks = {"isRead": True, "isStarred": True, "isArchived": True}
    assert api.call("update_message", at, json=marks, expect=200) == {**received, **marks}
    undone = api.call("update_message", at, json={"isArchived": False, "isRead": False}, expect=200)
    assert undone == {**received, "isStarred": True, "isArchived": False}
    assert api.call("update_message", at, json={}, expect=200) == undone
    api.call("update_message", at, json={"isRead": "yes"}, expect=400)


def test_a_deleted_message_is_hidden_but_stays_in_its_thread(api: Api) -> None:
    _, bob, received = _pair(api)
    at = _at(bob, message_id=received["id"])
    assert api.call("delete_message", at, expect=200) == {"deleted": True, "id": received["id"]}
    page = api.call("list_messages", _at(bob), expect=200)
    assert (page["messages"], page["pagination"]["total"]) == ([], 0)
    api.call("get_message", at, expect=404)
    thread = api.call("get_thread", _at(bob, thread_id=received["threadId"]), expect=200)
    assert [message["id"] for message in thread["messages"]] == [received["id"]]


def test_a_thread_has_its_messages_oldest_first(api: Api) -> None:
    _, bob, received = _pair(api)
    sent = api.call("reply_message", _at(bob, message_id=received["id"]), json={"plainBody": "Hi"}, expect=200)
    thread = api.call("get_thread", _at(bob, thread_id=received["threadId"]), expect=200)
    assert set(thread) == {"threadId", "messageCount", "messages"}
    assert (thread["threadId"], thread["messageCount"]) == (received["threadId"], 2)
    assert [message["id"] for message in thread["messages"]] == [received["id"], sent["id"]]


def test_attachments_are_listed_and_downloaded(api: Api) -> None:
    inbox = _inbox(api, "scout")
    _receive(api, inbox, "File")
    [message] = _arrived(api, inbox)
    at = _at(inbox, message_id=message["id"])
    [part] = api.call("list_attachments", at, expect=200)["attachments"]
    assert message["attachments"] == [part]
    assert (part["filename"], part["contentType"], part["sizeBytes"]) == ("report.pdf", "application/pdf", 8)
    api.call("get_attachment", {**at, "attachment_id": message["id"]}, expect=404)


# Messages of all inboxes


def test_the_folders_of_all_inboxes_are_listed_newest_first(api: Api) -> None:
    alice, bob, received = _pair(api)
    sent = api.call("reply_message", _at(bob, message_id=received["id"]), json={"plainBody": "Hi"}, expect=200)
    _arrived(api, alice, direction="inbound")
    rows = api.call("list_all_messages", params={"folder": "inbox"}, expect=200)["messages"]
    assert [row["inboxId"] for row in rows[:2]] == [alice["id"], bob["id"]]
    first = api.call("list_all_messages", params={"folder": "sent", "limit": 1}, expect=200)["messages"]
    assert [row["id"] for row in first] == [sent["id"]]
    [row] = api.call("list_all_messages", params={"inboxId": bob["id"]}, expect=200)["messages"]
    assert (row["inboxUsername"], row["inboxDomain"], row["snippet"]) == (bob["username"], _DOMAIN, "Hi there")


def test_a_message_moves_between_folders(api: Api) -> None:
    _, bob, received = _pair(api)
    at, mine = _at(bob, message_id=received["id"]), {"inboxId": bob["id"]}

    def folders() -> list[str]:
        names = ("inbox", "sent", "starred", "archived", "trash")
        found = {n: api.call("list_all_messages", params={**mine, "folder": n}, expect=200)["messages"] for n in names}
        return [name for name in names if found[name]]

    assert folders() == ["inbox"]
    api.call("update_message", at, json={"isStarred": True}, expect=200)
    assert folders() == ["inbox", "starred"]
    api.call("update_message", at, json={"isArchived": True}, expect=200)
    assert folders() == ["starred", "archived"]
    api.call("delete_message", at, expect=200)
    assert folders() == ["trash"]


def test_the_rows_of_threads_count_their_messages(api: Api) -> None:
    alice, bob, received = _pair(api)
    api.call("reply_message", _at(bob, message_id=received["id"]), json={"plainBody": "Hi"}, expect=200)
    [reply] = _arrived(api, alice, direction="inbound")
    api.call("reply_message", _at(alice, message_id=reply["id"]), json={"plainBody": "Ok"}, expect=200)
    params = {"inboxId": bob["id"], "group": "thread"}
    api.until(lambda: _messages(api, bob, direction="inbound"), lambda found: len(found) > 1)
    [row] = api.call("list_all_messages", params=params, expect=200)["messages"]
    assert (row["threadId"], row["threadCount"], row["threadUnreadCount"]) == (received["threadId"], 3, 2)


def test_the_folders_are_counted(api: Api) -> None:
    _, bob, received = _pair(api)
    mine = {"inboxId": bob["id"]}
    empty: dict[str, Any] = {name: {"total": 0} for name in ("sent", "starred", "archived", "trash")}
    counts = api.call("count_messages", params=mine, expect=200)
    assert counts == {"inbox": {"unread": 1, "total": 1}, **empty}
    _get(api, bob, received["id"])
    api.call("update_message", _at(bob, message_id=received["id"]), json={"isStarred": True}, expect=200)
    counts = api.call("count_messages", params=mine, expect=200)
    assert counts == {"inbox": {"unread": 0, "total": 1}, **empty, "starred": {"total": 1}}


# Drafts and lists


def test_a_draft_is_saved_changed_and_listed(api: Api) -> None:
    inbox = _inbox(api, "scout")
    body = {"to": _OUTSIDE, "cc": ["a@example.com", "b@example.com"], "subject": "Plan", "plainBody": "One"}
    draft = api.call("create_draft", _at(inbox), json=body, expect=201)
    assert (draft["inboxId"], draft["to"], draft["bcc"]) == (inbox["id"], [_OUTSIDE], [])
    at = _at(inbox, draft_id=draft["id"])
    changed = api.call("update_draft", at, json={"plainBody": "Two", "cc": None}, expect=200)
    assert changed == {**draft, "plainBody": "Two", "cc": [], "updatedAt": changed["updatedAt"]}
    newer = api.call("create_draft", _at(inbox), json={}, expect=201)
    assert api.call("list_drafts", _at(inbox), expect=200) == {"drafts": [newer, changed]}
    second = api.call("list_drafts", _at(inbox), params={"limit": 1, "offset": 1}, expect=200)
    assert second == {"drafts": [changed]}


def test_sending_a_draft_deletes_it(api: Api) -> None:
    alice, bob = _inbox(api, "alice"), _inbox(api, "bob")
    body = {"to": [bob["email"]], "subject": "Plan", "htmlBody": "<p>One</p>"}
    at = _at(alice, draft_id=api.call("create_draft", _at(alice), json=body, expect=201)["id"])
    sent = api.call("send_draft", at, expect=200)
    assert set(sent) == {"id", "threadId", "status", "messageId", "draftId"}
    assert sent["draftId"] == at["draft_id"]
    assert _arrived(api, bob)[0]["htmlBody"] == "<p>One</p>"
    assert api.call("list_drafts", _at(alice), expect=200) == {"drafts": []}
    api.call("send_draft", at, expect=404)


def test_a_draft_that_answers_a_message_is_sent_in_its_thread(api: Api) -> None:
    alice, bob, received = _pair(api)
    body = {"to": alice["email"], "plainBody": "Later", "replyToMessageId": received["id"]}
    draft = api.call("create_draft", _at(bob), json=body, expect=201)
    sent = api.call("send_draft", _at(bob, draft_id=draft["id"]), expect=200)
    assert sent["threadId"] == received["threadId"]
    [answer] = _arrived(api, alice, direction="inbound")
    assert (answer["subject"], answer["inReplyTo"]) == ("Re: Hello", received["messageIdHeader"])
    api.call("create_draft", _at(alice), json=body, expect=404)  # it is not a message of alice


def test_a_draft_without_recipients_is_not_sent(api: Api) -> None:
    inbox = _inbox(api, "scout")
    at = _at(inbox, draft_id=api.call("create_draft", _at(inbox), json={"subject": "?"}, expect=201)["id"])
    api.call("send_draft", at, expect=400)
    assert api.call("delete_draft", at, expect=200) == {"deleted": True, "id": at["draft_id"]}
    api.call("update_draft", at, json={}, expect=404)


def test_a_list_keeps_each_address_once(api: Api) -> None:
    inbox = _inbox(api, "scout")
    made = api.call("create_list", _at(inbox), json={"name": "Friends", "description": "Of mine"}, expect=201)
    assert (made["name"], made["description"], made["entryCount"], made["entries"]) == ("Friends", "Of mine", 0, [])
    at = _at(inbox, list_id=made["id"])
    body = {"email": _OUTSIDE, "displayName": "Jane", "metadata": {"since": 2026}}
    entry = api.call("add_list_entry", at, json=body, expect=201)
    assert {name: entry[name] for name in body} == body
    api.call("add_list_entry", at, json={"email": _OUTSIDE.upper()}, expect=409)
    api.call("add_list_entry", at, json={"email": "other@example.com"}, expect=201)


# Domains and webhooks


def test_a_domain_is_pending_until_it_is_verified_by_a_get(api: Api) -> None:
    name = f"{api.target.name('own')}.example.com"
    made = api.call("create_domain", json={"domain": name.upper()}, expect=201)
    assert (made["domain"], made["status"]) == (name, "pending")
    assert {record["status"] for record in made["dnsRecords"]} == {"pending"}
    assert {record["type"] for record in made["dnsRecords"]} == {"TXT", "CNAME", "MX"}
    assert api.call("get_domain", {"domain": name}, expect=200) == {"domain": made}
    verified = api.call("verify_domain", {"domain": name}, expect=200)["domain"]
    assert verified["status"] == "verified"
    assert {record["status"] for record in verified["dnsRecords"]} == {"verified"}
    assert verified in api.call("list_domains", expect=200)["domains"]


def test_a_domain_belongs_to_one_workspace(api: Api) -> None:
    workspace, key = _workspace(api, "Team")
    name = f"{api.target.name('own')}.example.com"
    made = api.call("create_domain", key=key, json={"domain": name}, expect=201)
    assert made["workspaceId"] == workspace["id"]
    for taken in (name, name.upper(), _DOMAIN):
        assert api.call("create_domain", json={"domain": taken}, expect=409)["code"] == "ALREADY_EXISTS"
    assert api.call("delete_domain", {"domain": name}, expect=200) == {"deleted": True, "id": made["id"]}
    api.call("get_domain", {"domain": name}, expect=404)


def test_a_webhook_shows_its_secret_once(api: Api) -> None:
    body = {"url": f"https://your-app.com/{api.target.name('hook')}", "events": ["message.received", "message.bounced"]}
    made = api.call("create_webhook", json=body, expect=201)
    assert made["secret"].startswith("whsec_")
    assert made["isActive"] is True
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert api.call("get_webhook", {"webhook_id": made["id"]}, expect=200) == shown
    assert shown in api.call("list_webhooks", expect=200)["webhooks"]
    changes = {"url": "http://127.0.0.1:9/hook", "events": ["message.sent"], "isActive": False}
    changed = api.call("update_webhook", {"webhook_id": made["id"]}, json=changes, expect=200)
    assert changed == {**shown, **changes}
    assert api.call("delete_webhook", {"webhook_id": made["id"]}, expect=200) == {"deleted": True, "id": made["id"]}
    api.call("get_webhook", {"webhook_id": made["id"]}, expect=404)


def test_a_webhook_has_known_events_and_a_url(api: Api) -> None:
    good = {"url": f"https://your-app.com/{api.target.name('hook')}", "events": ["message.sent"]}
    wrongs: list[dict[str, Any]] = [
        {"events": ["message.read"]},
        {"events": []},
        {"url": "app.com"},
        {"url": "ftp://x"},
    ]
    for wrong in wrongs:
        api.call("create_webhook", json={**good, **wrong}, expect=400)


def test_a_workspace_keys_webhook_is_the_workspaces(api: Api) -> None:
    _, key = _workspace(api, "Team")
    body = {"url": f"https://your-app.com/{api.target.name('hook')}", "events": ["message.sent"]}
    tenants = api.call("create_webhook", json=body, expect=201)
    mine = api.call("create_webhook", key=key, json=body, expect=201)
    assert [hook["id"] for hook in api.call("list_webhooks", key=key, expect=200)["webhooks"]] == [mine["id"]]
    api.call("get_webhook", {"webhook_id": tenants["id"]}, key=key, expect=404)
    everything = [hook["id"] for hook in api.call("list_webhooks", expect=200)["webhooks"]]
    assert everything[:2] == [mine["id"], tenants["id"]]


# Workspaces


def test_a_workspaces_slug_comes_from_its_name(api: Api) -> None:
    name = api.target.name("Acme Corp")
    made = api.call("create_workspace", json={"name": name}, expect=201)
    assert (made["name"], made["slug"], made["isDefault"]) == (name, name.lower().replace(" ", "-"), False)
    assert (made["inboxCount"], made["domainCount"]) == (0, 0)
    answer = api.call("create_workspace", json={"name": "Other", "slug": made["slug"]}, expect=409)
    assert answer["code"] == "ALREADY_EXISTS"
    slug = api.target.name("chosen")
    assert api.call("create_workspace", json={"name": name, "slug": slug}, expect=201)["slug"] == slug


def test_a_workspace_counts_its_inboxes_and_domains(api: Api) -> None:
    workspace, key = _workspace(api, "Team")
    api.call("create_inbox", key=key, json={}, expect=201)
    api.call("create_domain", key=key, json={"domain": f"{api.target.name('own')}.example.com"}, expect=201)
    found = api.call("get_workspace", {"workspace_id": workspace["id"]}, expect=200)
    assert (found["inboxCount"], found["domainCount"]) == (1, 1)


def test_a_deleted_workspace_takes_inboxes_domains_and_keys_with_it(api: Api) -> None:
    workspace, key = _workspace(api, "Team")
    inbox = api.call("create_inbox", key=key, json={}, expect=201)
    domain = {"domain": f"{api.target.name('own')}.example.com"}
    api.call("create_domain", key=key, json=domain, expect=201)
    answer = api.call("delete_workspace", {"workspace_id": workspace["id"]}, expect=200)
    assert answer == {"deleted": True, "id": workspace["id"]}
    api.call("get_workspace", {"workspace_id": workspace["id"]}, expect=404)
    api.call("get_inbox", _at(inbox), expect=404)
    api.call("get_domain", domain, expect=404)
    for gone in (key, inbox["apiKey"]):
        api.call("get_me", key=gone, expect=401)


def test_the_default_workspace_cannot_be_deleted(api: Api) -> None:
    found = api.call("list_workspaces", expect=200)["workspaces"]
    [default] = [workspace for workspace in found if workspace["isDefault"]]
    api.call("delete_workspace", {"workspace_id": default["id"]}, expect=409)


def test_a_workspaces_key_is_shown_once_and_can_be_revoked(api: Api) -> None:
    workspace, _ = _workspace(api, "Team")
    at = {"workspace_id": workspace["id"]}
    made = api.call("create_workspace_key", at, json={"name": "Second"}, expect=201)
    assert made["key"].startswith(made["prefix"])
    assert made["workspaceId"] == workspace["id"]
    listed = api.call("list_workspace_keys", at, expect=200)["keys"]
    assert [key["name"] for key in listed] == ["Second", "Bot"]
    assert all(set(key) == {"id", "prefix", "name", "createdAt"} for key in listed)
    api.call("get_me", key=made["key"], expect=200)
    revoked = api.call("revoke_workspace_key", {**at, "key_id": made["id"]}, expect=200)
    assert revoked == {"revoked": True, "id": made["id"]}
    api.call("get_me", key=made["key"], expect=401)
    api.call("revoke_workspace_key", {**at, "key_id": made["id"]}, expect=404)


# Errors


def test_errors_have_a_text_and_a_code(api: Api) -> None:
    answer = api.call("get_inbox", {"inbox_id": str(UUID(int=0))}, expect=404)
    assert set(answer) == {"error", "code"}


def test_another_tenants_things_are_not_found(api: Api) -> None:
    other, (_, bob, received) = _other(api), _pair(api)
    at = _at(bob, message_id=received["id"])
    for operation in ("get_message", "list_attachments", "delete_message"):
        api.call(operation, at, key=other, expect=404)
    api.call("get_inbox", _at(bob), key=other, expect=404)
    api.call("get_thread", _at(bob, thread_id=received["threadId"]), key=other, expect=404)
    api.call("get_workspace", {"workspace_id": bob["workspaceId"]}, key=other, expect=404)
    assert api.call("list_all_messages", key=other, expect=200) == {"messages": []}
    api.call("list_all_messages", params={"inboxId": bob["id"]}, key=other, expect=404)
