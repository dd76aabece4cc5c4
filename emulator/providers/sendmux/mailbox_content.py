"""What a message says: its bodies as they came, or cleaned of quotes and signatures, cut to a length."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from emulator.mail import Body, Mail, Message
from emulator.mail.cleaning import (
    Cleaned,
    html_without_quotes,
    html_without_signature,
    readable,
    without_quotes,
    without_signature,
)
from emulator.mail.extraction.page import pages

MESSAGE_CHARS: Final = 100_000
THREAD_CHARS: Final = 25_000


class Options(NamedTuple):
    """How a body is to be shown."""

    part: str = "auto"
    max_body_chars: int = MESSAGE_CHARS
    strip_signature: bool = True
    strip_quotes: bool = True
    include_links: bool = True
    include_html: bool = False
    include_headers: str = "selected"
    include_attachments: str = "metadata"

    @property
    def hash(self) -> str:
        """A short text that is the same for the same options."""
        return hashlib.blake2b(json.dumps(self).encode(), digest_size=8).hexdigest()


class RawBody(NamedTuple):
    """The bodies of a message as they came, those that were asked for; `cut_at` is where one was cut, if one was."""

    part: str
    text: str | None
    html: str | None
    cut_at: int | None


class Content(NamedTuple):
    """The body of a message, cleaned; `format` is the one that it was taken from."""

    format: str | None
    text: str | None
    html: str | None
    cut_at: int | None
    signature_stripped: bool
    quotes_stripped: bool
    links: list[str]


def options_of(given: Mapping[str, Any], default_chars: int = MESSAGE_CHARS) -> Options:
    """Return the options that a query or a request body names."""
    known = {name: given[name] for name in Options._fields if name in given}
    return Options(**{"max_body_chars": default_chars, **known})


def raw_body(message: Message, part: str, max_chars: int) -> RawBody:
    """Return the bodies of a message as they came: its text, its HTML or both."""
    body, part = message.mail.body, part if part in ("text", "html") else "both"
    text = None if part == "html" else body.text
    html = None if part == "text" else body.html
    return RawBody(part, _cut(text, max_chars), _cut(html, max_chars), _cut_at(max_chars, text, html))


def clean_content(message: Message, options: Options) -> Content:
    """Return the body of a message as the options want it."""
    body = message.mail.body
    text = body.text if body.text and body.text.strip() else None
    if options.part == "text" or (options.part == "auto" and (text is not None or not body.html)):
        return _of_text(body.text, body.html, options)
    return _of_html(body.html, options)


def _of_text(text: str | None, html: str | None, options: Options) -> Content:
    quotes = without_quotes(text or "") if options.strip_quotes else Cleaned(text or "", stripped=False)
    signature = without_signature(quotes.text) if options.strip_signature else Cleaned(quotes.text, stripped=False)
    shown_text = None if text is None else signature.text
    shown_html = _clean_html(html, options)[0].text if options.include_html and html is not None else None
    return _content("text", shown_text, shown_html, quotes, signature, options)


def _of_html(html: str | None, options: Options) -> Content:
    signature, quotes = _clean_html(html or "", options)
    shown_text = None if html is None else readable(signature.text)
    shown_html = signature.text if html is not None and (options.include_html or options.part == "html") else None
    links = _links(None, signature.text) if options.include_links else []
    return _content("html", shown_text, shown_html, quotes, signature, options)._replace(links=links)


def _clean_html(html: str, options: Options) -> tuple[Cleaned, Cleaned]:
    """Return what is left of some HTML without its signature, and what was before that without quotes."""
    quotes = html_without_quotes(html) if options.strip_quotes else Cleaned(html, stripped=False)
    signature = html_without_signature(quotes.text) if options.strip_signature else Cleaned(quotes.text, stripped=False)
    return signature, quotes


def _content(
    shape: str, text: str | None, html: str | None, quotes: Cleaned, signature: Cleaned, options: Options
) -> Content:
    length = options.max_body_chars
    return Content(
        format=None if text is None and html is None else shape,
        text=_cut(text, length),
        html=_cut(html, length),
        cut_at=_cut_at(length, text, html),
        signature_stripped=signature.stripped,
        quotes_stripped=quotes.stripped,
        links=_links(text, html) if options.include_links else [],
    )


def _cut(text: str | None, length: int) -> str | None:
    return text if text is None else text[:length]


def _cut_at(length: int, *texts: str | None) -> int | None:
    return length if any(text is not None and len(text) > length for text in texts) else None


def _links(text: str | None, html: str | None) -> list[str]:
    found = pages(Mail(b"", Body(text, html, ())))
    return list(dict.fromkeys(link.url for page in found for link in page.links))
