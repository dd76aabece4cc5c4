"""The pytest plugin: an emulator per test, and a ready account for each provider.

Fixtures: `emulator` (a fresh world, in process, no port), `emulator_intercept` (the same in the place of the real
hosts), `emulator_server` (the same, served on loopback), `emulator_shared` (a world of its own on one server for all
tests), and for each provider `<name>`, `<name>_server` and `<name>_shared`, e.g. `inkbox`. Nothing is imported before a
fixture is used.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Generator, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from emulator.harness import Account, Emulator

_MARKER = (
    "emulator(seed='0', clock=datetime, strict=True, revisions={}, faults=[], skip_waits=False, world=..., "
    "providers=[...], origins={}, intercept=False, allow=[]): the world that this test's emulator fixtures start from, "
    "and what they intercept; clock=None means the real time, world is a function, a JSON file or a snapshot"
)
_EMULATOR = pytest.StashKey["Emulator"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what a project may choose for all of its tests."""
    parser.addini(
        "emulator_intercept", "Let the emulator stand in for the providers' real hosts.", "bool", default=False
    )
    parser.addini(
        "emulator_scope", "How long an emulator lives: function, class, module, package or session.", default="function"
    )
    parser.addini("emulator_allow", "Hosts that may be reached while it does, such as *.example.com.", "args")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell in the report of a failed test what its emulator saw."""
    report = yield
    emulator = next((node.stash[_EMULATOR] for node in reversed(item.listchain()) if _EMULATOR in node.stash), None)
    if report.failed and emulator is not None:
        from emulator import telling

        if telling.is_told(report.longreprtext):
            return report
        report.sections.append(("Inbox Emulator", telling.summary(emulator.world, emulator.refused)))
    return report


def _chosen(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what the marker says, with what it may say to `intercept`."""
    marker = request.node.get_closest_marker("emulator")
    chosen = {"intercept": request.config.getini("emulator_intercept"), **(marker.kwargs if marker else {})}
    if isinstance(chosen.get("world"), str | Path):
        chosen["world"] = request.path.parent / chosen["world"]  # beside the test, unless the path is absolute
    return {**chosen, "allow": [*request.config.getini("emulator_allow"), *chosen.get("allow", ())]}


def _started(**chosen: Any) -> Emulator:
    from emulator.harness import Emulator

    try:
        return Emulator(**chosen)
    except TypeError as error:
        raise pytest.UsageError(f"@pytest.mark.emulator: {error}; it takes {_MARKER.partition(':')[0]}") from None


def _scope(fixture_name: str, config: pytest.Config) -> Any:  # noqa: ARG001  # pytest asks with both
    return config.getini("emulator_scope")


@pytest.fixture(scope=_scope)
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """Give a fresh emulator in this process; a defect of the emulator itself fails the test."""
    chosen = _chosen(request)
    intercepts, allow = chosen.pop("intercept"), chosen.pop("allow")
    with _started(**chosen) as fresh:
        request.node.stash[_EMULATOR] = fresh  # the node of its scope
        with fresh.intercept(allow) if intercepts else nullcontext():
            yield fresh


@pytest.fixture(scope=_scope)
def emulator_intercept(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[Emulator]:
    """Give the test's emulator in the place of the providers' real hosts, in every thread of the process."""
    with emulator.intercept(_chosen(request)["allow"]):
        yield emulator


@pytest.fixture(scope=_scope)
def emulator_server(emulator: Emulator) -> Emulator:
    """Give the test's emulator, served on loopback for clients in other processes; `.servers` are its doors."""
    emulator.serve()
    return emulator


@pytest.fixture(scope="session")
def emulator_session() -> Iterator[Emulator]:
    """Give an emulator that is served as long as the tests run, once in each worker of pytest-xdist."""
    with _started() as served:
        served.serve()
        yield served


@pytest.fixture
def emulator_shared(request: pytest.FixtureRequest, emulator_session: Emulator) -> Iterator[Emulator]:
    """Give a world of the test's own on the server of the session: its accounts' API keys lead there."""
    chosen = {name: value for name, value in _chosen(request).items() if name not in ("intercept", "allow")}
    with emulator_session.tenant(request.node.nodeid, **chosen) as tenant:
        request.node.stash[_EMULATOR] = tenant
        yield tenant


def provider_fixture(name: str, emulator_fixture: str, fixture_name: str) -> Callable[..., object]:
    """Return a fixture with the ready account of a provider; for providers outside this project, too."""

    def account(request: pytest.FixtureRequest) -> Account:
        found: Emulator = request.getfixturevalue(emulator_fixture)
        return found.account(name)

    account.__doc__ = f"Give the ready {name} account of `{emulator_fixture}`."
    scope: Any = "function" if emulator_fixture == "emulator_shared" else _scope
    fixture: Callable[..., object] = pytest.fixture(name=fixture_name, scope=scope)(account)
    return fixture


for _module in pkgutil.iter_modules([str(Path(__file__).parent / "providers")]):
    if _module.ispkg:
        for _kind in ("", "_server", "_shared"):
            _fixture = f"{_module.name}{_kind}"
            globals()[f"_{_fixture}"] = provider_fixture(_module.name, f"emulator{_kind}", _fixture)
