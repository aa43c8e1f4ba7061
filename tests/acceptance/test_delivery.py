"""Updates reach their tenant: posted to its endpoint or fetched, whatever the endpoint and the gateway do meanwhile."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.signing import signed
from ops.sandbox.client import SandboxClient
from tests.acceptance.endpoint import Endpoint, Post, listening
from tests.acceptance.filled_inbox import an_update, fill
from tests.acceptance.gateway_process import FAST, Acme, Gateway

CHATS = 10


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as one:
        yield one


@pytest.fixture
def private(tmp_path: Path, sandbox: SandboxClient) -> Iterator[Gateway]:
    """A gateway that may post to this machine."""
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST, CALLBACK_ALLOW_PRIVATE="true").start()
    yield gateway
    if gateway.is_running:
        assert gateway.stop() == 0


def calls_back(acme: Acme, url: str | None) -> dict[str, Any]:
    with acme.client() as client:
        changed = client.patch(f"/api/bots/{acme.bot_id}", json={"callback_url": url}).raise_for_status()
    return dict(changed.json())


def pulled(client: httpx.Client, acme: Acme, **query: int) -> tuple[list[int], int | None]:
    found = client.get(f"/api/bots/{acme.bot_id}/updates", params=query).raise_for_status().json()
    return [update["update_id"] for update in found["updates"]], found["next_offset"]


def verifies(post: Post, secret: str) -> bool:
    at = datetime.fromtimestamp(int(post.headers["webhook-timestamp"]), UTC)
    expected = signed(secret, post.id, at, post.body)
    return post.headers["webhook-signature"] == expected["webhook-signature"]


def test_every_update_is_posted_in_the_order_of_its_chat_whatever_the_endpoint_does_and_however_often_we_are_killed(
    private: Gateway, sandbox: SandboxClient, endpoint: Endpoint
) -> None:
    acme = Acme(private, sandbox)
    secret = calls_back(acme, endpoint.url)["callback_secret"]
    assert private.stop() == 0
    updates = {number: an_update(number, chat=number % CHATS, text=f"text {number}") for number in range(1, 601)}
    fill(private, acme, list(updates.values()))

    seen: Counter[str] = Counter()

    def moods(post: Post) -> int | None:
        seen[post.id] += 1
        mood = int(hashlib.sha256(post.id.encode()).hexdigest(), 16) % 100
        if seen[post.id] > 1:
            return 204
        if mood == 0 and not hung:
            hung.append(post.id)
            return None
        return {1: 500, 2: 302, 3: 429}.get(mood, 204)

    hung: list[str] = []
    endpoint.answers = moods
    for enough in (100, 250, 400):
        private.start()
        endpoint.until(lambda enough=enough: len(endpoint.taken) >= enough)
        private.kill()
    private.start()
    endpoint.until(lambda: len({post.id for post in endpoint.taken}) == len(updates))
    assert private.stop() == 0

    by_id = {post.id: post.body for post in endpoint.posts}
    assert by_id == {f"upd_{acme.bot_id}_{number}": body for number, body in updates.items()}
    assert all(verifies(post, secret) for post in endpoint.posts)
    assert not any(post.headers.get("x-path") for post in endpoint.posts)
    firsts = list(dict.fromkeys(json.loads(post.body)["update_id"] for post in endpoint.taken))
    for chat in range(CHATS):
        of_chat = [number for number in firsts if number % CHATS == chat]
        assert all(before < after for before, after in pairwise(of_chat))


def test_what_was_pulled_is_confirmed_by_the_next_offset_and_by_nothing_else_though_we_are_killed_in_between(
    private: Gateway, sandbox: SandboxClient
) -> None:
    acme = Acme(private, sandbox)
    assert private.stop() == 0
    fill(private, acme, [an_update(number, chat=5) for number in range(10, 15)])

    private.start()
    with acme.client() as client:
        first = pulled(client, acme, limit=2)
        unconfirmed = pulled(client, acme, limit=2)
        second = pulled(client, acme, limit=2, offset=12)
    private.kill()
    private.start()
    with acme.client() as client:
        # This process has handed nothing out: an offset confirms nothing.
        after_kill = pulled(client, acme, offset=15)
        confirmed = pulled(client, acme, offset=15)
        negative = client.get(f"/api/bots/{acme.bot_id}/updates", params={"offset": -1})

    assert first == unconfirmed == ([10, 11], 12)
    assert second == ([12, 13], 14)
    assert after_kill == ([12, 13, 14], 15)
    assert confirmed == ([], 15)
    assert (negative.status_code, negative.json()["code"]) == (400, "invalid_request")


def test_of_two_who_wait_the_older_one_is_told_so_and_the_other_hears_of_a_stop(
    private: Gateway, sandbox: SandboxClient
) -> None:
    acme = Acme(private, sandbox)
    with acme.client() as client, ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(client.get, f"/api/bots/{acme.bot_id}/updates", params={"timeout": 50}) for _ in range(2)]
        (older,), (newer,) = wait(asked, return_when=FIRST_COMPLETED)
        assert private.stop() == 0

    assert (409, "updates_conflict") == (older.result().status_code, older.result().json()["code"])
    assert (503, "shutting_down") == (newer.result().status_code, newer.result().json()["code"])


def test_a_callback_on_this_machine_is_refused_unless_the_operator_allows_it(
    gateway: Gateway, sandbox: SandboxClient, endpoint: Endpoint
) -> None:
    acme = Acme(gateway, sandbox)
    with acme.client() as client:
        answers = [
            client.patch(f"/api/bots/{acme.bot_id}", json={"callback_url": url})
            for url in (endpoint.url, "https://127.0.0.1/", "https://[::ffff:127.0.0.1]/", "https://localhost/")
        ]

    assert [(400, "invalid_request")] * 4 == [(answer.status_code, answer.json()["code"]) for answer in answers]


def test_a_name_that_leads_to_this_machine_is_not_called(
    private: Gateway, sandbox: SandboxClient, endpoint: Endpoint
) -> None:
    """The host is looked at when it is connected to: what was allowed yesterday, and any name, helps nobody."""
    acme = Acme(private, sandbox)
    calls_back(acme, endpoint.url.replace("127.0.0.1", "localhost"))
    assert private.stop() == 0
    fill(private, acme, [an_update(1, chat=5)])
    strict = Gateway(private.state_dir, sandbox.base_url, **FAST).start()
    with acme.client_of(strict) as client:
        failed = until_failed(client, acme)
    assert strict.stop() == 0

    assert [] == endpoint.posts
    assert ["its address is not of the public internet"] == [one["cause"] for one in failed]


def until_failed(client: httpx.Client, acme: Acme) -> list[dict[str, Any]]:
    for _ in range(1000):
        found = client.get(f"/api/bots/{acme.bot_id}/deliveries", params={"status": "failed"}).raise_for_status()
        if deliveries := found.json()["deliveries"]:
            return list(deliveries)
    raise AssertionError("nothing failed")


def test_failed_deliveries_are_listed_and_replayed_at_once(
    private: Gateway, sandbox: SandboxClient, endpoint: Endpoint
) -> None:
    acme = Acme(private, sandbox)
    calls_back(acme, endpoint.url)
    assert private.stop() == 0
    fill(private, acme, [an_update(number, chat=5) for number in (1, 2)])
    endpoint.answers = lambda _: 500
    private.start()
    endpoint.until(lambda: len(endpoint.posts) >= 2)
    with acme.client() as client:
        failed = until_failed(client, acme)
        waiting = client.get(f"/api/bots/{acme.bot_id}/deliveries", params={"status": "waiting"}).json()
        endpoint.answers = lambda _: 204
        replayed = client.post(
            f"/api/bots/{acme.bot_id}/deliveries/replay", json={"from_update_id": 1, "to_update_id": 9}
        )
        endpoint.until(lambda: len(endpoint.taken) == 2)

    assert [(1, "HTTP 500")] == [(one["update_id"], one["cause"]) for one in failed]
    assert [2] == [one["update_id"] for one in waiting["deliveries"]]
    assert (202, {"updates": 2}) == (replayed.status_code, replayed.json())


def test_an_endpoint_that_is_gone_is_disabled_and_its_tenant_told(
    private: Gateway, sandbox: SandboxClient, endpoint: Endpoint
) -> None:
    acme = Acme(private, sandbox)
    with listening() as notices, acme.client() as client:
        told = client.put("/api/notices/endpoint", json={"url": notices.url}).raise_for_status().json()
        secret = calls_back(acme, f"{endpoint.url}?key=a-hidden-key")["callback_secret"]
        assert private.stop() == 0
        fill(private, acme, [an_update(1, chat=5, text="a-hidden-text")])
        endpoint.answers = lambda _: 410
        private.start()
        notices.until(lambda: notices.taken)
    with acme.client() as client:
        left = client.get(f"/api/bots/{acme.bot_id}/callback").json()
        listed = client.get("/api/notices").json()["notices"]
        fetched = pulled(client, acme)
    (notice,) = notices.taken

    assert verifies(notice, told["secret"])
    assert ["endpoint_disabled"] == [one["kind"] for one in listed] == [json.loads(notice.body)["kind"]]
    assert {"callback_url": None, "failing_since": None, "failures_in_a_row": 0} == left
    assert ([1], 2) == fetched
    files = [path for path in (*private.state_dir.rglob("*"), private.log) if path.is_file()]
    hidden = ("a-hidden-key", "a-hidden-text", secret.removeprefix("whsec_"), told["secret"].removeprefix("whsec_"))
    assert [] == [(path.name, one) for path in files for one in hidden if one.encode() in path.read_bytes()]


def test_a_bot_whose_token_was_revoked_is_suspended_and_its_tenant_told(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme = Acme(gateway, sandbox)
    sandbox.revoke(acme.bot_id)
    with acme.client() as client:
        acme.send(client, 5, "hello")
        for _ in range(1000):
            if listed := client.get("/api/notices").json()["notices"]:
                break

    assert [("token_revoked", acme.bot_id)] == [(one["kind"], one["bot_id"]) for one in listed]
    assert "was revoked or replaced" in listed[0]["detail"]
