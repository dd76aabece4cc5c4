"""The documentation is executed: examples run, outputs are real, generated pages are up to date."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generate import pages

_ROOT = Path(__file__).parent.parent
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks(page: str, language: str) -> list[str]:
    found = _BLOCK.findall((_ROOT / page).read_text("utf-8"))
    return [text for kind, text in found if kind == language]


def _pytest(folder: Path) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_generated_pages_are_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == pages()[path](), "run: python -m docs.generate"


def test_the_readme_example_has_the_output_it_shows(tmp_path: Path) -> None:
    [example] = _blocks("README.md", "python")
    (tmp_path / "test_agent.py").write_text(example)
    [shown] = [text for text in _blocks("README.md", "console") if text.startswith("$ pytest -q")]
    assert _untimed(_pytest(tmp_path)) == _untimed(shown.partition("\n")[2])


def test_the_readme_example_has_at_most_8_lines() -> None:
    [example] = _blocks("README.md", "python")
    assert len([line for line in example.splitlines() if line.strip()]) <= 8


def test_serve_prints_what_the_readme_shows() -> None:
    [shown] = [text for text in _blocks("README.md", "console") if text.startswith("$ emulator serve")]
    expected = shown.partition("\n")[2]
    command = [sys.executable, "-m", "emulator", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in expected.splitlines()]
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
    assert _without_ports("".join(printed) + rest) == _without_ports(expected)


@pytest.mark.parametrize("page", ["docs/testing.md"])
def test_the_examples_of_a_page_pass(page: str, tmp_path: Path) -> None:
    for number, example in enumerate(_blocks(page, "python")):
        (tmp_path / f"test_example_{number}.py").write_text(example)
    output = _pytest(tmp_path)
    assert f"{len(_blocks(page, 'python'))} passed" in output, output


def test_the_failure_that_is_shown_is_the_examples() -> None:
    [shown] = _blocks("docs/testing.md", "text")
    assert shown == (_ROOT / "examples" / "signup" / "failing.txt").read_text("utf-8")


def test_every_link_of_the_docs_leads_somewhere() -> None:
    for page in [*_ROOT.glob("*.md"), *(_ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def _untimed(output: str) -> str:
    return re.sub(r" in [\d.]+s", "", output).strip()


def _without_ports(output: str) -> str:
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", output)
