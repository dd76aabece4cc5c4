"""Strategies that the fuzz tests of the mail doors share."""

from __future__ import annotations

from hypothesis import strategies as st

Bytes = st.SearchStrategy[bytes]


def one_of(words: bytes, *others: bytes) -> Bytes:
    """One of some words, which spaces divide, or of others, which may hold spaces."""
    return st.sampled_from([*words.split(b" "), *others])


@st.composite
def edited(draw: st.DrawFn, whole: bytes, pieces: Bytes) -> bytes:
    """Bytes of which spans were replaced, put in, taken out or said twice."""
    for _ in range(draw(st.integers(1, 4))):
        a, b = sorted(draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
        new = draw(st.sampled_from([b"", whole[a:b] * 2]) | pieces)
        whole = whole[:a] + new + whole[draw(st.sampled_from([a, b])) :]
    return whole
