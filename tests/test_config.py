"""The file `emulator.toml`: found by itself, checked with clear errors, and less than the command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulator import config
from emulator.config import ConfigError

_PAGE = Path(__file__).parent.parent / "docs" / "config.md"


@contextmanager
def _served(folder: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "emulator", "serve", "--json", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def _written(folder: Path, text: str) -> Path:
    file = folder / "emulator.toml"
    file.write_text(text, "utf-8")
    return file


def test_the_nearest_file_is_found_from_a_folder_below(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    file = _written(tmp_path, "")
    assert config.find(below) == file
    nearer = _written(tmp_path / "a", "")
    assert config.find(below) == nearer


def test_the_example_of_the_docs_is_served(tmp_path: Path) -> None:
    [example] = re.findall(r"```toml\n(.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
    _written(tmp_path, example)
    with _served(tmp_path, "--port", "0", "--smtp-port", "0") as ready:
        assert list(ready["providers"]) == ["inkbox", "postern", "sendmux"]
        url = f"{ready['url']}/_emulator"
        assert httpx.get(f"{url}/clock").json() == {"now": "2026-03-01T12:00:00.000Z", "virtual": True}
        assert httpx.get(f"{url}/health", headers={"Host": "emulator.internal"}).status_code == 200
        assert httpx.get(f"{url}/faults").json()["faults"][0]["times"] == 2
        assert httpx.get(f"{ready['url']}/inboxai/api/v0/inboxes").status_code == 404
        assert "inboxai" not in httpx.get(ready["url"]).json()["providers"]
        httpx.post(f"{url}/reset")
        assert httpx.get(f"{url}/settings").json()["postern"]["daily_cap"] == 100


def test_the_command_line_counts_more_than_the_file(tmp_path: Path) -> None:
    _written(tmp_path, 'clock = 2026-03-01\nproviders = ["inkbox"]\n[ports]\nhttp = 0\n')
    with _served(tmp_path, "--clock", "2027-01-01", "--provider", "postern") as ready:
        assert httpx.get(f"{ready['url']}/_emulator/clock").json()["now"] == "2027-01-01T00:00:00.000Z"
        assert list(ready["providers"]) == ["postern"]
    with _served(tmp_path, "--no-config", "--port", "0") as ready:
        assert httpx.get(f"{ready['url']}/_emulator/clock").json()["virtual"] is False


def test_files_are_found_beside_the_config_file(tmp_path: Path) -> None:
    said = config.load(_written(tmp_path, 'ca_file = "ca.pem"\nstart_with = "plan.json"\n'))
    assert said == {"ca_file": str(tmp_path / "ca.pem"), "start_with": str(tmp_path / "plan.json")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sed = 1", "there is no key sed; did you mean seed?"),
        ("[ports]\nhtp = 1", "there is no key ports.htp; did you mean ports.http?"),
        ("seed =", "Invalid value"),
        ("clock = 5", 'clock: 5 is not of type "string"'),
        ("[ports]\nhttp = 65536", "ports.http: 65536 is greater than the maximum of 65535"),
        ("faults = [1]", 'faults.0: 1 is not of type "object"'),
        ('strict = "yes"', 'strict: "yes" is not of type "boolean"'),
        ("\udce9 = 1", "'utf-8' codec can't"),
        ("nothing_like_it = 1", "there is no key nothing_like_it; there are host, ports.http"),
    ],
)
def test_what_cannot_be_is_explained(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "emulator.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as raised:
        config.load(file)
    assert str(raised.value).startswith(f"{file}: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[revisions]\ninkbx = "x"', "no provider 'inkbx'; did you mean 'inkbox'?"),
        ("[settings.postern]\ndaily = 1", "postern has no setting 'daily'; it has daily_cap"),
        ('providers = ["x"]', "no provider 'x'; choose from inboxai"),
        ('start_with = "none.json"', "there is no file "),
        ('faults = [{effect = "x"}]', "effect: 'x' is none; choose from respond"),
        ("sed = 1", "emulator.toml: there is no key sed; did you mean seed?"),
    ],
)
def test_serve_stops_with_one_line(tmp_path: Path, text: str, said: str) -> None:
    _written(tmp_path, text)
    command = [sys.executable, "-m", "emulator", "serve", "--port", "0"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (1, 2)
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert said in done.stderr


def test_every_key_is_documented() -> None:
    page = _PAGE.read_text("utf-8")
    assert [key.path for key in config.KEYS if f"| `{key.path}` |" not in page] == []
