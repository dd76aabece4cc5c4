"""A persistent sorted sequence: every change gives a new value and shares the rest with the old one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final

Key = tuple[Any, ...]

_BLOCK: Final = 512


class SortedKeys:
    """Sorted keys in blocks of at most 512; add and remove copy one block, so forks are free.

    Keys are tuples that compare with each other. A key is held once.
    """

    __slots__ = ("_blocks", "_length", "_starts")

    def __init__(self, blocks: tuple[tuple[Key, ...], ...] = (), length: int = 0) -> None:
        self._blocks = blocks
        self._length = length
        self._starts: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return self._length

    @property
    def blocks(self) -> tuple[tuple[Key, ...], ...]:
        """All keys in pieces; a piece that did not change is the same object in every later sequence."""
        return self._blocks

    def __iter__(self) -> Iterator[Key]:
        for block in self._blocks:
            yield from block

    def add(self, key: Key) -> SortedKeys:
        """Return the sequence with `key` in it."""
        blocks = self._blocks
        if not blocks:
            return SortedKeys(((key,),), 1)
        at = min(self._block_of(key), len(blocks) - 1)
        block = blocks[at]
        place = bisect_left(block, key)
        if place < len(block) and block[place] == key:
            return self
        new = _split((*block[:place], key, *block[place:]))
        return SortedKeys(blocks[:at] + new + blocks[at + 1 :], self._length + 1)

    def remove(self, key: Key) -> SortedKeys:
        """Return the sequence without `key`; the same one if it is not there."""
        at = self._block_of(key)
        if at == len(self._blocks):
            return self
        block = self._blocks[at]
        place = bisect_left(block, key)
        if block[place] != key:
            return self
        rest = block[:place] + block[place + 1 :]
        kept = (rest,) if rest else ()
        return SortedKeys(self._blocks[:at] + kept + self._blocks[at + 1 :], self._length - 1)

    def ascending(self, after: Key | None = None) -> Iterator[Key]:
        """Yield the keys greater than `after`, smallest first."""
        at, place = (0, 0) if after is None else self._position(after)
        for block in self._blocks[at:]:
            for key in block[place:]:
                if key != after:
                    yield key
            place = 0

    def descending(self, before: Key | None = None) -> Iterator[Key]:
        """Yield the keys smaller than `before`, greatest first."""
        at, place = (len(self._blocks), 0) if before is None else self._position(before)
        if place:
            yield from reversed(self._blocks[at][:place])
        for block in reversed(self._blocks[:at]):
            yield from reversed(block)

    def slice(self, start: int, stop: int) -> list[Key]:
        """Return the keys from place `start` up to before place `stop`, smallest first."""
        found: list[Key] = []
        for block in self._blocks:
            if start < len(block) and stop > 0:
                found.extend(block[max(start, 0) : stop])
            start, stop = start - len(block), stop - len(block)
            if stop <= 0:
                break
        return found

    def rank(self, key: Key) -> int:
        """Return how many keys are smaller than `key`, which need not be there; the start of a key will do."""
        return self.find(key)[0]

    def find(self, key: Key) -> tuple[int, Key | None]:
        """Return how many keys are smaller than `key`, and the first one that is not, None if all are."""
        at, place = self._position(key)
        if self._starts is None:  # most sequences are never asked
            self._starts = (0, *accumulate(map(len, self._blocks)))
        return self._starts[at] + place, self._blocks[at][place] if at < len(self._blocks) else None

    def difference(self, other: SortedKeys) -> list[Key]:
        """Return the keys that the other sequence does not have; quick if they share their past."""
        theirs = {id(block) for block in other._blocks}
        mine = {id(block) for block in self._blocks}
        own = (key for block in self._blocks if id(block) not in theirs for key in block)
        foreign = {key for block in other._blocks if id(block) not in mine for key in block}
        return [key for key in own if key not in foreign]

    def slice_descending(self, start: int, count: int) -> list[Key]:
        """Return up to `count` keys, greatest first, leaving out the `start` greatest."""
        found: list[Key] = []
        for block in reversed(self._blocks):
            if start >= len(block):
                start -= len(block)
                continue
            newest_first = block[::-1]
            found.extend(newest_first[start : start + count - len(found)])
            start = 0
            if len(found) == count:
                break
        return found

    def _block_of(self, key: Key) -> int:
        return bisect_left(self._blocks, key, key=_last)

    def _position(self, key: Key) -> tuple[int, int]:
        at = self._block_of(key)
        return (at, bisect_left(self._blocks[at], key)) if at < len(self._blocks) else (at, 0)


def _last(block: tuple[Key, ...]) -> Key:
    return block[-1]


def _split(block: tuple[Key, ...]) -> tuple[tuple[Key, ...], ...]:
    if len(block) <= _BLOCK:
        return (block,)
    # Mail arrives at the end: keep the full part full, so appending stays dense.
    cut = _BLOCK - _BLOCK // 4
    return (block[:cut], block[cut:])
