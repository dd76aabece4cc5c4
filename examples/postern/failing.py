"""Meant to fail: the script follows the link itself, and the shop is not emulated."""

import asyncio

import httpx
from confirm import Inboxes, confirm


def test_the_link_is_followed(emulator, postern):
    shop = emulator.person("shop@example.com")

    async def register(address):
        shop.send(address, "Please confirm", "Confirm: https://shop.example.com/confirm?token=9f8e7d6c5b4a")

    async def follow(link):
        async with httpx.AsyncClient() as client:
            await client.get(link)

    async def run():
        async with Inboxes(postern.api_key) as inboxes:
            return await confirm(inboxes, register, follow, since="2026-01-01T00:00:00Z")

    assert asyncio.run(run())
