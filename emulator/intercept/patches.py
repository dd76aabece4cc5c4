"""Replace attributes of other modules for a time, also of modules that are imported only later."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_MISSING = object()


class Patches:
    """What is replaced, and how to put it back; `install` and `remove` it as a whole."""

    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any]] = []
        self._late = _LateFinder()

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Put `make(what is there)` in the place of an attribute."""
        own = vars(owner).get(name, _MISSING)  # an inherited one is not this owner's to put back
        setattr(owner, name, make(getattr(owner, name)))
        self._undo.append((owner, name, own))

    def when_imported(self, module: str, change: Callable[[ModuleType], None]) -> None:
        """Change a module now, or as soon as somebody imports it."""
        if module in sys.modules:
            change(sys.modules[module])
        else:
            self._late.changes[module] = change
            if self._late not in sys.meta_path:
                sys.meta_path.insert(0, self._late)

    def remove(self) -> None:
        """Put everything back, the last first."""
        if self._late in sys.meta_path:
            sys.meta_path.remove(self._late)
        while self._undo:
            owner, name, own = self._undo.pop()
            if own is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, own)


class _LateFinder(MetaPathFinder):
    def __init__(self) -> None:
        self.changes: dict[str, Callable[[ModuleType], None]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.changes:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        spec = next(filter(None, (finder.find_spec(fullname, path, target) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _ChangingLoader(spec.loader, self.changes.pop(fullname))
        return spec


class _ChangingLoader(Loader):
    """Loads as another loader does, and changes the module when that is done."""

    def __init__(self, loader: Loader, change: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)  # resources and sources are asked for by name

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None, "a module that is being imported has one"
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._change(module)
