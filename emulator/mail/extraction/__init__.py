"""What an agent looks for in a mail: one-time codes, verification links, credentials. One function for all providers.

A mail is read as one or two pages (its text, its HTML); each finder looks at both and takes the best it sees.
"""

from __future__ import annotations

from typing import NamedTuple

from emulator.mail.extraction.codes import find_code
from emulator.mail.extraction.credentials import Credentials, find_credentials
from emulator.mail.extraction.links import find_link
from emulator.mail.extraction.page import pages
from emulator.mail.parse import Mail

__all__ = ["Credentials", "Extracted", "extract"]


class Extracted(NamedTuple):
    """What was found in a mail; None or empty where nothing was."""

    code: str | None
    link: str | None
    credentials: tuple[Credentials, ...]


def extract(mail: Mail) -> Extracted:
    """Return the one-time code, the verification link and the credentials of a mail. Never raises."""
    seen = pages(mail)
    return Extracted(find_code(seen), find_link(seen), find_credentials(seen))
