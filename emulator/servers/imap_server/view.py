"""What one connection has been told of the folder it has open."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import Final, NamedTuple

from emulator.mail import MESSAGES, Message
from emulator.mail.folders import Folder, claim_recent
from emulator.servers.imap_server.clues import Clue, Notes, Run
from emulator.servers.imap_server.fetch import flags
from emulator.servers.imap_server.parser import NumberSet
from emulator.world import World
from emulator.world.ordered import SortedKeys
from emulator.world.store import Store

_MANY: Final = 20


class Place(NamedTuple):
    """Where a message stands in the view."""

    number: int
    uid: int
    message_id: str


def places_of(run: Run) -> list[Place]:
    """Return where the messages of a run stand."""
    return [Place(number, key[0], key[-1]) for number, key in enumerate(run.keys, run.first)]


class View:
    """A folder as the client knows it: numbers count in it, whatever became of the folder since.

    It is the folder's keys at a moment, a value, so opening a folder costs the same however much is in it.
    Every method reads the world and is called inside a step.
    """

    def __init__(self, world: World, folder: Folder, *, read_only: bool) -> None:
        self.folder = folder
        self.read_only = read_only
        self.notes = Notes()
        self._world = world
        self._group = (folder.mailbox_id, folder.id)
        self._recent: list[range] = []
        self._told: dict[int, bytes] = {}
        self._claim_recent()
        self._then = Store(world.store.root)
        self._keys = self._then.keys(MESSAGES, "folder", self._group)

    def __len__(self) -> int:
        return len(self._keys)

    def first_unseen(self) -> int | None:
        """Return the number of the first unread message, or None."""
        unseen = self._then.keys(MESSAGES, "folder", (*self._group, "unseen")).slice(0, 1)
        return self._keys.rank(unseen[0]) + 1 if unseen else None

    def count_recent(self) -> int:
        """Return how many messages this connection was the first to be told of."""
        return sum(self._keys.rank((uids.stop,)) - self._keys.rank((uids.start,)) for uids in self._recent)

    def is_recent(self, uid: int) -> bool:
        """Tell whether this connection was the first to be told of a message."""
        return any(uid in uids for uids in self._recent)

    def places(self, numbers: NumberSet, *, by_uid: bool) -> list[Place]:
        """Return where the messages of a set of numbers (or UIDs) stand, in order, each once."""
        keys, last = self._keys, self.last()
        ranges = numbers.within(last.uid if by_uid else last.number)
        if by_uid:
            ranges = [(keys.rank((a,)) + 1, keys.rank((b + 1,))) for a, b in ranges]
        found: dict[int, Place] = {}
        for a, b in ranges:
            first = max(a, 1)
            found |= {place.number: place for place in places_of(Run(first, tuple(keys.slice(first - 1, b))))}
        return [found[number] for number in sorted(found)]

    def all(self) -> list[Place]:
        """Return where every message stands."""
        return places_of(Run(1, tuple(self._keys)))

    def runs(self) -> list[Run]:
        """Return all messages in pieces of some hundreds."""
        blocks = self._keys.blocks
        return list(map(Run, accumulate(map(len, blocks), initial=1), blocks))

    def gather(self, run: Run, clue: Clue) -> None:
        """Note what a clue is interested in of the messages of a run."""
        self.notes.gather(run, clue, [self.message_once(place) for place in places_of(run)])

    def unseen(self) -> list[Place] | None:
        """Return where the unread messages stand; None if they are many."""
        return self._few(self._world.store.keys(MESSAGES, "folder", (*self._group, "unseen")))

    def flagged(self, flag: str) -> list[Place] | None:
        """Return where the messages stand that have this flag, other than Seen; None if they are many."""
        return self._few(self._world.store.keys(MESSAGES, "folder", (*self._group, flag)))

    def last(self) -> Place:
        """Return where the last message stands; number and UID are 0 if there is none."""
        return next((Place(len(self), key[0], key[-1]) for key in self._keys.descending()), Place(0, 0, ""))

    def message(self, place: Place) -> Message | None:
        """Return a message as it is now, or None if it is not in the folder any more."""
        message = self._world.store.get(MESSAGES, place.message_id)
        here = message is not None and message.place == self.folder.id and message.uid == place.uid
        return message if here else None

    def message_once(self, place: Place) -> Message:
        """Return a message as it is now, or as it was when it was last in the folder."""
        message = self.message(place) or self._then.get(MESSAGES, place.message_id)
        if message is None:
            raise LookupError(f"message {place.message_id} stood in a folder and in no world")
        return message

    def tell_flags(self, place: Place, message: Message) -> bytes:
        """Return the flags of a message, which the client is told now or knows."""
        written = self._told[place.uid] = flags(message, recent=self.is_recent(place.uid))
        return written

    def update(self, *, expunge: bool = True) -> list[bytes]:
        """Return what the client has to be told of what changed; nothing yet if messages went that may not go now."""
        now = Store(self._world.store.root)
        keys = now.keys(MESSAGES, "folder", self._group)
        if keys is self._keys:
            self._then = now
            self._told.clear()
            return []
        left, come = self._keys.difference(keys), keys.difference(self._keys)
        before, after = {key[0] for key in left}, {key[0] for key in come}
        gone = [key for key in left if key[0] not in after]
        if gone and not expunge:
            return []
        lines = [b"%d EXPUNGE" % (self._keys.rank(key) + 1) for key in reversed(gone)]
        self._then, self._keys = now, keys
        if after - before:
            self._claim_recent()
            lines += [b"%d EXISTS" % len(keys), b"%d RECENT" % self.count_recent()]
        changed = [Place(keys.rank(key) + 1, key[0], key[-1]) for key in come if key[0] in before]
        lines += self._changed_flags(changed)
        self._told.clear()
        return lines

    def _few(self, keys: SortedKeys) -> list[Place] | None:
        if len(keys) > len(self) // _MANY:
            return None
        found = ((self._keys.find((key[0],)), key[0]) for key in keys)
        return [Place(rank + 1, uid, key[-1]) for (rank, key), uid in found if key and key[0] == uid]

    def _changed_flags(self, places: Iterable[Place]) -> list[bytes]:
        lines = []
        for place in places:
            known = self._told.get(place.uid)
            written = self.tell_flags(place, self.message_once(place))
            if written != known:
                lines.append(b"%d FETCH (UID %d FLAGS %s)" % (place.number, place.uid, written))
        return lines

    def _claim_recent(self) -> None:
        if not self.read_only:
            self._recent.append(claim_recent(self._world, self.folder))
