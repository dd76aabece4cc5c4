"""The floors of the house: a floor imports only floors below it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent / "emulator"

# Lowest first. A module belongs to the first floor whose prefix it has.
_FLOORS = [
    ["emulator._version"],
    ["emulator.world"],
    ["emulator.mail"],
    ["emulator.fetching"],
    ["emulator.webhooks"],
    ["emulator.openapi", "emulator.paging"],
    ["emulator.provider"],
    ["emulator.providers"],
    ["emulator.coverage", "emulator.fault_rules"],
    ["emulator.starting", "emulator.snapshots", "emulator.beginnings"],
    ["emulator.servers"],
    ["emulator.intercept"],
    ["emulator.api_requests", "emulator.telling"],
    ["emulator.harness", "emulator.account", "emulator.inboxes", "emulator.believable"],
    ["emulator", "emulator.cli", "emulator.pytest_plugin", "emulator.__main__"],
]
_OUTSIDE = ("contract", "fixtures", "tests", "bench")


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(_ROOT.rglob("*.py")):
        parts = path.relative_to(_ROOT.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _floor(module: str) -> int:
    matches = [
        (len(prefix), level)
        for level, prefixes in enumerate(_FLOORS)
        for prefix in prefixes
        if module == prefix or module.startswith(f"{prefix}.")
    ]
    return max(matches)[1]


def _all() -> list[tuple[str, str]]:
    known = {name for name, _ in _modules()}
    return [
        (name, target)
        for name, path in _modules()
        for target in _imports(path)
        if target in known and target not in (name, "emulator")
    ]


def test_a_floor_imports_only_floors_below_it() -> None:
    wrong = [f"{name} imports {target}" for name, target in _all() if _floor(target) > _floor(name)]
    assert wrong == []


def test_no_provider_imports_another() -> None:
    def provider(module: str) -> str | None:
        parts = module.split(".")
        return parts[2] if parts[:2] == ["emulator", "providers"] and len(parts) > 2 else None

    wrong = [
        f"{name} imports {target}"
        for name, target in _all()
        if provider(name) and provider(target) and provider(name) != provider(target)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", [path for _, path in _modules()], ids=lambda path: str(path.relative_to(_ROOT)))
def test_the_product_never_imports_what_only_proves_it(path: Path) -> None:
    assert [name for name in _imports(path) if name.partition(".")[0] in _OUTSIDE] == []


@pytest.mark.parametrize("floor", ["world", "mail", "providers"])
def test_flask_is_known_to_routes_and_doors_only(floor: str) -> None:
    flask = {
        path.name
        for path in (_ROOT / floor).rglob("*.py")
        for name in _imports(path)
        if name.partition(".")[0] in ("flask", "werkzeug")
    }
    # __init__.py names Flask's types for the type checker and imports routes.py when asked.
    assert {name for name in flask if not name.endswith("routes.py")} <= {"__init__.py"}


def test_every_provider_has_the_same_shape() -> None:
    for folder in (_ROOT / "providers").iterdir():
        if folder.is_dir() and folder.name != "__pycache__":
            files = {path.name for path in folder.iterdir()}
            needed = {"__init__.py", "openapi.json", "resources.py", "routes.py", "wire.py", "seed.json"}
            assert needed <= files, folder.name


def test_functions_fit_a_screen() -> None:
    long = [
        f"{path.relative_to(_ROOT)}:{node.lineno} {node.name} has {length} lines"
        for _, path in _modules()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > 50
    ]
    assert long == []
