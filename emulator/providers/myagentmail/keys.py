"""myagentmail's four classes of keys, and what each of them may see."""

from __future__ import annotations

from typing import Final, NamedTuple

from emulator.provider import Problem
from emulator.world import Credential

SUPER_ADMIN: Final = "super_admin"
TENANT: Final = "tenant"
WORKSPACE: Final = "workspace"
INBOX: Final = "inbox"

MASTERS: Final = (TENANT, WORKSPACE)
EVERY_MEMBER: Final = (TENANT, WORKSPACE, INBOX)

_TITLES: Final = {SUPER_ADMIN: "super-admin", TENANT: "tenant master", WORKSPACE: "workspace master", INBOX: "inbox"}


class Caller(NamedTuple):
    """Whom a key stands for: a tenant, or one workspace or inbox of it."""

    account_id: str
    workspace_id: str | None = None
    inbox_id: str | None = None

    @property
    def realm(self) -> str:
        """The group of records that the caller's lists show: its workspace's, else its tenant's."""
        return self.workspace_id or self.account_id

    def sees(self, account_id: str, workspace_id: str, inbox_id: str | None = None) -> bool:
        """Tell whether something of a tenant's workspace, or of an inbox in it, is the caller's."""
        return (
            self.account_id == account_id
            and self.workspace_id in (None, workspace_id)
            and self.inbox_id in (None, inbox_id)
        )


def check_class(credential: Credential, classes: tuple[str, ...]) -> None:
    """Refuse with 403 a key of another class."""
    if credential.kind not in classes:
        wanted = " or ".join(_TITLES[name] for name in classes)
        raise Problem("forbidden", f"This needs a {wanted} key")


def caller_of(credential: Credential, classes: tuple[str, ...]) -> Caller:
    """Return whom a key of these classes stands for; 403 for another class."""
    check_class(credential, classes)
    assert credential.account_id is not None, "a super-admin key is in no class but its own"
    workspace_id = credential.subject if credential.kind == WORKSPACE else None
    inbox_id = credential.subject if credential.kind == INBOX else None
    return Caller(credential.account_id, workspace_id, inbox_id)
