"""Options and fixtures of the contract suites."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contract import target as aim
from contract.judge import Api
from contract.target import Choice, Target
from emulator import providers

_HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `emulator contract run` hands on."""
    group = parser.getgroup("contract")
    group.addoption("--provider", help="Run the contract suites of this provider only.")
    group.addoption("--base-url", help="Run them against the API at this URL instead of the emulator in process.")
    group.addoption("--key-env", help="The environment variable that holds the API key for --base-url.")
    group.addoption("--revision", help="The generation of the API; without it the first one described.")
    group.addoption("--operations", help="Run the schema suite for operations whose id contains this text only.")


def pytest_configure(config: pytest.Config) -> None:
    """Note what was chosen before the suites are collected."""
    chosen = {name: config.getoption(f"--{name.replace('_', '-')}") for name in Choice.__dataclass_fields__}
    aim.CHOICE = Choice(**chosen)


def pytest_unconfigure() -> None:
    """Close what the schema suite opened for the whole run."""
    for target in list(aim.OPEN):
        target.close()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the journeys of providers that were not chosen."""
    within = collection_path.relative_to(_HERE).parts if collection_path.is_relative_to(_HERE) else ()
    folder = within[0] if within and (_HERE / within[0]).is_dir() else None
    return True if folder and not folder.startswith("__") and folder not in aim.CHOICE.providers() else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out journeys of another generation than the chosen one; a module names its own as REVISION."""
    others = [item for item in items if item.path.is_relative_to(_HERE) and _is_of_another(item)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """Give the provider of the journey's folder, fresh where it can be, in the generation of the journey."""
    own = getattr(request.module, "REVISION", None)
    found = Target(request.path.parent.name, replace(aim.CHOICE, revision=aim.CHOICE.revision or own))
    yield found
    found.close()


def _is_of_another(item: pytest.Item) -> bool:
    module = item.getparent(pytest.Module)
    own = None if module is None else getattr(module.obj, "REVISION", None)
    if own is None or aim.CHOICE.revision is None:
        return False
    provider = providers.get(item.path.parent.name)
    return provider.at(own).revision != provider.at(aim.CHOICE.revision).revision


@pytest.fixture
def api(target: Target) -> Api:
    """Call operations by id; every answer is judged against the contract document."""
    return Api(target)
