"""How much a caller may, through the front door: two gateways with one Redis, and clients behind a proxy."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import httpx
import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.private_redis import PrivateRedis, private_redis

PASSWORD = "a-password-that-nobody-may-see"
ACME, GLOBEX, INITECH = "203.0.113.7", "203.0.113.8", "203.0.113.9"

WITHIN_S = 20


@pytest.fixture
def redis() -> Iterator[PrivateRedis]:
    with private_redis(PASSWORD) as server:
        yield server


def creation(gateway: Gateway, key: str, by: str) -> httpx.Response:
    """Of a bot whose token is none: that it is refused for what it is shows that it was looked at."""
    with gateway.client(key) as client:
        return client.post("/api/bots", json={"token": "no token"}, headers={"X-Forwarded-For": by})


def test_without_a_trusted_proxy_the_sixth_bot_creation_of_an_hour_is_refused_whatever_is_forwarded(
    tmp_path: Path, sandbox: SandboxClient
) -> None:
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST, RATE_LIMIT_WHITELIST="").start()
    acme = Acme(gateway, sandbox)
    answers = [creation(gateway, acme.key, f"203.0.113.{n}") for n in range(5)]
    with acme.client() as client:
        others = [acme.send(client, 5, "hello").status_code, client.get("/api/bots").status_code]
        bots = client.get("/api/bots").json()["bots"]
    with gateway.client("a wrong key, which nobody has given") as stranger:
        failed = [stranger.get("/api/bots").status_code for _ in range(6)]
    with acme.client() as client:
        locked_out = client.get("/api/bots").json()
    assert gateway.stop() == 0

    # Acme's own bot was the first.
    assert [422] * 4 + [429] == [answer.status_code for answer in answers]
    over = answers[-1]
    assert ("too_many_requests", "bot_creation") == (over.json()["code"], over.json()["limit"])
    assert 3500 < int(over.headers["Retry-After"]) <= 3600
    assert ("5", "0", "5;w=3600") == tuple(over.headers[f"RateLimit-{n}"] for n in ("Limit", "Remaining", "Policy"))
    assert ([200, 200], 1) == (others, len(bots))
    assert ([401] * 5 + [429], "failed_auth") == (failed, locked_out["limit"])
    assert acme.key not in gateway.log.read_text()


def test_clients_behind_a_proxy_have_a_count_each_which_two_gateways_share_until_redis_is_gone(
    tmp_path: Path, sandbox: SandboxClient, redis: PrivateRedis
) -> None:
    settings = {
        **FAST,
        "TRUSTED_PROXIES": "127.0.0.1",
        "RATE_LIMIT_STORAGE_URI": redis.uri,
        "LIMIT_REGISTER": "100/hour",
    }
    two = [Gateway(tmp_path / name, sandbox.base_url, **settings).start() for name in ("one", "other")]
    keys = []
    for gateway in two:
        with gateway.client() as anyone:
            keys.append(anyone.post("/auth/register", json={"name": "Acme"}).json()["api_key"])
    both = list(zip(two, keys, strict=True))
    shared = [creation(gateway, key, ACME).status_code for _ in range(3) for gateway, key in both]
    other_client = creation(two[0], keys[0], GLOBEX).status_code
    redis.kill()
    alone = [creation(gateway, key, INITECH) for _ in range(6) for gateway, key in both]
    known = creation(two[0], keys[0], ACME).status_code
    with two[0].admin() as admin:
        told = admin.get("/admin/system/rate-limiter").json()["callers"]
    for gateway in two:
        assert gateway.stop() == 0
        log = gateway.log.read_text()
        assert log.count("shared_counts_away") == 1
        assert PASSWORD not in log

    assert [422] * 5 + [429] == shared
    assert 422 == other_client
    assert [422] * 10 + [429] * 2 == [answer.status_code for answer in alone]
    assert median(answer.elapsed.total_seconds() for answer in alone) < 2
    assert known == 422, "of five, this process knows the three that it took itself"
    assert ("redis", False, {"bot_creation": 1}) == (
        told["storage"],
        told["shared"],
        {one["limit"]: one["refused"] for one in told["limits"] if one["refused"]},
    )


def test_with_limits_disabled_nobody_is_limited_and_connections_are_still_bounded(
    tmp_path: Path, sandbox: SandboxClient
) -> None:
    switched = {"RATE_LIMIT_WHITELIST": "", "DISABLE_RATE_LIMITING": "true", "LIMIT_REGISTER": "1/hour"}
    bounds = {"MAX_OPEN_CONNECTIONS_PER_ADDRESS": "5", "HEADERS_WITHIN_S": "1"}
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST, **switched, **bounds).start()
    with gateway.client() as anyone:
        registered = [anyone.post("/auth/register", json={"name": "Acme"}).status_code for _ in range(3)]
    acme = Acme(gateway, sandbox)
    address = urlsplit(gateway.base_url)
    with ThreadPoolExecutor(1) as beside, ExitStack() as open_ones, acme.client() as client:
        client.patch(f"/api/bots/{acme.bot_id}", json={"updates": "polling"}).raise_for_status()
        polling = beside.submit(client.get, f"/api/bots/{acme.bot_id}/updates", params={"timeout": 3})
        slow = [
            open_ones.enter_context(socket.create_connection((address.hostname, address.port), WITHIN_S))
            for _ in range(10)
        ]
        for one in slow:
            one.sendall(b"GET / HTTP/1.1\r\nHost:")
        said = Counter(one.recv(4096)[:12] for one in slow)
        pulled = polling.result()
    assert gateway.stop() == 0

    assert [201] * 3 == registered
    assert "rate_limiting_disabled" in gateway.log.read_text()
    assert {b"HTTP/1.1 408", b"HTTP/1.1 503"} == said.keys()
    assert 0 < said[b"HTTP/1.1 408"] <= 5
    assert (200, []) == (pulled.status_code, pulled.json()["updates"])
