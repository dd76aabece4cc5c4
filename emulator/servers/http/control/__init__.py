"""The control API under `/_emulator`: what a tester may ask of the emulator and do to its worlds."""

from emulator.servers.http.control.app import CONTROL_PREFIX, FILES, PAGES_PREFIX, control_app
from emulator.servers.http.control.asked import WORLDS

__all__ = ["CONTROL_PREFIX", "FILES", "PAGES_PREFIX", "WORLDS", "control_app"]
