"""The schema suite: coverage and fuzzing of every operation, and scenarios that follow the document's links."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from contract import target as aim
from contract.target import Target, wsgi_with_document
from emulator.harness import Emulator
from emulator.provider import Provider

_CONFIG = Path(__file__).with_name("schemathesis.toml")
_SCENARIOS = settings(
    max_examples=60, stateful_step_count=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


class _Subject:
    """A provider under test: a schema that knows where to send requests, and how to start afresh."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.emulator = None if aim.CHOICE.base_url else _furnished(provider)
        self.remote = None if self.emulator else Target(provider.name, aim.CHOICE)
        self.key = aim.CHOICE.api_key(provider)

    def load(self) -> Any:
        """Return the schema with its auth; each consumer needs one of its own."""
        config = SchemathesisConfig.from_path(_CONFIG)
        if self.emulator:
            app = wsgi_with_document(self.provider, self.emulator.wsgi)
            schema = schemathesis.openapi.from_wsgi("/openapi.json", app, config=config)
        else:
            config.projects.default.update(base_url=aim.CHOICE.base_url)
            schema = schemathesis.openapi.from_dict(dict(self.provider.document.raw), config=config)
        world = {} if self.remote is None else dict(self.remote.world_header)
        schema.auth()(_auth({**self.provider.key_headers(self.key), **world}))
        return schema

    def start_afresh(self) -> None:
        """Put the emulator's world back to its start; a live API stays as it is."""
        if self.emulator:
            self.emulator.reset()
        elif self.remote and not self.remote.live:
            self.remote.control("POST", "/reset")

    def check(self) -> None:
        """Raise what went wrong inside the emulator itself."""
        if self.emulator:
            self.emulator.close()


def _furnished(provider: Provider) -> Emulator:
    """Return an emulator with the mailbox that the documents give as an example, and a mail in it."""
    emulator = aim.CHOICE.emulator(provider)
    mailbox = emulator.account(provider.name).mailbox("sales.team")
    emulator.receive(mailbox.address, "Hello", "An example.", attachments={"example.pdf": b"%PDF-1.7"})
    emulator.world.settled_origin()
    return emulator


def _auth(headers: dict[str, str]) -> type:
    class Auth:
        def get(self, _case: Any, _context: Any) -> dict[str, str]:
            return headers

        def set(self, case: Any, data: dict[str, str], _context: Any) -> None:
            case.headers.update(data)

    return Auth


def _operations_test(subject: _Subject) -> Any:
    schema = subject.load()
    wanted = aim.CHOICE.operations
    if wanted:
        schema = schema.include(lambda context: wanted in context.operation.definition.raw["operationId"])

    @schema.parametrize()  # type: ignore[untyped-decorator]  # schemathesis' own
    def check_operation(case: Any) -> None:
        subject.start_afresh()
        case.call_and_validate()
        subject.check()

    return check_operation


def _scenarios_test(subject: _Subject) -> Any:
    class Scenarios(subject.load().as_state_machine()):  # type: ignore[misc]  # made at run time
        def setup(self) -> None:
            subject.start_afresh()

        def teardown(self) -> None:
            subject.check()

    test: Any = Scenarios.TestCase
    test.settings = _SCENARIOS
    return test


for _name in aim.CHOICE.providers():
    _subject = _Subject(aim.CHOICE.get(_name))
    globals()[f"test_{_name}_operations"] = _operations_test(_subject)
    # Scenarios start from nothing each time, which a live API cannot.
    if not aim.CHOICE.operations and not (_subject.remote and _subject.remote.live):
        globals()[f"Test{_name.title()}Scenarios"] = _scenarios_test(_Subject(aim.CHOICE.get(_name)))
