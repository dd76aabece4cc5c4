"""Every error that a contract document knows can be had."""

from __future__ import annotations

import pytest

from emulator.provider import Provider
from tests.every_error import documented, generations, provoked


@pytest.mark.parametrize("provider", generations(), ids=lambda provider: f"{provider.name}-{provider.revision}")
def test_every_documented_error_is_provoked(provider: Provider) -> None:
    how = provoked(provider)
    assert set(how) == documented(provider)
    by_state = [error for error, way in how.items() if way == "state"]
    assert {401, 404} <= {error.status for error in by_state}, "what needs no rule is provoked without one"
