"""A script that confirms an address by the link that is mailed to it."""

# pip install httpx

import httpx


class Inboxes:
    """The few calls of Postern's API that the script needs."""

    def __init__(self, key, base_url="https://api.agents.mszazu.com"):
        self.client = httpx.AsyncClient(base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=70)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        await self.client.aclose()

    async def create(self, local_part):
        answer = await self.client.post("/v1/inboxes", json={"local_part": local_part})
        return answer.raise_for_status().json()["address"]

    async def wait(self, address, since, **wanted):
        body = {"since": since, "timeout_seconds": 60, **wanted}
        answer = await self.client.post(f"/v1/inboxes/{address}/wait", json=body)
        return answer.raise_for_status().json()


async def confirm(inboxes, register, follow, since):
    """Register a new address and follow the link that is mailed to it; return the address, None if no link came."""
    address = await inboxes.create("buyer")
    await register(address)
    found = await inboxes.wait(address, since, subject="confirm")
    if found["timed_out"] or found["extracted"]["verification_link"] is None:
        return None
    await follow(found["extracted"]["verification_link"])
    return address
