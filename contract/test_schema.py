"""The schema suite: coverage and fuzzing of every operation, and scenarios that follow the document's links."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from contract import target as aim
from contract.furnished import furnished
from contract.sessions import session_over
from contract.target import Target
from emulator import coverage
from emulator.provider import Problem, Provider

_UNPROCESSABLE = 422
_CONFIG = Path(__file__).with_name("schemathesis.toml")
_SCENARIOS = settings(
    max_examples=60, stateful_step_count=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


class _Subject:
    """A provider under test: a schema that knows where to send requests, and how to start afresh."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        emulator = None if aim.RUN.choice.base_url else furnished(provider, aim.RUN.choice)
        self.target = Target(provider.name, aim.RUN, emulator)
        self.session = session_over(self.target.wire)

    def load(self) -> Any:
        """Return the schema with its auth; each consumer needs one of its own."""
        config = SchemathesisConfig.from_path(_CONFIG)
        if self.provider.render(Problem("invalid", ""), "").status != _UNPROCESSABLE:
            # Where what breaks the contract is answered otherwise, this is the answer to what breaks a rule.
            config.projects.default.checks.positive_data_acceptance.expected_statuses.append(str(_UNPROCESSABLE))
        config.projects.default.update(base_url=self.target.base_url)
        schema = schemathesis.openapi.from_dict(dict(self.provider.document.raw), config=config)
        schema.auth()(_auth(self.provider, self.target.world_header))
        return schema

    def start_afresh(self) -> None:
        """Put the emulator's world back to its start; a live API stays as it is."""
        if self.target.emulator:
            self.target.emulator.reset()
        elif not self.target.live:
            self.target.reset()
            for longest in self.provider.waiting_operations.values():
                self.target.control("PUT", f"/settings/{self.provider.name}/{longest}", json={"value": 0})

    def check(self) -> None:
        """Raise what went wrong inside the emulator itself."""
        if self.target.emulator:
            self.target.emulator.close()


def _auth(provider: Provider, world: dict[str, str]) -> type:
    class Auth:
        def get(self, case: Any, _context: Any) -> dict[str, str]:
            key = aim.RUN.choice.api_key(provider, case.operation.definition.raw["operationId"])
            return {**provider.key_headers(key), **world}

        def set(self, case: Any, data: dict[str, str], _context: Any) -> None:
            case.headers.update(data)

    return Auth


def _operations_test(subject: _Subject) -> Any:
    built, wanted = coverage.built(subject.provider), aim.RUN.choice.operations
    # What is documented but not built is answered with 501, whatever is sent.
    schema = subject.load().exclude(lambda context: context.operation.definition.raw["operationId"] not in built)
    if wanted:
        schema = schema.include(lambda context: wanted in context.operation.definition.raw["operationId"])

    @schema.parametrize()  # type: ignore[untyped-decorator]  # schemathesis' own
    def check_operation(case: Any) -> None:
        subject.start_afresh()
        case.call_and_validate(session=subject.session)
        subject.check()

    return check_operation


def _scenarios_test(subject: _Subject) -> Any:
    class Scenarios(subject.load().as_state_machine()):  # type: ignore[misc]  # made at run time
        def setup(self) -> None:
            subject.start_afresh()

        def get_call_kwargs(self, _case: Any) -> dict[str, Any]:
            return {"session": subject.session}

        def teardown(self) -> None:
            subject.check()

    test: Any = Scenarios.TestCase
    test.settings = _SCENARIOS
    return test


for _name in aim.RUN.choice.providers() if aim.RUN.profile == "full" else ():
    globals()[f"test_{_name}_operations"] = _operations_test(_Subject(aim.RUN.choice.get(_name)))
    # Scenarios start from nothing each time, which a live API cannot.
    if not aim.RUN.choice.operations and not aim.RUN.live:
        globals()[f"Test{_name.title()}Scenarios"] = _scenarios_test(_Subject(aim.RUN.choice.get(_name)))
