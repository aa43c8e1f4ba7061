"""The server stops and waits no longer: whoever is still there is told so, and what is known of what they asked for."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from actors.messages import Act
from tests.examples import BOT_ID
from tests.gateway.asgi import Conversation
from tests.gateway.fakes import House

HELLO = b'{"chat_id":42,"text":"hello"}'


def told(house: House, method: str, path: str, body: bytes = b"", key: str | None = None) -> dict[str, Any]:
    """What is answered to one whom the server cuts off while an actor thinks."""
    house.fleet.silent = True

    async def cut_off() -> Conversation:
        asked = asyncio.Event()
        house.fleet.on_asked = asked.set
        conversation = Conversation(
            house, method, path, [body], headers={"Authorization": f"Bearer {key or house.key}"}
        )
        request = asyncio.create_task(conversation.held())
        await asked.wait()
        request.cancel()
        await asyncio.wait([request])
        assert request.exception() is None
        return conversation

    conversation: Conversation = house.client.loop.run(cut_off())
    assert "application/problem+json" == conversation.headers["content-type"]
    problem: dict[str, Any] = msgspec.json.decode(conversation.body)
    assert problem["status"] == conversation.status
    return problem


def test_of_a_change_it_is_said_that_it_may_still_be_made(house: House) -> None:
    problem = told(house, "POST", f"/api/bots/{BOT_ID}/suspend", b"{}")

    assert (503, "store_unavailable") == (problem["status"], problem["code"])
    assert "the change may still be made" in problem["detail"]


def test_of_a_command_it_is_said_where_its_outcome_will_be_told(house: House) -> None:
    problem = told(house, "POST", f"/api/bots/{BOT_ID}/commands/sendMessage", HELLO)
    command_id = house.fleet.commands[0].command_id

    assert (504, "delivery_unrecorded", command_id) == (problem["status"], problem["code"], problem["command_id"])


def test_an_act_of_an_admins_stays_open_on_record(house: House) -> None:
    path = f"/admin/system/circuit-breakers/{BOT_ID}/reset"
    problem = told(house, "POST", path, b'{"reason":"for a test"}', house.admin_key)

    assert "store_unavailable" == problem["code"]
    assert [Act] == [type(one) for one in house.audit.asked]


@pytest.mark.parametrize("path", [f"/api/bots/{BOT_ID}/suspend", f"/api/bots/{BOT_ID}/commands/sendMessage"])
def test_whoever_has_not_sent_all_of_it_is_told_that_the_gateway_stops(house: House, path: str) -> None:
    class NeverSent(Conversation):
        async def _receive(self) -> dict[str, Any]:
            reads.set()
            return await asyncio.Future[dict[str, Any]]()

    reads = asyncio.Event()

    async def cut_off() -> Conversation:
        conversation = NeverSent(house, "POST", path, [b"{"])
        request = asyncio.create_task(conversation.held())
        await reads.wait()
        request.cancel()
        await asyncio.wait([request])
        return conversation

    conversation: Conversation = house.client.loop.run(cut_off())
    assert (503, "shutting_down") == (conversation.status, msgspec.json.decode(conversation.body)["code"])
    assert [] == house.fleet.asked
