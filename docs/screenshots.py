"""Take the pictures of the pages, in both themes: `python -m docs.screenshots`; look at them before they are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from emulator import Emulator
from tests.browser import Theme, Visitor, chromium, visiting
from tests.scene import lively, places

_FOLDER: Final = Path(__file__).parent / "screenshots"
_THEMES: Final[tuple[Theme, ...]] = ("light", "dark")
_PICTURED: Final = ("mailboxes", "mailbox", "mail", "thread", "outside", "journal", "request", "webhooks", "webhook")
_TURNED: Final = ("clock", "faults", "coverage")


def main() -> None:
    """Take every picture anew."""
    _FOLDER.mkdir(exist_ok=True)
    for theme in _THEMES:
        for width, names in ((1000, (*_PICTURED, *_TURNED)), (360, ("mailbox", "mail", "journal"))):
            with Emulator() as emulator, chromium() as browser:
                lively(emulator)
                emulator.serve()
                with visiting(browser, emulator, width=width, theme=theme) as somebody:
                    _take(somebody, names, "phone-" if width == 360 else "", theme)


def _take(somebody: Visitor, names: tuple[str, ...], before: str, theme: Theme) -> None:
    paths = places(somebody.emulator)
    for name in names:
        page = somebody.open(paths[name])
        page.set_viewport_size({"width": page.evaluate("innerWidth"), "height": 620})
        file = _FOLDER / f"{before}{name}-{theme}.png"
        page.screenshot(path=file)
        _make_small(file)


def _make_small(file: Path) -> None:
    """Keep the colours of a picture that are seen; without Pillow all of them."""
    try:
        from PIL import Image
    except ModuleNotFoundError:
        return
    with Image.open(file) as picture:
        picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE).save(file, optimize=True)


if __name__ == "__main__":
    main()
