"""What a tenant sets for a bot of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import Acme, Gateway


def test_a_bots_own_pace_holds_from_then_on_and_after_a_restart(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme = Acme(gateway, sandbox)
    path = f"/api/bots/{acme.bot_id}"
    with acme.client() as client:
        changed = client.patch(path, json={"bot_rps": 2, "breaker": {"failures": 3}})
        shown = client.get(path).json()["config"]
    gateway.kill()
    gateway.start()
    sandbox.clear_calls()
    with acme.client() as client, ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda n: acme.send(client, n, "x").json()["outcome"], range(1, 7)))
        back = client.patch(path, json={"bot_rps": None}).status_code
        after = client.get(path).json()["config"]
    at = [call["at"] for call in sandbox.calls(bot_id=acme.bot_id, method="sendMessage")]

    assert changed.status_code == 200
    assert shown == {"bot_rps": 2.0, "breaker": {"failures": 3}}
    assert outcomes == ["delivered"] * 6
    assert min(later - earlier for earlier, later in pairwise(at)) > 0.45
    assert (back, after) == (200, {"breaker": {"failures": 3}})


def test_nonsense_is_refused_by_its_name_and_changes_nothing(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme = Acme(gateway, sandbox)
    path = f"/api/bots/{acme.bot_id}"
    with acme.client() as client:
        answers = [
            client.patch(path, json=change)
            for change in ({"bot_rps": -1}, {"bot_rps": "fast"}, {"bot_rsp": 1}, {"retry": {"strategy": "never"}}, [1])
        ]
        shown = client.get(path).json()["config"]

    assert [answer.status_code for answer in answers] == [400] * 5
    assert {answer.json()["code"] for answer in answers} == {"invalid_request"}
    assert "bot_rps" in answers[0].json()["detail"]
    assert "bot_rsp" in answers[2].json()["detail"]
    assert shown == {}
