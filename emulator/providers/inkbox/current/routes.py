"""Inkbox of today over HTTP: one function per operation, named by its operationId, in four files."""

from __future__ import annotations

from flask import Blueprint

routes = Blueprint("inkbox_current", __name__)

# They register their views on the blueprint.
import emulator.providers.inkbox.current.account_routes  # noqa: E402
import emulator.providers.inkbox.current.draft_routes  # noqa: E402
import emulator.providers.inkbox.current.mail_routes  # noqa: E402
import emulator.providers.inkbox.current.rule_routes  # noqa: E402, F401
