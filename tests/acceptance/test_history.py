"""History, incidents and retry statistics through the front door of a real process."""

from __future__ import annotations

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import Acme, Gateway

HEALTH = "/admin/system/bot-health"
RETRIES = "/admin/system/retry-statistics"


def test_what_went_wrong_and_what_retrying_brought_is_told_and_survives_a_crash(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme = Acme(gateway, sandbox)
    with acme.client() as client, gateway.admin() as admin:
        sandbox.fault("status", status=502, method="getMe", bot_id=acme.bot_id)
        recovered = acme.command(client, "getMe")
        sandbox.fault("status", status=502, method="sendMessage", bot_id=acme.bot_id, times=5)
        failed = [acme.send(client, chat, "x").json()["code"] for chat in range(5)]
        position = admin.post(f"{HEALTH}/persist-now").json()["position"]
        history = client.get(f"/api/bots/{acme.bot_id}/history", params={"hours": 1}).json()
        incidents = admin.get(f"{HEALTH}/unhealthy-history").json()["incidents"]
        retries = admin.get(RETRIES).json()
    gateway.kill()
    gateway.start()
    with acme.client() as client, gateway.admin() as admin:
        again = admin.get(f"{HEALTH}/unhealthy-history", params={"at_least": position}).json()["incidents"]
        reset = admin.post(f"{RETRIES}/reset", json={"reason": "looked into"}).json()
        after_reset = admin.get(RETRIES).json()

    assert (recovered.json()["outcome"], recovered.json()["attempts"]) == ("delivered", 2)
    assert failed == ["delivery_uncertain"] * 5
    assert (history["totals"]["successful"], history["totals"]["uncertain"], history["totals"]["retries"]) == (1, 5, 1)
    assert 12 <= len(history["points"]) <= 13
    assert {one["kind"] for one in incidents} == {"unhealthy", "breaker"}
    assert {one["end"] for one in incidents} == {None}
    assert [one for one in again if one["incident_id"] in {seen["incident_id"] for seen in incidents}] == incidents
    assert [(kind["category"], kind["strategy"], kind["recovered"]) for kind in retries["by_kind"]] == [
        ("ambiguous", "exponential", 1)
    ]
    assert reset["position"] > position
    assert (after_reset["totals"]["failed_attempts"], after_reset["reset_reason"]) == (0, "looked into")


def test_an_operator_suspends_a_bot_for_good_reason_and_its_tenant_cannot_undo_it(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme = Acme(gateway, sandbox)
    path = f"/admin/bots/{acme.bot_id}"
    with acme.client() as client, gateway.admin() as admin:
        suspended = admin.post(f"{path}/suspend", json={"reason": "abuse"})
        refused = acme.send(client, 1, "x")
        resumed_by_tenant = client.post(f"/api/bots/{acme.bot_id}/resume")
        listed = admin.get("/admin/bots", params={"status": "suspended"}).json()["bots"]
        client.delete(f"/api/bots/{acme.bot_id}").raise_for_status()
        again = client.post("/api/bots", json={"token": acme.token})
        admin.post(f"{path}/resume", json={"reason": "looked into"}).raise_for_status()
        delivered = acme.send(client, 1, "x")
        removed = admin.delete(path, params={"reason": "asked for"})
        gone = admin.get("/admin/bots").json()["bots"]

    assert suspended.json()["status"] == "suspended"
    assert (refused.status_code, refused.json()["code"]) == (409, "bot_suspended")
    assert (resumed_by_tenant.status_code, resumed_by_tenant.json()["code"]) == (409, "bot_suspended")
    assert [(bot["bot_id"], bot["suspended_reason"], bot["health"]) for bot in listed] == [
        (acme.bot_id, "abuse", "SUSPENDED")
    ]
    assert (again.status_code, again.json()["status"]) == (201, "suspended")
    assert delivered.json()["outcome"] == "delivered"
    assert (removed.status_code, gone) == (204, [])
