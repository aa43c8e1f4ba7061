"""Two tenants: neither can see, command or guess at what the other has."""

from __future__ import annotations

import httpx
import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import Acme, Gateway

NEVER_REGISTERED = 99_999_999_999


def without_instance(answer: httpx.Response) -> tuple[int, dict[str, object]]:
    return answer.status_code, dict(answer.json())


def test_anothers_bot_is_like_one_that_does_not_exist(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme, globex = Acme(gateway, sandbox), Acme(gateway, sandbox, "Globex")
    with acme.client() as client:
        for method, path in [
            ("GET", "/api/bots/{}"),
            ("DELETE", "/api/bots/{}"),
            ("POST", "/api/bots/{}/suspend"),
            ("POST", "/api/bots/{}/resume"),
            ("GET", "/api/bots/{}/health"),
            ("GET", "/api/bots/{}/analytics/summary"),
            ("GET", "/api/bots/{}/commands"),
            ("POST", "/api/bots/{}/commands/getMe"),
        ]:
            theirs = client.request(method, path.format(globex.bot_id))
            nobodys = client.request(method, path.format(NEVER_REGISTERED))

            assert theirs.status_code == 404, path
            assert without_instance(nobodys) == without_instance(theirs)
        listed = [bot["bot_id"] for bot in client.get("/api/bots").json()["bots"]]

    assert listed == [acme.bot_id]
    assert sandbox.calls(bot_id=globex.bot_id, method="getMe")[1:] == []


def test_anothers_command_is_like_one_that_does_not_exist(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme, globex = Acme(gateway, sandbox), Acme(gateway, sandbox, "Globex")
    with globex.client() as client:
        sent = globex.send(client, 5, "between us").json()
        own = client.get(f"/api/commands/{sent['command_id']}", params={"at_least": sent["position"]})
    with acme.client() as client:
        theirs = client.get(f"/api/commands/{sent['command_id']}")
        nobodys = client.get("/api/commands/0197c5e2-0000-7000-8000-000000000001")

    assert own.json()["state"] == "delivered"
    assert [step["event"] for step in own.json()["timeline"]] == ["received", "started", "delivered"]
    assert theirs.status_code == 404
    assert without_instance(nobodys) == without_instance(theirs)


def test_a_bot_that_another_tenant_has_stays_unverified_and_tells_nothing(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme, globex = Acme(gateway, sandbox), Acme(gateway, sandbox, "Globex")
    with acme.client() as client:
        claimed = client.post("/api/bots", json={"token": globex.token})
        command = client.post(f"/api/bots/{globex.bot_id}/commands/getMe")
        health = client.get(f"/api/bots/{globex.bot_id}/health")
    with globex.client() as client:
        still_theirs = globex.send(client, 5, "hello")

    assert (claimed.status_code, claimed.json()["status"]) == (201, "unverified")
    assert (command.status_code, command.json()["code"]) == (409, "bot_unverified")
    assert health.status_code in (404, 409)
    assert still_theirs.json()["outcome"] == "delivered"


@pytest.mark.parametrize("path", ["bot-health/summary", "bot-health/unhealthy", "stats"])
def test_what_is_the_operators_is_for_admin_keys(gateway: Gateway, sandbox: SandboxClient, path: str) -> None:
    acme = Acme(gateway, sandbox)
    with acme.client() as client, gateway.admin() as admin, gateway.client() as anyone:
        statuses = [each.get(f"/admin/system/{path}").status_code for each in (admin, client, anyone)]

    assert statuses == [200, 403, 401]
