"""Fixtures of Sendmux's journeys."""

from __future__ import annotations

import pytest

from contract.judge import Api


@pytest.fixture(autouse=True)
def _own_mailbox(request: pytest.FixtureRequest, api: Api) -> None:
    """Give journeys of a mailbox a new one at a live API: one that is there holds mail, and is not ours."""
    if api.target.live and request.path.stem != "test_journeys":
        body = {"email": f"{api.target.name('agent')}@myagent.mx"}
        made = api.call("create_mailbox", json=body, expect=201)["data"]
        api.credentials["mailbox_key"] = (
            made["credential"]["secret"] if "credential" in made else made["api_key"]["key"]
        )
