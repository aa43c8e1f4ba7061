"""Who may send how much, through the front door: weights, limits of single methods, and limits that processes share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.private_redis import PrivateRedis, private_redis

PASSWORD = "a-password-that-nobody-may-see"
LOOKS = 3000
A_MOMENT_S = 0.03
"""Of a process that shares its two cores with all the others."""


def asks_for_itself(tenant: Acme, times: int) -> None:
    with tenant.client() as client:
        for _ in range(times):
            assert tenant.command(client, "getMe").json()["outcome"] == "delivered"


def in_any_second(times: list[float]) -> int:
    return max(sum(start <= at < start + 1 for at in times) for start in times)


def limits_of(gateway: Gateway) -> dict[str, Any]:
    with gateway.admin() as admin:
        return dict(admin.get("/admin/system/rate-limiter").raise_for_status().json())


def weigh(gateway: Gateway, tenant: Acme, weight: int) -> httpx.Response:
    with gateway.admin() as admin:
        body = {"weight": weight, "reason": "a contract"}
        return admin.patch(f"/admin/tenants/{tenant.tenant_id}", json=body).raise_for_status()


def test_a_tenant_of_weight_three_gets_three_of_four_and_keeps_it_over_a_restart(
    tmp_path: Path, sandbox: SandboxClient
) -> None:
    settings = {**FAST, "FLEET_RPS": "20"}
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **settings).start()
    acme, globex = Acme(gateway, sandbox), Acme(gateway, sandbox, "Globex")
    weigh(gateway, acme, 3)
    assert gateway.stop() == 0
    gateway.start()
    sandbox.clear_calls()
    with ExitStack() as stack:
        clients = [(one, stack.enter_context(one.client())) for one in (acme, globex)]
        for _ in range(30):
            for tenant, client in clients:
                path = f"/api/bots/{tenant.bot_id}/commands/getMe"
                assert client.post(path, headers={"Prefer": "respond-async"}).status_code == 202
        with gateway.admin() as admin:
            shown = admin.get(f"/admin/tenants/{acme.tenant_id}").json()
            listed = admin.get("/admin/tenants").json()["tenants"]
        for _ in range(LOOKS):
            if len(calls := sandbox.calls(method="getMe")) >= 40:
                break
    assert gateway.stop() == 0

    went = [call["bot_id"] for call in calls]
    # The first few left before all were waiting.
    assert Counter({acme.bot_id: 18, globex.bot_id: 6}) == Counter(went[8:32])
    assert (3, 1) == (shown["weight"], shown["keys"])
    assert {acme.tenant_id, globex.tenant_id} == {one["tenant_id"] for one in listed}


def test_a_method_with_a_limit_of_its_own_leaves_evenly_and_says_why_it_waited(
    tmp_path: Path, sandbox: SandboxClient
) -> None:
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST, METHOD_RPS="getme=5").start()
    tenants = [Acme(gateway, sandbox, name) for name in ("Acme", "Globex", "Initech")]
    sandbox.clear_calls()
    with ThreadPoolExecutor(6) as callers, tenants[0].client() as client:
        asking = [callers.submit(asks_for_itself, tenant, 4) for tenant in tenants for _ in range(2)]
        sent = tenants[0].send(client, 5, "hello").json()
        for one in asking:
            one.result()
        commands = client.get(f"/api/bots/{tenants[0].bot_id}/commands", params={"limit": 5}).json()["commands"]
        last = client.get(f"/api/commands/{commands[0]['command_id']}").json()
        limits = limits_of(gateway)
    assert gateway.stop() == 0

    calls = [call["at"] for call in sandbox.calls(method="getMe")]
    assert len(calls) == 24
    assert median(later - earlier for earlier, later in pairwise(calls)) > 0.2 - A_MOMENT_S
    assert calls[-1] - calls[0] > 22 * 0.2
    assert in_any_second(calls) <= 6
    assert sent["queue_ms"] < 500
    (waited,) = [step for step in last["timeline"] if step["event"] == "waited"]
    assert waited["detail"] == "method_limit"
    assert waited["until"] is not None
    assert limits["methods"] == [{"method": "getMe", "rps": 5.0, "waiting": 0}]


@pytest.fixture
def redis() -> Iterator[PrivateRedis]:
    with private_redis(PASSWORD) as server:
        yield server


@pytest.fixture
def two(tmp_path: Path, sandbox: SandboxClient, redis: PrivateRedis) -> Iterator[list[Gateway]]:
    """Two gateways, each with its own database, and one Redis; ten a second for both together."""
    settings = {**FAST, "FLEET_RPS": "10", "RATE_LIMIT_STORAGE_URI": redis.uri}
    both = [Gateway(tmp_path / name, sandbox.base_url, **settings).start() for name in ("one", "other")]
    yield both
    for gateway in both:
        assert gateway.stop() == 0
        told = gateway.log.read_text() + str(sorted(gateway.state_dir.rglob("*")))
        assert PASSWORD not in told


def test_two_processes_together_stay_at_the_fleet_s_limit_and_both_get_their_share(
    two: list[Gateway], sandbox: SandboxClient
) -> None:
    tenants = [Acme(gateway, sandbox) for gateway in two]
    sandbox.clear_calls()
    with ThreadPoolExecutor(6) as callers:
        for one in [callers.submit(asks_for_itself, tenant, 10) for tenant in tenants for _ in range(3)]:
            one.result()
    calls = sandbox.calls(method="getMe")
    times = [call["at"] for call in calls]

    assert len(times) == 60
    assert in_any_second(times) <= 11
    assert times[-1] - times[0] < 9
    shares = Counter(call["bot_id"] for call in calls[:40])
    assert min(shares.values()) >= 14, shares
    assert [(limits["storage"], limits["shared"]) for limits in map(limits_of, two)] == [("redis", True)] * 2


@pytest.mark.parametrize("how", ["freeze", "kill"])
def test_while_redis_is_away_commands_go_on_and_sharing_comes_back_by_itself(
    two: list[Gateway], sandbox: SandboxClient, redis: PrivateRedis, how: str
) -> None:
    gateway = two[0]
    acme = Acme(gateway, sandbox)
    with acme.client() as client:
        before = acme.command(client, "getMe").json()
        getattr(redis, how)()
        away = [acme.command(client, "getMe").json() for _ in range(5)]
        alone = limits_of(gateway)
        redis.thaw() if how == "freeze" else redis.start()
        shared = any(limits_of(gateway)["shared"] for _ in range(LOOKS))
        after = acme.command(client, "getMe").json()

    assert {one["outcome"] for one in (before, *away, after)} == {"delivered"}
    assert max(one["queue_ms"] for one in away) < 700
    assert (alone["shared"], shared) == (False, True)
    log = gateway.log.read_text()
    assert (log.count("shared_limit_away"), log.count("shared_limit_back")) == (1, 1)


def test_a_gateway_starts_without_its_redis(tmp_path: Path, sandbox: SandboxClient) -> None:
    nobody = PrivateRedis(PASSWORD)
    settings = {**FAST, "FLEET_RPS": "25", "RATE_LIMIT_STORAGE_URI": nobody.uri}
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **settings).start()
    asks_for_itself(Acme(gateway, sandbox), 3)
    limits = limits_of(gateway)
    assert gateway.stop() == 0

    assert (limits["storage"], limits["shared"]) == ("redis", False)
    assert PASSWORD not in gateway.log.read_text()
