"""The same examples in every run: what Hypothesis tries must not depend on what else is loaded."""

from __future__ import annotations


def examples_of_their_own() -> None:
    """Keep Hypothesis from mixing in literals of the modules that happen to be loaded.

    Which ones are depends on what ran before in the same process, so the same test would try other values each time.
    No setting of Hypothesis switches that off.
    """
    from hypothesis.internal.conjecture import providers

    if hasattr(providers, "is_local_module_file"):  # not in every version
        providers.is_local_module_file = _is_not


def _is_not(_path: str) -> bool:
    return False
