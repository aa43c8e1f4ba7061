"""Durable commands: accepted once, finished whatever happens, told again for the same key."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway

ENDED = ("delivered", "rejected", "not_sent", "uncertain")


@pytest.fixture
def acme(gateway: Gateway, sandbox: SandboxClient) -> Acme:
    return Acme(gateway, sandbox)


def send(client: httpx.Client, acme: Acme, chat: int, text: str, **headers: str) -> httpx.Response:
    path = f"/api/bots/{acme.bot_id}/commands/sendMessage"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, json={"chat_id": chat, "text": text}, headers=named)


def story(client: httpx.Client, command_id: str, at_least: int = 0) -> dict[str, Any]:
    return dict(client.get(f"/api/commands/{command_id}", params={"at_least": at_least}).raise_for_status().json())


def ended(client: httpx.Client, command_id: str) -> dict[str, Any]:
    """Its story once it has its outcome; the client's own time-out bounds the wait."""
    for _ in range(2000):
        told = story(client, command_id)
        if told["state"] in ENDED:
            return told
    raise AssertionError(f"still open: {told}")


def test_the_same_key_and_body_get_the_recorded_outcome_and_result_again(acme: Acme, sandbox: SandboxClient) -> None:
    with acme.client() as client:
        first = send(client, acme, 5, "once", Idempotency_Key="order-1")
        again = send(client, acme, 5, "once", Idempotency_Key="order-1")
        other = send(client, acme, 5, "something else", Idempotency_Key="order-1")

    assert (first.status_code, "idempotent-replayed" in first.headers) == (200, False)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert sandbox.texts(acme.bot_id) == ["once"]


def test_a_key_is_remembered_by_the_next_process(acme: Acme, gateway: Gateway, sandbox: SandboxClient) -> None:
    with acme.client() as client:
        first = send(client, acme, 5, "once", Idempotency_Key="order-1")
    gateway.kill()
    gateway.start()
    with acme.client() as client:
        again = send(client, acme, 5, "once", Idempotency_Key="order-1")

    assert again.json() == first.json()
    assert sandbox.texts(acme.bot_id) == ["once"]


def test_of_many_with_the_same_key_at_once_one_is_executed(acme: Acme, sandbox: SandboxClient) -> None:
    with acme.client() as client, ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: send(client, acme, 5, "once", Idempotency_Key="k"), range(10)))

    assert {answer.status_code for answer in answers} <= {200, 409}
    in_flight = [(a.json()["code"], a.headers["retry-after"]) for a in answers if a.status_code == 409]
    assert set(in_flight) <= {("idempotency_in_flight", "1")}
    assert sandbox.texts(acme.bot_id) == ["once"]


def test_a_refusal_is_told_again_too(acme: Acme, sandbox: SandboxClient) -> None:
    sandbox.set_chat(5, "blocked", bot_id=acme.bot_id)
    with acme.client() as client:
        first = send(client, acme, 5, "no", Idempotency_Key="k")
        again = send(client, acme, 5, "no", Idempotency_Key="k")

    assert (first.status_code, again.status_code) == (422, 422)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["command_id"] == first.json()["command_id"]
    assert len(sandbox.calls(bot_id=acme.bot_id, method="sendMessage")) == 1


def test_who_does_not_want_to_wait_gets_202_and_finds_outcome_and_result_later(acme: Acme) -> None:
    with acme.client() as client:
        accepted = send(client, acme, 5, "later", Prefer="respond-async")
        told = ended(client, accepted.json()["command_id"])
        waited = send(client, acme, 6, "soon", Prefer="respond-async, wait=20")

    assert accepted.status_code == 202
    assert accepted.headers["location"] == f"/api/commands/{told['command_id']}"
    assert told["state"] == "delivered"
    assert told["result"]["text"] == "later"
    assert [step["event"] for step in told["timeline"]] == ["received", "accepted", "started", "delivered"]
    assert (waited.status_code, waited.json()["outcome"]) == (200, "delivered")


def test_what_waits_can_be_cancelled_and_what_has_ended_cannot(acme: Acme, sandbox: SandboxClient) -> None:
    sandbox.fault("flood", method="sendMessage", chat_id=5, retry_after=30)
    with acme.client() as client:
        accepted = send(client, acme, 5, "never mind", Prefer="respond-async").json()
        path = f"/api/commands/{accepted['command_id']}"
        while "waited" not in str(sandbox.faults()) and not sandbox.calls(bot_id=acme.bot_id, method="sendMessage"):
            pass
        cancelled = client.delete(path, params={"at_least": accepted["position"]})
        while cancelled.json().get("code") == "not_cancellable":
            cancelled = client.delete(path)
        told = story(client, accepted["command_id"], cancelled.json()["position"])
        again = client.delete(path)

    assert (cancelled.status_code, cancelled.json()["outcome"]) == (200, "not_sent")
    assert (told["state"], told["code"]) == ("not_sent", "cancelled")
    assert (again.status_code, again.json()["code"]) == (409, "not_cancellable")
    assert sandbox.texts(acme.bot_id) == []


def test_what_sleeps_behind_a_hold_hears_at_once_that_its_bot_was_suspended_or_removed(
    acme: Acme, sandbox: SandboxClient
) -> None:
    sandbox.fault("flood", method="sendMessage", chat_id=5, retry_after=600)
    path = f"/api/bots/{acme.bot_id}"

    def says(text: str) -> str:
        wishes = {"Prefer": "respond-async", "X_Deadline_S": "3600"}
        return str(send(client, acme, 5, text, **wishes).raise_for_status().json()["command_id"])

    with acme.client() as client:
        held = send(client, acme, 5, "too fast")
        waiting = [says("asleep"), says("behind it")]
        client.post(f"{path}/suspend").raise_for_status()
        suspended = [ended(client, one) for one in waiting]
        client.post(f"{path}/resume").raise_for_status()
        waiting = [says("asleep again"), says("behind that")]
        client.delete(path).raise_for_status()
        removed = [ended(client, one) for one in waiting]

    assert (held.status_code, held.json()["code"]) == (429, "telegram_hold")
    assert [(told["state"], told["code"]) for told in suspended] == [("not_sent", "bot_suspended")] * 2
    assert [(told["state"], told["code"]) for told in removed] == [("not_sent", "cancelled")] * 2
    assert len(sandbox.calls(bot_id=acme.bot_id, method="sendMessage")) == 1


def test_an_accepted_command_that_waited_through_a_crash_is_sent_by_the_next_process(
    acme: Acme, gateway: Gateway, sandbox: SandboxClient
) -> None:
    sandbox.fault("flood", method="sendMessage", retry_after=2)
    with acme.client() as client:
        accepted = send(client, acme, 5, f"kept {uuid.uuid4()}", Prefer="respond-async").json()
        while not sandbox.calls(bot_id=acme.bot_id, method="sendMessage"):
            pass
    gateway.kill()
    gateway.start()
    with acme.client() as client:
        told = ended(client, accepted["command_id"])

    assert told["state"] in ("delivered", "uncertain")
    assert len(sandbox.texts(acme.bot_id)) == (1 if told["state"] == "delivered" else 0)


def test_a_key_whose_command_was_certainly_not_sent_may_be_used_again(acme: Acme, sandbox: SandboxClient) -> None:
    with acme.client() as client:
        client.post(f"/api/bots/{acme.bot_id}/suspend").raise_for_status()
        refused = send(client, acme, 5, "once", Idempotency_Key="k")
        client.post(f"/api/bots/{acme.bot_id}/resume").raise_for_status()
        delivered = send(client, acme, 5, "once", Idempotency_Key="k")
        again = send(client, acme, 5, "once", Idempotency_Key="k")

    assert (refused.status_code, refused.json()["code"]) == (409, "bot_suspended")
    assert delivered.json()["outcome"] == "delivered"
    assert again.json() == delivered.json()
    assert sandbox.texts(acme.bot_id) == ["once"]


def test_a_stop_leaves_accepted_commands_to_the_next_process(tmp_path: Path, sandbox: SandboxClient) -> None:
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **{**FAST, "CHAT_RPS": "2"}).start()
    acme = Acme(gateway, sandbox)
    with acme.client() as client:
        accepted = [send(client, acme, 5, f"{n}", Prefer="respond-async").json()["command_id"] for n in range(8)]
    code = gateway.stop()
    so_far = len(sandbox.texts(acme.bot_id))
    gateway.start()
    with acme.client() as client:
        states = [ended(client, command_id)["state"] for command_id in accepted]
    gateway.stop()

    assert code == 0
    assert so_far < 8
    assert states == ["delivered"] * 8
    assert sandbox.texts(acme.bot_id) == [f"{n}" for n in range(8)]


def test_a_body_that_got_lost_on_the_way_is_no_command_without_parameters(acme: Acme, sandbox: SandboxClient) -> None:
    with acme.client() as client:
        answer = client.post(
            f"/api/bots/{acme.bot_id}/commands/setMyDescription",
            json={"description": "new"},
            headers={"Connection": "Upgrade", "Upgrade": "h2c"},
        )

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert sandbox.calls(bot_id=acme.bot_id, method="setMyDescription") == []
