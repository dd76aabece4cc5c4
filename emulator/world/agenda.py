"""What a world has to do later: tasks in the store, run in order when their time has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from emulator.world.store import Collection, Order

if TYPE_CHECKING:
    from emulator.world.world import World


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do at a moment: the name of a handler and its argument. Plain data, so worlds can fork."""

    id: str
    due: datetime
    n: int
    handler: str
    argument: str


TASKS: Collection[Task] = Collection(
    "tasks",
    ordered={"due": Order(groups=lambda t: ("all",), sort=lambda t: (t.due, t.n))},
)

Handler = Callable[["World", str], None]
_HANDLERS: dict[str, Handler] = {}


def handler(name: str) -> Callable[[Handler], Handler]:
    """Register the function that carries out the tasks of this name."""

    def register(function: Handler) -> Handler:
        _HANDLERS[name] = function
        return function

    return register


def schedule(world: World, due: datetime, name: str, argument: str) -> Task:
    """Note a task for `due`; a moment that has passed means as soon as the present step is done."""
    n = world.store.tick("tasks")
    return world.store.add(TASKS, Task(f"task-{n}", due, n, name, argument))


def run_due(world: World, until: datetime, *, pausing: bool = False) -> int:
    """Carry out all tasks due by `until`, earliest first, those they schedule included. Returns how many.

    With `pausing` it stops when something is left in the outbox, which is to be done before the clock moves on.
    A task that fails is not tried again, and what it did is undone.
    """
    done = 0
    while (task := next_task(world)) is not None and task.due <= until:
        world.store.remove(TASKS, task.id)
        if world.clock.virtual and task.due > world.clock.now():
            world.clock.move_to(task.due)
        before = world.store.root
        try:
            _HANDLERS[task.handler](world, task.argument)
        except BaseException:
            world.store.root = before
            raise
        done += 1
        if pausing and world.outbox.undone:
            break
    return done


def next_task(world: World) -> Task | None:
    """Return the earliest task, or None."""
    return next(world.store.each(TASKS, "due", "all"), None)
