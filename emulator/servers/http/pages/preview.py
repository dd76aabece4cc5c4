"""The HTML of a mail, made harmless: what a browser may show of it without asking anybody for anything.

Three walls stand behind each other. What is not on the lists below is left out of the HTML; the policy that is sent
with it forbids scripts and every request; the frame that shows it is a sandbox.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import nh3

from emulator.mail.parse import Mail

POLICY: Final = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
"""The Content-Security-Policy under which a preview is sent. A popup is a link that a person has clicked."""

_TAGS: Final = nh3.ALLOWED_TAGS | {"center", "font", "tfoot", "figure", "figcaption"}
_LAYOUT: Final = {
    *("align", "bgcolor", "border", "cellpadding", "cellspacing", "dir", "height", "style", "valign", "width"),
}
_ATTRIBUTES: Final = {
    "*": {*_LAYOUT, "lang", "title"},
    "a": {"href"},
    "font": {"color", "face", "size"},
    "img": {"alt", "src"},
    "ol": {"start", "type"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_STYLES: Final = {
    *(
        "background",
        "background-color",
        "border",
        "border-bottom",
        "border-collapse",
        "border-color",
        "border-left",
        "border-radius",
    ),
    *("border-right", "border-spacing", "border-style", "border-top", "border-width", "color", "direction", "display"),
    *("font-family", "font-size", "font-style", "font-weight", "height", "letter-spacing", "line-height", "margin"),
    *("margin-bottom", "margin-left", "margin-right", "margin-top", "max-height", "max-width", "min-height"),
    *("min-width", "padding", "padding-bottom", "padding-left", "padding-right", "padding-top", "text-align"),
    *("text-decoration", "text-transform", "vertical-align", "white-space", "width", "word-break"),
}
_REFERENCE: Final = re.compile(r"(?i)url|image|src|attr|var|[\\@]")
_SCHEMES: Final = {"http", "https", "mailto", "tel", "cid"}
_IMAGES: Final = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_MOST_HTML: Final = 2_000_000  # letters
_MOST_EFFORT: Final = 1_000_000  # elements that are open, summed over all tags
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
_ENDLESS: Final = {
    *("area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p"),
    *("source", "tbody", "td", "tfoot", "th", "thead", "tr", "track", "wbr"),
}
"""Elements that have no end, or end when the next one begins."""
_MOST_IMAGES: Final = 8_000_000  # bytes of all images together
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Preview</title>
<style>body {{ margin: 12px; background: #fff; color: #111; font: 14px/1.5 system-ui, sans-serif }}
img {{ max-width: 100% }}</style></head>
<body>{}</body></html>"""


class Preview(NamedTuple):
    """A page that shows the HTML of a mail, how many images were left out that are elsewhere, and if it was cut."""

    page: str
    blocked: int
    cut: bool


@lru_cache(maxsize=4)  # the page of a mail tells of its preview, and the frame in it asks for the preview itself
def preview(mail: Mail) -> Preview:
    """Return the HTML of a mail as a harmless page; images that came with it are in it, others are not."""
    html = mail.body.html or ""
    shown = _bounded(html[:_MOST_HTML])
    filtered = _Filter(_images(mail))
    clean = nh3.clean(
        shown,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=filtered,
        filter_style_properties=_STYLES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return Preview(_PAGE.format(clean), filtered.blocked, len(shown) < len(html))


def _bounded(html: str) -> str:
    """Return as much of some HTML as can be read in reasonable time: what is nested too deep is cut off.

    A browser's way of reading HTML takes time that grows with how many elements are open at each tag.
    """
    opened, depth, effort = Counter[str](), 0, 0
    for tag in _TAG.finditer(html):
        name = tag[2].lower()
        if not tag[1] and name not in _ENDLESS:
            opened[name] += 1
            depth += 1
        elif tag[1] and opened[name]:
            opened[name] -= 1
            depth -= 1
        effort += depth
        if effort > _MOST_EFFORT:
            return html[: tag.start()]
    return html


class _Filter:
    """Puts the images of the mail in the place of references to them, and leaves out other images; counts those."""

    def __init__(self, images: Mapping[str, str]) -> None:
        self._images = images
        self.blocked = 0

    def __call__(self, tag: str, name: str, value: str) -> str | None:
        is_reference = value.strip().lower().startswith("cid:")
        if (tag, name) == ("img", "src"):
            image = self._images.get(value.strip()[4:]) if is_reference else None
            self.blocked += image is None
            return image
        if name == "style":
            return _without_references(value)
        return None if name == "href" and is_reference else value


def _without_references(style: str) -> str:
    """Return the declarations of a style that cannot name an address to fetch from."""
    return ";".join(each for each in style.split(";") if not _REFERENCE.search(each))


def _images(mail: Mail) -> dict[str, str]:
    """Return the images that a mail brings along as data URLs, by Content-ID."""
    found, left = dict[str, str](), _MOST_IMAGES
    for part in mail.body.attachments:
        left -= len(part.data)
        if part.content_id and part.content_type in _IMAGES and left >= 0:
            found[part.content_id] = f"data:{part.content_type};base64,{base64.b64encode(part.data).decode()}"
    return found
