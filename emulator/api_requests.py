"""The API calls that an emulator answered, as a test looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from emulator.world import World


@dataclass(frozen=True, slots=True, repr=False)
class ApiRequest:
    """One call and its answer, secrets masked. `operation` is the operationId, None where the path has none.

    `body` and `answer` are the JSON values; `at` is the time of the world's clock.
    """

    n: int
    at: str
    provider: str
    operation: str | None
    method: str
    path: str
    query: str
    status: int
    headers: dict[str, str]
    body: Any
    answer: Any

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        named = f" {self.operation}" if self.operation else ""
        return f"{self.method} {self.provider} {self.path}{query} {self.status}{named}"


def requests(world: World, *, newest: int | None = None) -> list[ApiRequest]:
    """Return the calls in a world's journal, oldest first; the `newest` of them or all."""
    return list(islice(_newest_first(world), newest))[::-1]


def _newest_first(world: World) -> Iterator[ApiRequest]:
    for entry in reversed(tuple(world.journal)):
        if entry.kind == "http":
            told = entry.as_json()
            yield ApiRequest(
                n=told["n"],
                at=told["at"],
                provider=told["provider"],
                operation=told["operation"],
                method=told["method"],
                path=told["path"],
                query=told["query"],
                status=told["status"],
                headers=told["request_headers"],
                body=told["request_body"],
                answer=told["response_body"],
            )
