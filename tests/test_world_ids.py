"""Ids: what they look like, and that only the seed and the parts decide them."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.world.ids import BASE62, HEX, Ids, prefixed, prefixed_uuid, uuid

_DIGESTS = st.binary(min_size=32, max_size=32)


@given(_DIGESTS)
def test_a_uuid_is_a_valid_version_4(digest: bytes) -> None:
    read = UUID(uuid(digest))
    assert (str(read), read.version, read.variant) == (uuid(digest), 4, "specified in RFC 4122")


@given(_DIGESTS, st.integers(1, 32), st.sampled_from([BASE62, HEX]))
def test_a_prefixed_id_has_its_length_and_alphabet(digest: bytes, length: int, alphabet: str) -> None:
    text = prefixed("box_", length, alphabet)(digest)
    assert text[:4] == "box_"
    assert len(text) == 4 + length
    assert set(text[4:]) <= set(alphabet)


def test_a_prefixed_uuid_is_both() -> None:
    digest = bytes(range(32))
    assert prefixed_uuid("key_")(digest) == "key_" + uuid(digest)


def test_every_letter_of_an_alphabet_occurs() -> None:
    write = prefixed("", 32)
    assert set("".join(write(Ids("seed").digest(n)) for n in range(200))) == set(BASE62)


def test_a_digest_is_decided_by_seed_and_parts() -> None:
    assert Ids("a").digest("x", 1) == Ids("a").digest("x", 1)
    assert len(Ids("a").digest("x", 1)) == 32


@pytest.mark.parametrize("other", [("x", 2), ("y", 1), ("x1",), ("x", 1, ""), (1, "x")])
def test_other_parts_give_another_digest(other: tuple[object, ...]) -> None:
    assert Ids("a").digest(*other) != Ids("a").digest("x", 1)


def test_the_digest_of_a_seed_never_changes() -> None:
    # Written down, because tests of users may hold on to ids.
    assert uuid(Ids("0").digest("inkbox", "message", "box", 1)) == "0a162fb9-0ecb-4467-8e0a-573163b6ef4a"
