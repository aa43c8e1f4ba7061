"""Tokens that are watched: refused by Telegram, replaced, looked at; and what their tenants and the operator hear."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.acceptance.hearing import free_port
from tests.acceptance.test_alerts import receiving

SECRET = "what the operator's end of the line knows"


def once(look: Callable[[], Any]) -> Any:
    """What it finds, as soon as it finds something; each look asks a server."""
    for _ in range(3000):
        if found := look():
            return found
    raise AssertionError("it never came")


class Tenant(Acme):
    @property
    def path(self) -> str:
        return f"/api/bots/{self.bot_id}"

    def put(self, client: httpx.Client, token: str) -> dict[str, Any]:
        return dict(client.put(f"{self.path}/token", json={"token": token}).json())

    def shown(self, client: httpx.Client) -> dict[str, Any]:
        return dict(client.get(self.path).raise_for_status().json())

    def category(self, admin: httpx.Client) -> str:
        return str(admin.get(f"/admin/system/bot/{self.bot_id}/token-status").raise_for_status().json()["category"])

    def topics(self, admin: httpx.Client) -> list[str]:
        lines = admin.get("/api/events", params={"bot_id": self.bot_id}).raise_for_status().text.splitlines()
        return [json.loads(line)["topic"] for line in lines]


def test_a_revoked_token_suspends_its_bot_alone_and_a_new_one_brings_it_back_with_its_history(
    tmp_path: Path, sandbox: SandboxClient
) -> None:
    with receiving() as operator:
        gateway = Gateway(
            tmp_path / "state", sandbox.base_url, **FAST, ALERT_URL=operator.url, ALERT_SECRET=SECRET
        ).start()
        acme, globex = Tenant(gateway, sandbox), Tenant(gateway, sandbox, "Globex")
        with acme.client() as client, globex.client() as theirs, gateway.admin() as admin:
            before = acme.send(client, 5, "before").json()
            client.patch(acme.path, json={"bot_rps": 9}).raise_for_status()
            sandbox.revoke(acme.bot_id)
            refused = acme.send(client, 5, "with a token that is none any more").json()
            operator.hears("alert.raised")
            suspended = once(lambda: (row := acme.shown(client))["status"] == "suspended" and row)
            resumed = client.post(f"{acme.path}/resume").json()
            sent = [acme.send(client, 5, "too early").json()["code"], globex.send(theirs, 5, "well").json()["outcome"]]
            notices = once(lambda: client.get("/api/notices").json()["notices"])
            once(lambda: acme.category(admin) == "REVOKED")

            wrong = [acme.put(client, one)["code"] for one in (globex.token, acme.token, "no token")]
            token = sandbox.issue_token(acme.bot_id)
            stranger = acme.put(theirs, token)["code"]
            put = acme.put(client, token)
            operator.hears("alert.raised", "alert.cleared")
            works = acme.send(client, 5, "and on").json()
            again = acme.put(client, token)
            row, story = acme.shown(client), client.get(f"/api/commands/{before['command_id']}").json()
            once(lambda: acme.category(admin) == "VALID")
            topics = acme.topics(admin)
        gateway.kill()
        gateway.start()
        with acme.client() as client:
            after_restart = acme.send(client, 5, "in another process").json()
        assert gateway.stop() == 0

    assert (refused["code"], refused["outcome"]) == ("token_unauthorized", "rejected")
    assert "PUT /api/bots/{bot_id}/token" in refused["detail"]
    assert "revoked or replaced" in suspended["suspended_reason"]
    assert (resumed["code"], f"PUT it to {acme.path}/token" in resumed["detail"]) == ("token_unauthorized", True)
    assert sent == ["bot_suspended", "delivered"]
    assert [(one["kind"], one["bot_id"]) for one in notices] == [("token_revoked", acme.bot_id)]
    assert wrong == ["token_mismatch", "token_unauthorized", "token_format"]
    assert stranger == "not_found"
    assert (put["status"], again["status"], again["position"]) == ("active", "active", None)
    assert (works["outcome"], after_restart["outcome"], story["outcome"]) == ("delivered",) * 3
    assert (row["status"], row["config"]) == ("active", {"bot_rps": 9.0})
    assert sandbox.texts(acme.bot_id) == ["before", "and on", "in another process"]
    assert [topics.count(topic) for topic in ("bot-suspended", "token-rotated", "bot-resumed")] == [1, 1, 1]
    assert operator.told == ["alert.raised", "alert.cleared"]


def test_an_operator_has_all_tokens_looked_at_and_whoever_must_know_is_told(
    tmp_path: Path, sandbox: SandboxClient
) -> None:
    path, port = "/admin/system/validate-all-tokens", str(free_port())
    public = f"http://127.0.0.1:{port}"
    gateway = Gateway(
        tmp_path / "state", sandbox.base_url, **FAST, TOKEN_CHECK_RPS="5", PORT=port, PUBLIC_URL=public
    ).start()
    well, revoked, renamed = (Tenant(gateway, sandbox, name) for name in ("Well", "Revoked", "Renamed"))
    sandbox.revoke(revoked.bot_id)
    sandbox.rename(renamed.bot_id, username="renamed_bot")
    with well.client() as client, gateway.admin() as admin:
        before = admin.get(path).json()
        begun = admin.post(path)
        job = once(lambda: (found := admin.get(path).json())["state"] == "done" and found)["job"]
        with revoked.client() as theirs:
            once(lambda: revoked.shown(theirs)["status"] == "suspended")
            checked = theirs.post(f"{revoked.path}/verify").json()
        with renamed.client() as theirs:
            once(lambda: renamed.shown(theirs)["username"] == "renamed_bot")
            sandbox.rename(renamed.bot_id, first_name="Called otherwise")
            refreshed = theirs.post(f"{renamed.path}/refresh").json()
            shown = renamed.shown(theirs)
            kinds = once(lambda: [one["kind"] for one in theirs.get("/api/notices").json()["notices"]])
        verified = client.post(f"{well.path}/verify", json={"chat_id": 5, "text": "It works."}).json()
        stranger = f"{well.bot_id}:AA{'x' * 33}"
        judged = [
            admin.post("/admin/system/validate-token", json={"token": token}).json()
            for token in (well.token, revoked.token, stranger, "no token")
        ]

        client.patch(well.path, json={"updates": "webhook"}).raise_for_status()
        once(lambda: sandbox_webhook(sandbox, well.token))
        former = sandbox_webhook(sandbox, well.token)
        token = sandbox.issue_token(well.bot_id)
        well.put(client, token)
        once(lambda: sandbox_webhook(sandbox, token) not in ("", former))
    gateway.kill()
    gateway.start()
    with gateway.admin() as admin:
        after_restart = admin.get(path).json()
    assert gateway.stop() == 0

    assert (before["state"], begun.status_code, begun.json()["state"]) == ("none", 202, "running")
    assert (job["bots"], job["done"], job["categories"]) == (3, 3, {"VALID": 2, "REVOKED": 1})
    assert (checked["category"], checked["status"]) == ("REVOKED", "suspended")
    assert refreshed["first_name"] == shown["first_name"] == "Called otherwise"
    assert kinds[0] == "bot_renamed"
    assert (verified["category"], verified["message"]["outcome"]) == ("VALID", "delivered")
    assert sandbox.texts(well.bot_id) == ["It works."]
    assert [one["category"] for one in judged] == ["VALID", "REVOKED", "UNAUTHORIZED", "INVALID_FORMAT"]
    assert (judged[0]["bot_id"], judged[2]["bot_id"]) == (well.bot_id, None)
    assert (after_restart["state"], "not taken up again" in after_restart["detail"]) == ("none", True)
    kept = [*gateway.state_dir.rglob("*.db*"), gateway.log]
    secrets = [one.partition(":")[2].encode() for one in (well.token, revoked.token, token, stranger)]
    assert [] == [(place.name, secret) for place in kept for secret in secrets if secret in place.read_bytes()]


def sandbox_webhook(sandbox: SandboxClient, token: str) -> str:
    with httpx.Client(trust_env=False) as client:
        answer = client.post(f"{sandbox.base_url}/bot{token}/getWebhookInfo").raise_for_status()
    return str(answer.json()["result"]["url"])
