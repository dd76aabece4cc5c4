"""The time of a world: the real one, or one that stands still until it is told to move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

VIRTUAL_START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
"""Where a virtual clock starts unless told otherwise."""


class Clock:
    """A clock in UTC. Without `start` it is the real time; with it, time stands still until `move_to`."""

    __slots__ = ("_now",)

    def __init__(self, start: datetime | None = None) -> None:
        self._now = None if start is None else start.astimezone(UTC)

    @property
    def virtual(self) -> bool:
        """Tell whether this clock only moves when told."""
        return self._now is not None

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        return self._now if self._now is not None else datetime.now(UTC)

    def move_to(self, moment: datetime) -> None:
        """Set a virtual clock; ValueError on the real one or when `moment` lies in the past."""
        if self._now is None:
            raise ValueError("the real clock cannot be moved: freeze it first, or start the world with a virtual clock")
        if moment < self._now:
            raise ValueError(f"the clock stands at {timestamp(self._now)} and does not go back to {timestamp(moment)}")
        self._now = moment.astimezone(UTC)

    def fork(self) -> Clock:
        """Return a clock of the same kind and time."""
        return Clock(self._now)


def timestamp(moment: datetime, timespec: str = "milliseconds") -> str:
    """Write a moment as ISO 8601 in UTC with `Z`, e.g. 2026-01-01T12:00:00.000Z; `timespec` is that of isoformat."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """Read a moment as RFC 3339 writes it; one outside the years 1 to 9999 is the nearest that a datetime can be."""
    try:
        # RFC 3339 allows a leap second and lower case, fromisoformat neither.
        return datetime.fromisoformat(text.upper().replace(":60", ":59")).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.max.replace(tzinfo=UTC) if text.startswith("9") else datetime.min.replace(tzinfo=UTC)


def parse_moment(text: str) -> datetime:
    """Read an ISO 8601 time, UTC unless it says otherwise; ValueError says what is accepted."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"not a time: {text!r} (write 2026-01-01T12:00:00Z)") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_duration(text: str) -> timedelta:
    """Read `90s`, `15m`, `1h`, `7d` or plain seconds; ValueError says what is accepted."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = (text[:-1], units[text[-1]]) if text and text[-1] in units else (text, 1)
    try:
        seconds = float(number) * unit
        return timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        raise ValueError(f"not a duration: {text!r} (write 90s, 15m, 1h or 7d)") from None
