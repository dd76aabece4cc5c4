"""Every operation that only reads answers as documented: what a run at a live provider may always do."""

from __future__ import annotations

from typing import Any

import pytest

from contract import target as aim
from contract.furnished import furnished
from contract.reading import Reader, operations
from contract.target import Target
from emulator import coverage
from emulator.openapi import Operation


def _reading_test(name: str) -> Any:
    choice = aim.RUN.choice
    provider = choice.get(name)
    target = Target(name, aim.RUN, None if choice.base_url else furnished(provider, choice))
    built = set(provider.document.operations) if target.live else coverage.built(provider)
    known = [one for one in operations(target) if one.id in built]
    reader = Reader(target, known)
    wanted = [one for one in known if (choice.operations or "") in one.id]

    @pytest.mark.parametrize("operation", wanted, ids=lambda operation: operation.id)
    def check(operation: Operation) -> None:
        reader.read(operation)

    return check


for _name in aim.RUN.choice.providers():
    globals()[f"test_{_name}_reads"] = _reading_test(_name)
