"""The example projects: their tests pass, and those that are meant to fail say why, word for word."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

_EXAMPLES = sorted(path.parent for path in (Path(__file__).parent.parent / "examples").glob("*/pytest.ini"))
_each_example = pytest.mark.parametrize("folder", _EXAMPLES, ids=lambda folder: folder.name)
_SECTION = re.compile(r"^-+ Inbox Emulator -+\n(.*?)^=", re.MULTILINE | re.DOTALL)


def _pytest(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    return done.stdout + done.stderr


def _explanation(shown: str) -> str:
    """Return what a failure says: the error, and what the emulator adds to the report."""
    error = dedent("\n".join(line[1:] for line in shown.splitlines() if line.startswith("E  ")))
    section = _SECTION.search(shown)
    return f"{error}\n{section[1] if section else ''}"


@_each_example
def test_an_examples_tests_pass(folder: Path) -> None:
    shown = _pytest(folder)
    assert re.search(r"^\d+ passed in", shown, re.MULTILINE), shown


@_each_example
def test_an_examples_failure_is_explained(folder: Path) -> None:
    shown = _pytest(folder, "failing.py")
    assert "1 failed" in shown, shown
    assert _explanation(shown) == folder.joinpath("failing.txt").read_text()
