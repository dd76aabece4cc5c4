import asyncio

import pytest
from confirm import Inboxes, confirm

LINK = "https://shop.example.com/confirm?token=9f8e7d6c5b4a"


@pytest.mark.parametrize(("text", "expected"), [(f"Confirm your address: {LINK}", [LINK]), ("Buy more!", [])])
def test_the_link_is_followed_if_there_is_one(emulator, postern, text, expected):
    shop, followed = emulator.person("shop@example.com"), []

    async def register(address):
        shop.send(address, "Please confirm", text)

    async def follow(link):
        followed.append(link)

    async def run():
        async with Inboxes(postern.api_key) as inboxes:
            return await confirm(inboxes, register, follow, since="2026-01-01T00:00:00Z")

    address = asyncio.run(run())
    assert followed == expected
    assert (address is not None) == bool(expected)


@pytest.mark.emulator(skip_waits=True)
def test_a_minute_without_mail_takes_no_minute(postern):
    async def nothing(_):
        pass

    async def run():
        async with Inboxes(postern.api_key) as inboxes:
            return await confirm(inboxes, nothing, nothing, since="2026-01-01T00:00:00Z")

    assert asyncio.run(run()) is None
