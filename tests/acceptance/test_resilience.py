"""Telegram in trouble: what callers are told, what chats see, and who is not disturbed."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway

HOLD_S = 5


@pytest.fixture
def acme(gateway: Gateway, sandbox: SandboxClient) -> Acme:
    return Acme(gateway, sandbox)


def story(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    position = answer.headers["botloft-position"]
    path = f"/api/commands/{answer.headers['botloft-command-id']}"
    return dict(client.get(path, params={"at_least": position}).raise_for_status().json())


def test_a_method_that_may_be_repeated_is_retried_and_a_send_is_not(acme: Acme, sandbox: SandboxClient) -> None:
    sandbox.fault("status", status=502, method="getMe", times=2)
    sandbox.fault("status", status=502, method="sendMessage", times=1)
    with acme.client() as client:
        asked = acme.command(client, "getMe")
        sent = acme.send(client, 5, "once")
        told = story(client, asked)

    assert (asked.json()["outcome"], asked.json()["attempts"]) == ("delivered", 3)
    assert [step["event"] for step in told["timeline"]].count("attempt_failed") == 2
    assert (sent.status_code, sent.json()["code"], sent.json()["attempts"]) == (504, "delivery_uncertain", 1)
    assert len(sandbox.calls(bot_id=acme.bot_id, method="sendMessage")) == 1


@pytest.mark.parametrize("kind", ["close_after", "reset_after", "truncated", "malformed", "lost_ok", "html"])
def test_a_message_that_was_taken_is_never_sent_again_when_its_answer_is_lost(
    acme: Acme, sandbox: SandboxClient, kind: str
) -> None:
    sandbox.fault(kind, method="sendMessage")
    with acme.client() as client:
        answer = acme.send(client, 5, "exactly once")
        again = acme.send(client, 5, "the next one")

    assert (answer.status_code, answer.json()["outcome"]) == (504, "uncertain")
    assert again.json()["outcome"] == "delivered"
    assert sandbox.texts(acme.bot_id) == ["exactly once", "the next one"]


def test_a_caller_who_would_rather_have_it_twice_gets_it_repeated(acme: Acme, sandbox: SandboxClient) -> None:
    sandbox.fault("close_after", method="sendMessage")
    with acme.client() as client:
        answer = client.post(
            f"/api/bots/{acme.bot_id}/commands/sendMessage",
            json={"chat_id": 5, "text": "at least once"},
            headers={"X-On-Uncertain": "retry"},
        )

    assert answer.json()["outcome"] == "delivered"
    assert sandbox.texts(acme.bot_id) == ["at least once", "at least once"]


def test_an_edit_that_was_done_before_is_delivered(acme: Acme, sandbox: SandboxClient) -> None:
    with acme.client() as client:
        message_id = acme.send(client, 5, "first").json()["result"]["message_id"]
        sandbox.fault("close_after", method="editMessageText")
        answer = acme.command(client, "editMessageText", chat_id=5, message_id=message_id, text="second")

    assert (answer.json()["outcome"], answer.json()["attempts"]) == ("delivered", 2)
    assert sandbox.texts(acme.bot_id) == ["second"]


def test_a_held_chat_waits_and_the_others_go_on(tmp_path: Path, sandbox: SandboxClient) -> None:
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST).start()
    try:
        acme = Acme(gateway, sandbox)
        sandbox.fault("flood", method="sendMessage", chat_id=5, retry_after=HOLD_S)
        with acme.client() as client, ThreadPoolExecutor(2) as pool:
            held = pool.submit(acme.send, client, 5, "held")
            while not sandbox.calls(bot_id=acme.bot_id, method="sendMessage"):
                pass
            limited = acme.health(client, at_least=0)
            others = [acme.send(client, chat, "free") for chat in (6, 7, 8)]
            impatient = client.post(
                f"/api/bots/{acme.bot_id}/commands/sendMessage",
                json={"chat_id": 5, "text": "now or never"},
                headers={"X-Deadline-S": "1"},
            )
            overtaken = not held.done()
            delivered = held.result()
            after = acme.health(client, at_least=delivered.json()["position"])
        at = [call["at"] for call in sandbox.calls(bot_id=acme.bot_id, method="sendMessage") if call["chat_id"] == 5]
    finally:
        gateway.stop()

    assert delivered.json()["outcome"] == "delivered"
    assert len(at) == 2
    # Once, and not twice.
    assert HOLD_S <= at[1] - at[0] < 2 * HOLD_S
    assert [other.json()["outcome"] for other in others] == ["delivered"] * 3
    assert overtaken
    assert (impatient.status_code, impatient.json()["code"]) == (429, "telegram_hold")
    assert 1 <= int(impatient.headers["retry-after"]) <= HOLD_S
    assert isinstance(limited["is_rate_limited"], bool)
    assert after["is_rate_limited"] is False


def test_a_migrated_group_gets_its_message_under_the_new_id(acme: Acme, sandbox: SandboxClient) -> None:
    sandbox.set_chat(-500, {"migrated_to": -1000000000500}, bot_id=acme.bot_id)
    with acme.client() as client:
        answer = acme.send(client, -500, "moved")

    assert answer.json()["outcome"] == "delivered"
    assert answer.json()["result"]["chat"]["id"] == -1000000000500


def test_one_bots_hanging_call_delays_no_other_bot(gateway: Gateway, acme: Acme, sandbox: SandboxClient) -> None:
    globex = Acme(gateway, sandbox, "Globex")
    sandbox.fault("hang_before", bot_id=acme.bot_id, method="sendMessage", times=None)
    with acme.client() as theirs, globex.client() as ours, ThreadPoolExecutor(10) as pool:
        hanging = [
            pool.submit(
                theirs.post,
                f"/api/bots/{acme.bot_id}/commands/sendMessage",
                json={"chat_id": chat, "text": "x"},
                headers={"X-Deadline-S": "5"},
            )
            for chat in range(1, 6)
        ]
        while sandbox.stats()["in_flight"] < 5:
            pass
        quick = [globex.send(ours, chat, "x") for chat in range(1, 20)]
        overtaken = not any(one.done() for one in hanging)
        ended = [one.result() for one in hanging]

    assert overtaken
    assert {answer.json()["outcome"] for answer in quick} == {"delivered"}
    assert {answer.json()["outcome"] for answer in ended} == {"uncertain"}


def test_a_tenant_with_one_command_is_not_behind_another_with_many(tmp_path: Path, sandbox: SandboxClient) -> None:
    settings = {**FAST, "FLEET_RPS": "100"}
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **settings).start()
    try:
        many, one = Acme(gateway, sandbox), Acme(gateway, sandbox, "Globex")
        sandbox.clear_calls()

        async def all_at_once() -> tuple[Any, list[str], float]:
            limits = httpx.Limits(max_connections=500)
            async with httpx.AsyncClient(base_url=gateway.base_url, timeout=60, limits=limits, trust_env=False) as http:

                async def send(tenant: Acme, chat: int) -> Any:
                    answer = await http.post(
                        f"/api/bots/{tenant.bot_id}/commands/sendMessage",
                        json={"chat_id": chat, "text": "x"},
                        headers={"Authorization": f"Bearer {tenant.key}"},
                    )
                    return answer.json()

                began = time.monotonic()
                sending = [asyncio.create_task(send(many, chat)) for chat in range(1, 401)]
                while len(sandbox.calls(bot_id=many.bot_id)) < 50:
                    await asyncio.to_thread(sandbox.stats)
                lonely = await send(one, 1)
                answers = (lonely, *await asyncio.gather(*sending))
                return lonely, [told["outcome"] for told in answers], time.monotonic() - began

        lonely, outcomes, took_s = asyncio.run(all_at_once())
        (left_at,) = [call["at"] for call in sandbox.calls(bot_id=one.bot_id, method="sendMessage")]
        at = [call["at"] for call in sandbox.calls(method="sendMessage")]
    finally:
        gateway.stop()

    assert outcomes == ["delivered"] * 401
    # Counted from when the gateway had it: what arrived while it waited, of the 350 that were there before it.
    before_it = [call for call in at if left_at - lonely["queue_ms"] / 1000 <= call < left_at]
    assert len(before_it) < 100
    # The fleet's limit.
    assert took_s >= 400 / 100
