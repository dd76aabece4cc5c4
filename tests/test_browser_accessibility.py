"""The pages are for everybody: axe-core holds them against WCAG 2.2 AA, in light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from emulator import Emulator
from tests.browser import Theme, chromium, needs_chromium, visiting
from tests.scene import lively, places

pytestmark = needs_chromium

_RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.mark.parametrize(("theme", "width"), [("light", 1200), ("dark", 1200), ("light", 360)])
def test_no_page_keeps_anybody_out(browser: Browser, emulator_server: Emulator, theme: Theme, width: int) -> None:
    lively(emulator_server)
    with visiting(browser, emulator_server, theme=theme, width=width) as somebody:
        for path in places(emulator_server).values():
            page = somebody.open(path)
            page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
            found = Axe().run(page, options=_RULES).response["violations"]
            told = [f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}" for one in found]
            assert told == [], path
