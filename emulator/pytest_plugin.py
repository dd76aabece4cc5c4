"""The pytest plugin: an emulator per test, and a ready account for each provider.

Fixtures: `emulator` (a fresh world, in process, no port), `emulator_server` (the same, served on loopback), and for
each provider `<name>` and `<name>_server`, e.g. `inkbox`. Nothing is imported before a fixture is used.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from emulator.harness import Account, Emulator

_MARKER = (
    "emulator(seed='0', clock=datetime, strict=True, revisions={}, faults=[], skip_waits=False): the world that this "
    "test's emulator fixtures start from; clock=None means the real time"
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """Give a fresh emulator in this process; a defect of the emulator itself fails the test."""
    from emulator.harness import Emulator

    marker = request.node.get_closest_marker("emulator")
    with Emulator(**(marker.kwargs if marker else {})) as fresh:
        yield fresh


@pytest.fixture
def emulator_server(emulator: Emulator) -> Emulator:
    """Give the test's emulator, served on loopback for clients in other processes; `.servers` are its doors."""
    emulator.serve()
    return emulator


def provider_fixture(name: str, emulator_fixture: str, fixture_name: str) -> Callable[..., object]:
    """Return a fixture with the ready account of a provider; for providers outside this project, too."""

    def account(request: pytest.FixtureRequest) -> Account:
        found: Emulator = request.getfixturevalue(emulator_fixture)
        return found.account(name)

    account.__doc__ = f"Give the ready {name} account of `{emulator_fixture}`."
    fixture: Callable[..., object] = pytest.fixture(name=fixture_name)(account)
    return fixture


for _module in pkgutil.iter_modules([str(Path(__file__).parent / "providers")]):
    if _module.ispkg:
        globals()[f"_{_module.name}"] = provider_fixture(_module.name, "emulator", _module.name)
        globals()[f"_{_module.name}_server"] = provider_fixture(
            _module.name, "emulator_server", f"{_module.name}_server"
        )
