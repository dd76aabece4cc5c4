"""The pages for people under `/_emulator/`: they show what the control API tells, and act by calling it."""

from emulator.servers.http.pages.app import pages_app

__all__ = ["pages_app"]
