"""Sendmux over HTTP: one function per operation, named by its operationId, in one file for each of its three APIs."""

from __future__ import annotations

from flask import Blueprint

routes = Blueprint("sendmux", __name__)

# They register their views on the blueprint.
import emulator.providers.sendmux.mailbox_routes  # noqa: E402
import emulator.providers.sendmux.management_routes  # noqa: E402
import emulator.providers.sendmux.sending_routes  # noqa: E402, F401
