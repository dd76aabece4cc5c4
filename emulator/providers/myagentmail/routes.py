"""myagentmail over HTTP: one function per operation, named by its operationId."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from emulator.mail import Message, threads
from emulator.provider import Answer, Call, content_disposition
from emulator.providers.myagentmail import (
    domains,
    drafts,
    folders,
    keys,
    lists,
    messages,
    resources,
    webhooks,
    wire,
    workspaces,
)
from emulator.providers.myagentmail.keys import EVERY_MEMBER, MASTERS, SUPER_ADMIN, TENANT, Caller
from emulator.providers.myagentmail.messages import Window
from emulator.providers.myagentmail.resources import Inbox
from emulator.providers.myagentmail.workspaces import Workspace
from emulator.world import Credential

routes = Blueprint("myagentmail", __name__)

_INBOX: Final = "/v1/inboxes/<inbox_id>"
_MESSAGE: Final = f"{_INBOX}/messages/<message_id>"
_DRAFT: Final = f"{_INBOX}/drafts/<draft_id>"
_DOMAIN: Final = "/v1/domains/<domain>"
_WEBHOOK: Final = "/v1/webhooks/<webhook_id>"
_WORKSPACE: Final = "/v1/workspaces/<workspace_id>"


# Keys


@routes.get("/v1/me")
def get_me(call: Call) -> Answer:
    credential = _credential(call)
    if credential.kind == SUPER_ADMIN:
        return Answer(wire.me(credential.kind, None))
    caller = _caller(call, EVERY_MEMBER)
    if caller.inbox_id is not None:
        inbox = resources.find_inbox(call.world, caller, caller.inbox_id)
        caller = caller._replace(workspace_id=inbox.workspace_id)
    return Answer(wire.me(credential.kind, caller))


# Inboxes


@routes.post("/v1/inboxes")
def create_inbox(call: Call) -> Answer:
    caller = _caller(call, MASTERS)
    inbox, existed = resources.create_inbox(call.world, caller, call.body or {}, strict=call.query["strict"])
    if existed:
        return Answer({**_inbox_json(call, inbox), "existed": True})
    return Answer({**_inbox_json(call, inbox, password=True), "apiKey": inbox.api_key}, 201)


@routes.get("/v1/inboxes")
def list_inboxes(call: Call) -> Answer:
    found = resources.list_inboxes(call.world, _caller(call, EVERY_MEMBER), call.query.get("workspace"))
    return Answer({"inboxes": [_inbox_json(call, inbox) for inbox in found]})


@routes.get(_INBOX)
def get_inbox(call: Call, inbox_id: str) -> Answer:
    return Answer(_inbox_json(call, _inbox(call, inbox_id), password=True))


@routes.delete(_INBOX)
def delete_inbox(call: Call, inbox_id: str) -> Answer:
    inbox = _inbox(call, inbox_id, MASTERS)
    resources.delete_inbox(call.world, inbox)
    return Answer({"deleted": True, "id": inbox.id})


@routes.post(f"{_INBOX}/addresses")
def add_inbox_address(call: Call, inbox_id: str) -> Answer:
    inbox, address = _inbox(call, inbox_id, MASTERS), call.body["email"]
    changed = resources.add_address(call.world, inbox, address, primary=call.body.get("primary", True))
    return Answer({"ok": True, **wire.address(changed, address)}, 201)


@routes.delete(f"{_INBOX}/addresses/<path:address>")
def remove_inbox_address(call: Call, inbox_id: str, address: str) -> Answer:
    removed = resources.remove_address(call.world, _inbox(call, inbox_id, MASTERS), address)
    return Answer({"deleted": True, "address": removed})


# Sending


@routes.post(f"{_INBOX}/send")
def send_message(call: Call, inbox_id: str) -> Answer:
    return Answer(wire.sent(messages.send_message(call.world, _inbox(call, inbox_id), call.body)))


@routes.post(f"{_INBOX}/reply/<message_id>")
def reply_message(call: Call, inbox_id: str, message_id: str) -> Answer:
    return _reply(call, inbox_id, message_id, everybody=False)


@routes.post(f"{_INBOX}/reply-all/<message_id>")
def reply_all_message(call: Call, inbox_id: str, message_id: str) -> Answer:
    return _reply(call, inbox_id, message_id, everybody=True)


@routes.post(f"{_INBOX}/forward/<message_id>")
def forward_message(call: Call, inbox_id: str, message_id: str) -> Answer:
    inbox, message = _inbox(call, inbox_id), _message(call, inbox_id, message_id)
    return Answer(wire.sent(messages.forward(call.world, inbox, message, call.body)))


# Messages


@routes.get(f"{_INBOX}/messages")
def list_messages(call: Call, inbox_id: str) -> Answer:
    inbox, direction = _inbox(call, inbox_id), call.query.get("direction")
    return Answer(wire.messages(messages.list_messages(call.world, inbox, direction, _window(call))))


@routes.get(_MESSAGE)
def get_message(call: Call, inbox_id: str, message_id: str) -> Answer:
    return Answer(wire.message(messages.read_message(call.world, _message(call, inbox_id, message_id))))


@routes.patch(_MESSAGE)
def update_message(call: Call, inbox_id: str, message_id: str) -> Answer:
    message = messages.mark_message(call.world, _message(call, inbox_id, message_id), call.body)
    return Answer(wire.marked_message(message, messages.filing_of(call.world, message)))


@routes.delete(_MESSAGE)
def delete_message(call: Call, inbox_id: str, message_id: str) -> Answer:
    message = _message(call, inbox_id, message_id)
    messages.delete_message(call.world, message)
    return Answer({"deleted": True, "id": message.id})


@routes.get(f"{_MESSAGE}/raw")
def get_raw_message(call: Call, inbox_id: str, message_id: str) -> Answer:
    raw = _message(call, inbox_id, message_id).mail.raw
    return Answer(raw, headers={"Content-Type": "message/rfc822"})


@routes.get(f"{_MESSAGE}/attachments")
def list_attachments(call: Call, inbox_id: str, message_id: str) -> Answer:
    return Answer({"attachments": wire.attachments(_message(call, inbox_id, message_id))})


@routes.get(f"{_MESSAGE}/attachments/<attachment_id>")
def get_attachment(call: Call, inbox_id: str, message_id: str, attachment_id: str) -> Answer:
    message = _message(call, inbox_id, message_id)
    part = message.mail.body.attachments[messages.find_attachment(message, attachment_id)]
    return Answer(
        part.data, headers={"Content-Type": part.content_type, "Content-Disposition": content_disposition(part)}
    )


@routes.get(f"{_INBOX}/threads/<thread_id>")
def get_thread(call: Call, inbox_id: str, thread_id: str) -> Answer:
    thread = messages.find_thread(call.world, _inbox(call, inbox_id), thread_id)
    return Answer(wire.thread(thread, threads.messages_of(call.world, thread)))


# Messages of all inboxes


@routes.get("/v1/messages")
def list_all_messages(call: Call) -> Answer:
    by_thread = call.query.get("group") == "thread"
    folder, limit = call.query["folder"], call.query["limit"]
    found = folders.list_rows(call.world, _inboxes(call), folder, limit, by_thread=by_thread)
    return Answer({"messages": [wire.row(row) for row in found]})


@routes.get("/v1/messages/folders/counts")
def count_messages(call: Call) -> Answer:
    return Answer(wire.folder_counts(folders.count_folders(call.world, _inboxes(call))))


# Drafts


@routes.get(f"{_INBOX}/drafts")
def list_drafts(call: Call, inbox_id: str) -> Answer:
    found = drafts.list_drafts(call.world, _inbox(call, inbox_id), _window(call))
    return Answer({"drafts": [wire.draft(draft) for draft in found]})


@routes.post(f"{_INBOX}/drafts")
def create_draft(call: Call, inbox_id: str) -> Answer:
    return Answer(wire.draft(drafts.create_draft(call.world, _inbox(call, inbox_id), call.body)), 201)


@routes.patch(_DRAFT)
def update_draft(call: Call, inbox_id: str, draft_id: str) -> Answer:
    inbox = _inbox(call, inbox_id)
    draft = drafts.find_draft(call.world, inbox, draft_id)
    return Answer(wire.draft(drafts.update_draft(call.world, inbox, draft, call.body)))


@routes.delete(_DRAFT)
def delete_draft(call: Call, inbox_id: str, draft_id: str) -> Answer:
    draft = drafts.find_draft(call.world, _inbox(call, inbox_id), draft_id)
    drafts.delete_draft(call.world, draft)
    return Answer({"deleted": True, "id": draft.id})


@routes.post(f"{_DRAFT}/send")
def send_draft(call: Call, inbox_id: str, draft_id: str) -> Answer:
    inbox = _inbox(call, inbox_id)
    draft = drafts.find_draft(call.world, inbox, draft_id)
    return Answer({**wire.sent(drafts.send_draft(call.world, inbox, draft)), "draftId": draft.id})


# Lists


@routes.post(f"{_INBOX}/lists")
def create_list(call: Call, inbox_id: str) -> Answer:
    name, description = call.body["name"], call.body.get("description")
    made = lists.create_list(call.world, _inbox(call, inbox_id), name, description)
    return Answer(wire.contact_list(made), 201)


@routes.post(f"{_INBOX}/lists/<list_id>/entries")
def add_list_entry(call: Call, inbox_id: str, list_id: str) -> Answer:
    found = lists.find_list(call.world, _inbox(call, inbox_id), list_id)
    return Answer(wire.list_entry(lists.add_entry(call.world, found, call.body)), 201)


# Domains


@routes.post("/v1/domains")
def create_domain(call: Call) -> Answer:
    workspace = workspaces.choose_workspace(call.world, _caller(call, MASTERS), call.body.get("workspaceId"))
    return Answer(wire.domain(domains.create_domain(call.world, workspace, call.body["domain"])), 201)


@routes.get("/v1/domains")
def list_domains(call: Call) -> Answer:
    found = domains.list_domains(call.world, _caller(call, MASTERS))
    return Answer({"domains": [wire.domain(domain) for domain in found]})


@routes.get(_DOMAIN)
def get_domain(call: Call, domain: str) -> Answer:
    return Answer({"domain": wire.domain(domains.find_domain(call.world, _caller(call, MASTERS), domain))})


@routes.delete(_DOMAIN)
def delete_domain(call: Call, domain: str) -> Answer:
    found = domains.find_domain(call.world, _caller(call, MASTERS), domain)
    domains.delete_domain(call.world, found)
    return Answer({"deleted": True, "id": found.id})


@routes.get(f"{_DOMAIN}/verify")
def verify_domain(call: Call, domain: str) -> Answer:
    found = domains.find_domain(call.world, _caller(call, MASTERS), domain)
    return Answer({"domain": wire.domain(domains.verify_domain(call.world, found))})


# Webhooks


@routes.post("/v1/webhooks")
def create_webhook(call: Call) -> Answer:
    made = webhooks.create_webhook(call.world, _caller(call, MASTERS), call.body)
    return Answer(wire.created_webhook(made), 201)


@routes.get("/v1/webhooks")
def list_webhooks(call: Call) -> Answer:
    found = webhooks.list_webhooks(call.world, _caller(call, MASTERS))
    return Answer({"webhooks": [wire.webhook(webhook) for webhook in found]})


@routes.get(_WEBHOOK)
def get_webhook(call: Call, webhook_id: str) -> Answer:
    return Answer(wire.webhook(webhooks.find_webhook(call.world, _caller(call, MASTERS), webhook_id)))


@routes.patch(_WEBHOOK)
def update_webhook(call: Call, webhook_id: str) -> Answer:
    webhook = webhooks.find_webhook(call.world, _caller(call, MASTERS), webhook_id)
    return Answer(wire.webhook(webhooks.update_webhook(call.world, webhook, call.body)))


@routes.delete(_WEBHOOK)
def delete_webhook(call: Call, webhook_id: str) -> Answer:
    webhook = webhooks.find_webhook(call.world, _caller(call, MASTERS), webhook_id)
    webhooks.delete_webhook(call.world, webhook)
    return Answer({"deleted": True, "id": webhook.id})


# Workspaces


@routes.post("/v1/workspaces")
def create_workspace(call: Call) -> Answer:
    caller, slug = _caller(call, (TENANT,)), call.body.get("slug")
    made = workspaces.create_workspace(call.world, caller.account_id, call.body["name"], slug)
    return Answer(_workspace_json(call, made), 201)


@routes.get("/v1/workspaces")
def list_workspaces(call: Call) -> Answer:
    found = workspaces.list_workspaces(call.world, _caller(call, MASTERS))
    return Answer({"workspaces": [_workspace_json(call, workspace) for workspace in found]})


@routes.get(_WORKSPACE)
def get_workspace(call: Call, workspace_id: str) -> Answer:
    return Answer(_workspace_json(call, _workspace(call, workspace_id)))


@routes.delete(_WORKSPACE)
def delete_workspace(call: Call, workspace_id: str) -> Answer:
    workspace = workspaces.find_workspace(call.world, _caller(call, (TENANT,)), workspace_id)
    resources.delete_workspace(call.world, workspace)
    return Answer({"deleted": True, "id": workspace.id})


@routes.post(f"{_WORKSPACE}/keys")
def create_workspace_key(call: Call, workspace_id: str) -> Answer:
    name = (call.body or {}).get("name")
    made = workspaces.create_key(call.world, _workspace(call, workspace_id), name)
    return Answer(wire.created_workspace_key(made), 201)


@routes.get(f"{_WORKSPACE}/keys")
def list_workspace_keys(call: Call, workspace_id: str) -> Answer:
    found = workspaces.list_keys(call.world, _workspace(call, workspace_id))
    return Answer({"keys": [wire.workspace_key(key) for key in found]})


@routes.delete(f"{_WORKSPACE}/keys/<key_id>")
def revoke_workspace_key(call: Call, workspace_id: str, key_id: str) -> Answer:
    key = workspaces.find_key(call.world, _workspace(call, workspace_id), key_id)
    workspaces.revoke_key(call.world, key)
    return Answer({"revoked": True, "id": key.id})


# Tenants


@routes.post("/v1/tenants")
def create_tenant(call: Call) -> Answer:
    keys.check_class(_credential(call), (SUPER_ADMIN,))
    return Answer(wire.tenant(resources.create_tenant(call.world, call.body["name"])), 201)


def _credential(call: Call) -> Credential:
    assert call.credential is not None  # the contract asks for one
    return call.credential


def _caller(call: Call, classes: tuple[str, ...]) -> Caller:
    return keys.caller_of(_credential(call), classes)


def _inbox(call: Call, inbox_id: str, classes: tuple[str, ...] = EVERY_MEMBER) -> Inbox:
    return resources.find_inbox(call.world, _caller(call, classes), inbox_id)


def _inboxes(call: Call) -> list[Inbox]:
    caller, only = _caller(call, EVERY_MEMBER), call.query.get("inboxId")
    return resources.list_inboxes(call.world, caller) if only is None else [_inbox(call, only)]


def _inbox_json(call: Call, inbox: Inbox, *, password: bool = False) -> dict[str, object]:
    mailbox = resources.mailbox_of(call.world, inbox)
    aliases = resources.alias_addresses(call.world, inbox)
    return wire.inbox(inbox, mailbox, aliases, call.doors, password=password)


def _message(call: Call, inbox_id: str, message_id: str) -> Message:
    return messages.find_message(call.world, _inbox(call, inbox_id), message_id)


def _reply(call: Call, inbox_id: str, message_id: str, *, everybody: bool) -> Answer:
    inbox, message = _inbox(call, inbox_id), _message(call, inbox_id, message_id)
    return Answer(wire.sent(messages.reply(call.world, inbox, message, call.body, everybody=everybody)))


def _window(call: Call) -> Window:
    return Window(call.query["offset"], call.query["limit"])


def _workspace(call: Call, workspace_id: str) -> Workspace:
    return workspaces.find_workspace(call.world, _caller(call, MASTERS), workspace_id)


def _workspace_json(call: Call, workspace: Workspace) -> dict[str, object]:
    inboxes = resources.count_inboxes(call.world, workspace)
    return wire.workspace(workspace, inboxes, domains.count_domains(call.world, workspace))
