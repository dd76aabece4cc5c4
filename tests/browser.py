"""A real Chromium for the tests: what it asks for and what it complains about is noted.

The browser runs a loop in the thread of the tests, so each module has a browser of its own, which is gone before other
tests start loops.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from emulator import Emulator

Theme = Literal["light", "dark"]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")

# No name leads anywhere: what a page tries to reach is seen in the log, and never reached.
_RULES = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Start the browser; tests that fail leave it closed."""
    expect.set_options(timeout=30_000)  # a busy machine is no failure
    with sync_playwright() as playwright:
        # --no-sandbox: the browser's own sandbox does not work for root, as which CI runs.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", _RULES, *arguments])
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Somebody who looks at the pages of an emulator: every request and every complaint of the browser is noted."""

    def __init__(self, context: BrowserContext, emulator: Emulator) -> None:
        assert emulator.servers is not None
        self.base = f"{emulator.servers.url}/_emulator"
        self.emulator = emulator
        self.context = context
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.dialogs: list[str] = []
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("console", self._note)
        context.on("dialog", self._agree)
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _agree(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.accept()

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, path: str) -> Page:
        """Open a page, and wait until it is live."""
        self.page.goto(f"{self.base}{path}")
        is_live(self.page)
        return self.page

    @property
    def asked_elsewhere(self) -> list[str]:
        """What was asked of anybody but the emulator."""
        own = urlsplit(self.base).netloc
        return [url for url in self.asked if not url.startswith(("data:", "about:")) and urlsplit(url).netloc != own]


def is_live(page: Page) -> None:
    """Wait until the script of a page runs and hears of changes."""
    page.wait_for_selector("#connection.on")


@contextmanager
def visiting(browser: Browser, emulator: Emulator, *, width: int = 1200, theme: Theme = "light") -> Iterator[Visitor]:
    """Look at the pages of an emulator as somebody new."""
    size: ViewportSize = {"width": width, "height": 760}
    context = browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")
    try:
        yield Visitor(context, emulator)
    finally:
        context.close()
