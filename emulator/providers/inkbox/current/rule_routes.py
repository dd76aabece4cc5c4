"""Contact rules over HTTP: by identity and, to be removed on 2026-08-31, by mailbox."""

from __future__ import annotations

from typing import Any, Final

from emulator.provider import NO_CONTENT, Answer, Call
from emulator.providers.inkbox.current import access, rules, wire
from emulator.providers.inkbox.current.access import caller
from emulator.providers.inkbox.current.mail_routes import mailbox_of
from emulator.providers.inkbox.current.routes import routes
from emulator.providers.inkbox.current.rules import Rule
from emulator.providers.inkbox.resources import Identity

_OF_IDENTITY: Final = "/api/v1/identities/<agent_handle>/mail-contact-rules"
_OF_MAILBOX: Final = "/api/v1/mail/mailboxes/<email_address>/contact-rules"


def _identity(call: Call, agent_handle: str) -> Identity:
    return access.find_identity(call.world, caller(call), agent_handle)


def _owner(call: Call, email_address: str) -> Identity:
    return access.identity_of(call.world, mailbox_of(call, email_address))


def _of_identity(rule: Rule) -> dict[str, Any]:
    return wire.rule(rule, {"agent_identity_id": rule.identity_id})


def _of_mailbox(identity: Identity, rule: Rule) -> dict[str, Any]:
    return wire.rule(rule, {"mailbox_id": identity.mailbox_id})


@routes.get(_OF_IDENTITY)
def list_identity_contact_rules(call: Call, agent_handle: str) -> Answer:
    found = rules.rules_of(call.world, _identity(call, agent_handle))
    return Answer([_of_identity(each) for each in rules.filtered(found, call.query)])


@routes.post(_OF_IDENTITY)
def create_identity_contact_rule(call: Call, agent_handle: str) -> Answer:
    return Answer(_of_identity(rules.create_rule(call.world, _identity(call, agent_handle), call.body)), 201)


@routes.get(f"{_OF_IDENTITY}/<rule_id>")
def get_identity_contact_rule(call: Call, agent_handle: str, rule_id: str) -> Answer:
    return Answer(_of_identity(rules.find_rule(call.world, _identity(call, agent_handle), rule_id)))


@routes.patch(f"{_OF_IDENTITY}/<rule_id>")
def update_identity_contact_rule(call: Call, agent_handle: str, rule_id: str) -> Answer:
    return Answer(_of_identity(_change_rule(call, _identity(call, agent_handle), rule_id)))


@routes.delete(f"{_OF_IDENTITY}/<rule_id>")
def delete_identity_contact_rule(call: Call, agent_handle: str, rule_id: str) -> Answer:
    return _delete_rule(call, _identity(call, agent_handle), rule_id)


@routes.get(_OF_MAILBOX)
def list_mailbox_contact_rules(call: Call, email_address: str) -> Answer:
    owner = _owner(call, email_address)
    found = rules.filtered(rules.rules_of(call.world, owner), call.query)
    return Answer([_of_mailbox(owner, each) for each in found])


@routes.post(_OF_MAILBOX)
def create_mailbox_contact_rule(call: Call, email_address: str) -> Answer:
    owner = _owner(call, email_address)
    return Answer(_of_mailbox(owner, rules.create_rule(call.world, owner, call.body)), 201)


@routes.get(f"{_OF_MAILBOX}/<rule_id>")
def get_mailbox_contact_rule(call: Call, email_address: str, rule_id: str) -> Answer:
    owner = _owner(call, email_address)
    return Answer(_of_mailbox(owner, rules.find_rule(call.world, owner, rule_id)))


@routes.patch(f"{_OF_MAILBOX}/<rule_id>")
def update_mailbox_contact_rule(call: Call, email_address: str, rule_id: str) -> Answer:
    owner = _owner(call, email_address)
    return Answer(_of_mailbox(owner, _change_rule(call, owner, rule_id)))


@routes.delete(f"{_OF_MAILBOX}/<rule_id>")
def delete_mailbox_contact_rule(call: Call, email_address: str, rule_id: str) -> Answer:
    return _delete_rule(call, _owner(call, email_address), rule_id)


@routes.get("/api/v1/mail/contact-rules")
def list_contact_rules(call: Call) -> Answer:
    who = caller(call)
    who.must_be_admin()
    asked = [(call.query.get(name) or "").lower() for name in ("agent_identity_id", "mailbox_id")]
    owners = {
        each.id: each
        for each in access.list_identities(call.world, who)
        if asked[0] in ("", each.id) and asked[1] in ("", each.mailbox_id)
    }
    found = [rule for owner in owners.values() for rule in rules.rules_of(call.world, owner)]
    found.sort(key=lambda rule: rule.n)
    keyed = ((rule, owners[rule.identity_id].mailbox_id) for rule in rules.filtered(found, call.query))
    return Answer(
        [wire.rule(rule, {"agent_identity_id": rule.identity_id, "mailbox_id": mailbox}) for rule, mailbox in keyed]
    )


def _change_rule(call: Call, identity: Identity, rule_id: str) -> Rule:
    caller(call).must_be_admin()
    return rules.update_rule(call.world, rules.find_rule(call.world, identity, rule_id), call.body)


def _delete_rule(call: Call, identity: Identity, rule_id: str) -> Answer:
    caller(call).must_be_admin()
    rules.delete_rule(call.world, rules.find_rule(call.world, identity, rule_id))
    return NO_CONTENT
