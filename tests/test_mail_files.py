"""Tokens for attachments: whoever has one may fetch the file, and nobody can make one."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator.mail import MESSAGES, Attachment, Message
from emulator.mail.files import open_file, sign
from emulator.mail.filing import remove_message
from emulator.mail.sightings import receive
from emulator.world import World
from tests.small_world import START, draft, mailbox, small_world

HOUR = timedelta(hours=1)
_FILES = (Attachment("a.txt", "text/plain", b"first"), Attachment("b.pdf", "application/pdf", b"second"))


def _message(world: World) -> Message:
    mailbox(world, "box@x.test")
    (found,) = receive(world, draft("box@x.test", attachments=_FILES))
    message = world.store.get(MESSAGES, str(found.message_id))
    assert message is not None
    return message


@pytest.mark.parametrize("index", [0, 1])
def test_a_token_opens_its_file(world: World, index: int) -> None:
    token = sign(world, _message(world).id, index, HOUR)
    assert open_file(world, token) == (_FILES[index], START + HOUR)


def test_a_token_is_safe_in_a_url(world: World) -> None:
    token = sign(world, _message(world).id, 0, HOUR)
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_an_expired_token_says_when_it_expired(world: World) -> None:
    token = sign(world, _message(world).id, 0, HOUR)
    world.advance(2 * HOUR)
    file = open_file(world, token)
    assert file is not None
    assert file.expires_at == START + HOUR < world.now()


def test_the_expiry_cannot_be_changed(world: World) -> None:
    token = sign(world, _message(world).id, 0, HOUR)
    payload, _, mac = token.partition(".")
    text = base64.urlsafe_b64decode(payload + "==")
    later = text.replace(str((START + HOUR).timestamp()).encode(), str((START + 9 * HOUR).timestamp()).encode())
    assert later != text
    forged = base64.urlsafe_b64encode(later).rstrip(b"=").decode()
    assert open_file(world, f"{forged}.{mac}") is None


def test_the_signature_of_one_file_does_not_open_another(world: World) -> None:
    message = _message(world)
    first, second = (sign(world, message.id, index, HOUR).split(".") for index in (0, 1))
    assert open_file(world, f"{first[0]}.{second[1]}") is None


def test_a_token_of_another_seed_opens_nothing(world: World) -> None:
    message, other = _message(world), small_world("another seed")
    assert open_file(world, sign(other, message.id, 0, HOUR)) is None


def test_a_token_of_a_removed_message_opens_nothing(world: World) -> None:
    message = _message(world)
    token = sign(world, message.id, 0, HOUR)
    remove_message(world, message)
    assert open_file(world, token) is None


@given(st.text(max_size=60))
@example("")
@example(".")
@example("a.b.c")
@example("é.é")
@example("\ud800.AA")
@example("W10.")
def test_anything_else_opens_nothing(token: str) -> None:
    assert open_file(small_world(), token) is None


@given(st.data())
def test_a_changed_token_opens_nothing(data: st.DataObject) -> None:
    world = small_world()
    token = sign(world, _message(world).id, 0, HOUR)
    # The last letter of either half carries bits that stand for nothing.
    half = token.index(".")
    place = data.draw(st.sampled_from([n for n in range(len(token)) if n not in (half - 1, half, len(token) - 1)]))
    letter = data.draw(st.sampled_from("ABCabc012-_").filter(lambda letter: letter != token[place]))
    assert open_file(world, token[:place] + letter + token[place + 1 :]) is None
