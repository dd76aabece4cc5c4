"""Mail as the standard library reads it when it forgives nothing."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Final

_STRICT: Final = policy.strict.clone(raise_on_defect=True)
_LONGEST_LINE: Final = 998


def strictly(raw: bytes) -> EmailMessage:
    """Return a mail parsed, every header and every part of it read; any defect is an error."""
    lines = raw.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines), "a line ends with CR and LF"
    assert max(map(len, lines)) <= _LONGEST_LINE
    mail = BytesParser(EmailMessage, policy=_STRICT).parsebytes(raw)
    for part in mail.walk():
        defects = {name: value.defects for name, value in part.items() if value.defects}
        assert not defects
        assert not part.defects
        if not part.is_multipart():
            part.get_payload(decode=True)
    return mail


def leniently(raw: bytes) -> EmailMessage:
    """Return a mail parsed whose headers hold UTF-8, which the parser of bytes calls a defect of the header's value."""
    return BytesParser(EmailMessage, policy=_STRICT).parsebytes(raw)
