"""Identities, domains, webhooks, keys and registration over HTTP."""

from __future__ import annotations

from typing import Final

from emulator.provider import NO_CONTENT, Answer, Call, Problem
from emulator.providers.inkbox import signup
from emulator.providers.inkbox import wire as first
from emulator.providers.inkbox.current import (
    access,
    domains,
    identities,
    keys,
    registration,
    webhook_wire,
    webhooks,
    wire,
)
from emulator.providers.inkbox.current.access import caller
from emulator.providers.inkbox.current.routes import routes
from emulator.providers.inkbox.resources import IDENTITIES, Identity
from emulator.world import Credential

_IDENTITY: Final = "/api/v1/identities/<agent_handle>"
_SUBSCRIPTIONS: Final = "/api/v1/webhooks/subscriptions"
_SUBSCRIPTION: Final = f"{_SUBSCRIPTIONS}/<subscription_id>"
_DELIVERIES: Final = "/api/v1/webhooks/deliveries"
_SIGNUP: Final = "/api/v1/agent-signup"


# Identities


@routes.post("/api/v1/identities")
def create_identity(call: Call) -> Answer:
    who = caller(call)
    signup.check_may_create_mailbox(call.world, who.organization)
    return Answer(wire.identity(call.world, who, identities.create_identity(call.world, who, call.body)), 201)


@routes.get("/api/v1/identities")
def list_identities(call: Call) -> Answer:
    who = caller(call)
    return Answer([wire.identity(call.world, who, each) for each in access.list_identities(call.world, who)])


@routes.get(_IDENTITY)
def get_identity(call: Call, agent_handle: str) -> Answer:
    return Answer(wire.identity(call.world, caller(call), _identity(call, agent_handle)))


@routes.patch(_IDENTITY)
def update_identity(call: Call, agent_handle: str) -> Answer:
    who = caller(call)
    return Answer(wire.identity(call.world, who, identities.update_identity(call.world, who, agent_handle, call.body)))


@routes.delete(_IDENTITY)
def delete_identity(call: Call, agent_handle: str) -> Answer:
    identities.delete_identity(call.world, caller(call), agent_handle)
    return NO_CONTENT


def _identity(call: Call, agent_handle: str) -> Identity:
    return access.find_identity(call.world, caller(call), agent_handle)


# Domains


@routes.get("/api/v1/domains")
def list_domains(call: Call) -> Answer:
    who = caller(call)
    found = domains.list_domains(call.world, who.organization, call.query.get("status"))
    return Answer([wire.domain(call.world, who, each) for each in found])


@routes.post("/api/v1/domains/<domain_name>/set-default")
def set_default_domain(call: Call, domain_name: str) -> Answer:
    who = caller(call)
    who.must_be_admin()
    return Answer({"default_domain": domains.set_default(call.world, who.organization, domain_name)})


# Webhooks


@routes.post(_SUBSCRIPTIONS)
def create_subscription(call: Call) -> Answer:
    who = caller(call)
    made, key = webhooks.create_webhook(call.world, who, call.body)
    return Answer({**webhook_wire.subscription(who, made), "signing_key": key}, 201)


@routes.get(_SUBSCRIPTIONS)
def list_subscriptions(call: Call) -> Answer:
    who = caller(call)
    found = webhooks.list_webhooks(call.world, who, call.query)
    return Answer({"subscriptions": [webhook_wire.subscription(who, each) for each in found]})


@routes.get(_SUBSCRIPTION)
def get_subscription(call: Call, subscription_id: str) -> Answer:
    who = caller(call)
    return Answer(webhook_wire.subscription(who, webhooks.find_webhook(call.world, who, subscription_id)))


@routes.patch(_SUBSCRIPTION)
def update_subscription(call: Call, subscription_id: str) -> Answer:
    who = caller(call)
    found = webhooks.find_webhook(call.world, who, subscription_id)
    changed = webhooks.update_webhook(call.world, found, call.body, call.query.get("scope"))
    return Answer(webhook_wire.subscription(who, changed))


@routes.delete(_SUBSCRIPTION)
def delete_subscription(call: Call, subscription_id: str) -> Answer:
    found = webhooks.find_webhook(call.world, caller(call), subscription_id)
    webhooks.delete_webhook(call.world, found, call.query.get("scope"))
    return NO_CONTENT


@routes.get("/api/v1/webhooks/catalog")
def get_webhook_catalog(call: Call) -> Answer:
    caller(call)
    known = call.provider.document.components["schemas"]["EventType"]["enum"]
    return Answer({"supports_identity_subscriptions": True, "event_types": known})


@routes.get(_DELIVERIES)
def list_webhook_deliveries(call: Call) -> Answer:
    who = caller(call)
    rows = webhooks.list_rows(call.world, who, call.query)
    return Answer({"deliveries": [webhook_wire.delivery(call.world, who, row) for row in rows]})


@routes.post(f"{_DELIVERIES}/<delivery_id>/replay")
def replay_webhook_delivery(call: Call, delivery_id: str) -> Answer:
    who = caller(call)
    return Answer(webhook_wire.delivery(call.world, who, webhooks.replay_row(call.world, who, delivery_id)))


# Keys


@routes.post("/api/v1/api-keys")
def create_api_key(call: Call) -> Answer:
    who = caller(call)
    made = keys.create_key(call.world, who, _credential(call), call.body)
    return Answer({"api_key": made.id, "record": wire.api_key(call.world, who, made)}, 201)


@routes.get("/api/v1/api-keys/self")
def get_own_api_key(call: Call) -> Answer:
    return Answer(wire.api_key(call.world, caller(call), _credential(call)))


@routes.get("/api/whoami")
def whoami(call: Call) -> Answer:
    who, credential = caller(call), _credential(call)
    claimed = keys.is_claimed(call.world, who)
    return Answer(wire.whoami(who, credential, keys.key_id(call.world, credential), claimed=claimed))


@routes.post(f"{_IDENTITY}/signing-key")
def create_identity_signing_key(call: Call, agent_handle: str) -> Answer:
    rotated = identities.rotate_signing_key(call.world, _identity(call, agent_handle))
    return Answer(wire.signing_key(rotated), 201)


@routes.get(f"{_IDENTITY}/signing-key")
def get_identity_signing_key(call: Call, agent_handle: str) -> Answer:
    return Answer(wire.signing_key_status(_identity(call, agent_handle).signing_key_at))


@routes.post("/api/v1/signing-keys")
def create_signing_key(call: Call) -> Answer:
    identity = call.world.store.get(IDENTITIES, caller(call).identity_id or "")
    if identity is None:
        raise Problem("conflict", "Signing keys are of identities: POST /api/v1/identities/{agent_handle}/signing-key")
    return Answer(wire.signing_key(identities.rotate_signing_key(call.world, identity)), 201)


@routes.get("/api/v1/signing-keys")
def get_signing_key_status(call: Call) -> Answer:
    seen = access.list_identities(call.world, caller(call))
    moments = [each.signing_key_at for each in seen if each.signing_key_at is not None]
    return Answer(wire.signing_key_status(min(moments, default=None)))


def _credential(call: Call) -> Credential:
    assert call.credential is not None, "the contract asks for one"
    return call.credential


# Agents that register themselves


@routes.post(_SIGNUP)
def agent_signup(call: Call) -> Answer:
    return Answer(first.registration(registration.register(call.world, call.body)), 201)


@routes.post(f"{_SIGNUP}/verify")
def verify_signup(call: Call) -> Answer:
    code = call.body["verification_code"]
    return Answer(first.claim(*signup.verify(call.world, caller(call).organization, code), "The agent is claimed."))


@routes.post(f"{_SIGNUP}/resend-verification")
def resend_signup_verification(call: Call) -> Answer:
    organization = caller(call).organization
    return Answer(first.resent(organization, signup.resend(call.world, organization)))


@routes.get(f"{_SIGNUP}/status")
def signup_status(call: Call) -> Answer:
    return Answer(first.signup_status(signup.signup_of(call.world, caller(call).organization)))
