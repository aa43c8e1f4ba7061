"""After a run with failures of every kind no token, key or secret is anywhere that somebody may look."""

from __future__ import annotations

from pathlib import Path

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import Acme, Gateway

FAULTS = (
    {"kind": "status", "status": 502},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 404},
    {"kind": "flood", "retry_after": 1},
    {"kind": "close_before"},
    {"kind": "close_after"},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "hang_after"},
    {"kind": "malformed"},
    {"kind": "truncated"},
    {"kind": "html"},
)


def test_no_secret_is_in_a_log_a_database_or_an_answer(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme = Acme(gateway, sandbox)
    other = sandbox.add_bot()
    answers: list[str] = []
    with acme.client() as client, gateway.admin() as admin:
        for number, fault in enumerate(FAULTS):
            details = dict(fault)
            sandbox.fault(str(details.pop("kind")), method="sendMessage", **details)
            answer = client.post(
                f"/api/bots/{acme.bot_id}/commands/sendMessage",
                json={"chat_id": number, "text": "x"},
                headers={"X-Deadline-S": "2"},
            )
            answers.append(answer.text)
        sandbox.clear_faults()
        sandbox.fault("status", status=400, description=f"Bad Request: who is {acme.token}?", method="sendMessage")
        answers.append(acme.send(client, 1, "x").text)
        sandbox.revoke(acme.bot_id)
        answers.append(acme.send(client, 1, "x").text)
        answers.append(client.post("/api/bots", json={"token": other.token[:-1] + "!"}).text)
        answers += [client.get(path).text for path in ("/api/bots", "/api/keys", f"/api/bots/{acme.bot_id}/commands")]
        answers += [admin.get(f"/admin/system/{path}").text for path in ("stats", "bot-health/summary")]
    assert gateway.stop() == 0

    secrets = [acme.token, acme.token.partition(":")[2], other.token.partition(":")[2], acme.key, gateway.admin_key]
    files = [path for path in gateway.state_dir.rglob("*") if path.is_file() and path.name != "master.key"]
    places = {**{path.name: path.read_bytes() for path in [*files, gateway.log]}, "answers": "".join(answers).encode()}
    found = [
        (name, secret[:12]) for name, content in places.items() for secret in secrets if secret.encode() in content
    ]
    assert {"botloft.db", "views.db"} <= {path.name for path in files}
    assert found == []


def test_the_made_master_key_is_for_its_owner_alone(gateway: Gateway) -> None:
    mode = Path(gateway.state_dir / "master.key").stat().st_mode & 0o777

    assert mode == 0o600
