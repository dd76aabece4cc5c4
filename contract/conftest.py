"""Options and fixtures of the contract suites."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract import target as aim
from contract.choice import PROFILES, Choice
from contract.cleanup import clean
from contract.findings import Drift
from contract.judge import Api
from contract.outcomes import Outcomes
from contract.progress import Progress
from contract.run import Run
from contract.steady import examples_of_their_own
from contract.target import Target
from emulator import providers

_HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `emulator contract run` hands on."""
    group = parser.getgroup("contract")
    add = group.addoption
    add("--provider", help="Run the contract suites of this provider only.")
    add("--base-url", help="Run them against the API at this URL instead of the emulator in process.")
    add(
        "--key-env",
        action="append",
        default=[],
        help="The environment variable that holds the API key for --base-url; CREDENTIAL=VARIABLE for another one.",
    )
    add("--revision", help="The generation of the API; without it the first one described.")
    add("--operations", help="Run the schema suite for operations whose id contains this text only.")
    add("--profile", choices=PROFILES, help="How far to go: read, journeys (creates and deletes), or full.")
    add("--budget", type=int, help="The greatest number of requests.")
    add("--rate", type=float, help="The greatest number of requests a second to a live provider.")
    add("--allow", action="append", default=[], help="An operation that may be called though it cannot be undone.")
    add("--yes", action="store_true", help="Run against a host that is not the provider's.")
    add("--report", help="Write the drift report into this folder.")
    add("--compared-with", help="What a run against the emulator saw: the third column of the report.")
    add("--baseline", help="A file of differences that are accepted.")
    add("--ledger", help="Keep the list of what was created, and has to be deleted, in this file.")
    add("--show-progress", action="store_true", help="Show on stderr how far the run is.")
    add("--webhook-url", help="Where a tunnel leads from to --webhook-port, for a provider to post webhooks to.")
    add("--webhook-port", type=int, help="The port on this machine that webhooks arrive at.")
    add("--patience", type=float, help="For how many seconds to wait for mail at a live provider.")
    add("--record", help="Save the exchanges of the journeys into this folder.")


def pytest_configure(config: pytest.Config) -> None:
    """Note what was chosen before the suites are collected."""
    examples_of_their_own()
    options = {name: f"--{name.replace('_', '-')}" for name in Choice.__dataclass_fields__}
    choice = Choice(**{name: _given(config, option) for name, option in options.items()})
    if choice.report or choice.base_url:
        choice = choice.settled()
    refused = choice.refusal()
    if refused:
        raise pytest.UsageError(refused)
    aim.RUN = Run(choice)
    if choice.base_url:
        aim.RUN.begin(served=aim.is_emulator(choice), probes=int(not choice.is_own_host))
    config.pluginmanager.register(Outcomes(aim.RUN), "contract-outcomes")
    if config.getoption("--show-progress"):
        config.pluginmanager.register(Progress(aim.RUN), "contract-progress")


def _given(config: pytest.Config, option: str) -> Any:
    value = config.getoption(option)
    return tuple(value) if isinstance(value, list) else value


def pytest_unconfigure() -> None:
    """Close what the schema suite opened for the whole run."""
    for target in list(aim.OPEN):
        target.close()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the journeys of providers that were not chosen, and all of them where the run only reads."""
    within = collection_path.relative_to(_HERE).parts if collection_path.is_relative_to(_HERE) else ()
    folder = within[0] if within and (_HERE / within[0]).is_dir() else None
    if folder is None or folder.startswith("__"):
        return None
    return True if folder not in aim.RUN.choice.providers() or aim.RUN.profile == "read" else None


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call() -> Iterator[None]:
    """Fail a test that passed if an answer on its way broke the contract document."""
    aim.RUN.start_test()
    outcome = yield
    if aim.RUN.here:
        raise Drift(aim.RUN.here)
    return outcome


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out journeys of another generation than the chosen one; a module names its own as REVISION."""
    others = [item for item in items if item.path.is_relative_to(_HERE) and _is_of_another(item)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """Give the provider of the journey's folder, fresh where it can be, in the generation of the journey."""
    found = Target(request.path.parent.name, aim.RUN, revision=getattr(request.module, "REVISION", None))
    yield found
    if found.live:
        clean(found)
    found.close()


def _is_of_another(item: pytest.Item) -> bool:
    module = item.getparent(pytest.Module)
    own = None if module is None else getattr(module.obj, "REVISION", None)
    chosen = aim.RUN.choice.revision
    if own is None or chosen is None:
        return False
    provider = providers.get(item.path.parent.name)
    return provider.at(own).revision != provider.at(chosen).revision


@pytest.fixture
def api(target: Target) -> Api:
    """Call operations by id; every answer is judged against the contract document."""
    return Api(target)
