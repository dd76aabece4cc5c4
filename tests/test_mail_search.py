"""Search: all words, without case, best first and then newest."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.mail import MESSAGES, Mailbox
from emulator.mail.search import search
from emulator.mail.sightings import receive
from emulator.world import World
from tests.small_world import draft, mailbox


@pytest.fixture
def box(world: World) -> Mailbox:
    return mailbox(world, "box@x.test")


def _arrive(world: World, subject: str | None, text: str | None = "", **fields: Any) -> None:
    with world.step():
        receive(world, draft("box@x.test", subject, text=text, **fields))


def _found(world: World, box: Mailbox, query: str, limit: int = 10) -> list[str | None]:
    messages = world.store.each(MESSAGES, "timeline", box.id, newest_first=True)
    return [message.mail.subject for message in search(messages, query, limit)]


def test_all_words_must_occur(world: World, box: Mailbox) -> None:
    _arrive(world, "one", "red apple")
    _arrive(world, "two", "green apple")
    assert _found(world, box, "apple red") == ["one"]
    assert _found(world, box, "apple blue") == []


def test_words_may_occur_in_different_places(world: World, box: Mailbox) -> None:
    _arrive(world, "Invoice", "for apples", sender="shop@acme.test")
    assert _found(world, box, "invoice apples acme") == ["Invoice"]


def test_case_does_not_matter(world: World, box: Mailbox) -> None:
    _arrive(world, "GROSSE Straße", "")
    assert (
        _found(world, box, "große")
        == _found(world, box, "GROSSE")
        == _found(world, box, "STRASSE")
        == ["GROSSE Straße"]
    )


def test_only_whole_words_match(world: World, box: Mailbox) -> None:
    _arrive(world, "apples")
    assert _found(world, box, "apple") == []


@pytest.mark.parametrize("query", ["", "  ", "!?", '"'])
def test_a_query_without_words_finds_nothing(world: World, box: Mailbox, query: str) -> None:
    _arrive(world, "one", "!? text")
    assert _found(world, box, query) == []


def test_more_occurrences_rank_higher(world: World, box: Mailbox) -> None:
    _arrive(world, "many", "apple apple apple")
    _arrive(world, "few", "apple")
    assert _found(world, box, "apple") == ["many", "few"]


def test_the_subject_counts_more_than_the_text(world: World, box: Mailbox) -> None:
    _arrive(world, "apple", "")
    _arrive(world, "text", "apple apple apple")
    assert _found(world, box, "apple") == ["apple", "text"]


def test_equal_ranks_stand_newest_first(world: World, box: Mailbox) -> None:
    for number in range(4):
        _arrive(world, str(number), "apple")
    assert _found(world, box, "apple") == ["3", "2", "1", "0"]


def test_the_limit_keeps_the_best(world: World, box: Mailbox) -> None:
    _arrive(world, "best", "apple apple")
    _arrive(world, "other", "apple")
    assert _found(world, box, "apple", limit=1) == ["best"]


def test_the_decoded_name_of_the_sender_is_searched(world: World, box: Mailbox) -> None:
    _arrive(world, "one", sender_name="Jürgen Müller")
    assert _found(world, box, "jürgen") == ["one"]
    assert _found(world, box, "utf") == []


def test_html_is_searched_without_its_tags(world: World, box: Mailbox) -> None:
    _arrive(world, "one", None, html="<style>hidden</style><p class='hidden'>caf&eacute;</p>")
    assert _found(world, box, "café") == ["one"]
    assert _found(world, box, "hidden") == []


def test_mail_without_subject_and_text_is_no_trouble(world: World, box: Mailbox) -> None:
    _arrive(world, None, None)
    assert _found(world, box, "someone") == [None]
