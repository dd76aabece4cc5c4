"""What is shipped: the wheel, its contents, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import emulator
from emulator import providers

_ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=_ROOT, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_ships_emulator_and_contract_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"emulator", "contract"}


def test_the_wheel_has_the_types_marker_and_every_provider_document(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert "emulator/py.typed" in names
    for name in providers.names():
        assert f"emulator/providers/{name}/openapi.json" in names
        assert f"emulator/providers/{name}/seed.json" in names
    assert {f"emulator/servers/http/pages/static/{name}" for name in ("app.js", "style.css", "icon.svg")} <= names
    assert "emulator/servers/http/pages/templates/base.html" in names
    assert {"contract/suite.ini", "contract/schemathesis.toml"} <= names
    assert not [name for name in names if "/." in name or name.endswith(".pyc")]


def test_the_wheel_has_the_commands_the_plugin_and_the_licence(wheel: zipfile.ZipFile) -> None:
    [entry_points] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    text = wheel.read(entry_points).decode()
    for command in ("emulator", "inbox-emulator"):
        assert f"{command} = emulator.cli:main" in text
    assert "[pytest11]\ninbox_emulator = emulator.pytest_plugin" in text
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_importing_the_package_and_the_plugin_is_light() -> None:
    code = (
        "import emulator, contract, emulator.pytest_plugin, sys\n"
        "heavy = {'flask', 'werkzeug', 'click', 'jsonschema_rs', 'cheroot', 'aiosmtpd', 'immutables', 'nh3', 'mcp'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-I", "-W", "error", "-c", code], check=True)


def test_the_public_names_are_exactly_these() -> None:
    assert emulator.__all__ == ["Account", "AccountInbox", "Emulator", "Inbox", "Person", "__version__"]
    assert all(getattr(emulator, name) for name in emulator.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Emulatr'"):
        emulator.Emulatr  # noqa: B018  # the access is the test


def test_the_command_is_the_module() -> None:
    command = [sys.executable, "-m", "emulator", "--version"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert shown == f"emulator, version {emulator.__version__}\n"
