"""An operator at the command line and a view that stands still: the fleet never notices."""

from __future__ import annotations

import subprocess
from contextlib import closing
from typing import Any

import httpx

from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.sqlite import SQLiteStore
from ops.sandbox.client import SandboxClient
from projections.views import delete
from tests.acceptance.gateway_process import COMMAND, ROOT, Acme, Gateway
from tests.examples import a_delivered

OTHER_BOT = 5
PATH = "/admin/system/projections"


def cli(gateway: Gateway, *words: str, key: str | None = None) -> tuple[int, str, str]:
    """Exit code and what it says."""
    own = {"BOTLOFT_ADMIN_KEY": gateway.admin_key if key is None else key, "COLUMNS": "200", "NO_COLOR": "1"}
    ended = subprocess.run(
        [*COMMAND, "projections", *words, "--url", gateway.base_url],
        capture_output=True,
        text=True,
        env={**gateway.environment, **own},
        cwd=ROOT,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return ended.returncode, ended.stdout, ended.stderr


def poison(gateway: Gateway) -> int:
    """An outcome with more attempts than a view can hold, written by somebody else; its position."""
    with closing(SQLiteStore(gateway.state_dir / "botloft.db")) as store:
        event = a_delivered("poison", bot_id=OTHER_BOT, attempts=2**64)
        return Ledger(store).append([Entry("d/2026-07-01/poison", 1, event)])[-1]


def statuses(admin: httpx.Client) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in admin.get(PATH).raise_for_status().json()["projections"]}


def until(condition: Any) -> None:
    """Each look is a request: as good as a rest."""
    while not condition():
        pass


def test_a_view_that_meets_an_event_it_cannot_take_stands_still_alone_and_is_made_to_skip_it(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme = Acme(gateway, sandbox)
    with acme.client() as client, gateway.admin() as admin:
        before = acme.send(client, 1, "before").json()
        position = poison(gateway)
        until(lambda: statuses(admin)["commands"]["state"] == "stopped")
        stopped = statuses(admin)["commands"]
        sent = acme.send(client, 2, "during").json()
        health = acme.health(client, at_least=sent["position"])
        ready = admin.get("/health/ready")
        told = cli(gateway, "list")
        refused = cli(gateway, "skip", "commands", str(before["position"]), "--reason", "mistyped")
        failed = cli(gateway, "rebuild", "commands", "--reason", "perhaps it helps")
        gateway.stop()
        gateway.start()
    with acme.client() as client, gateway.admin() as admin:
        until(lambda: statuses(admin)["commands"]["state"] == "stopped")
        others = [name for name, one in statuses(admin).items() if one["state"] == "stopped"]
        skipped = [cli(gateway, "skip", name, str(position), "--reason", "a known bug") for name in others]
        story = client.get(f"/api/commands/{sent['command_id']}", params={"at_least": sent["position"]}).json()
        again = cli(gateway, "rebuild", "commands", "--reason", "for good measure")
        gateway.kill()
        gateway.start()
    with gateway.admin() as admin:
        rebuilt = cli(gateway, "rebuild", "commands", "--reason", "after a restart")
        at_last = statuses(admin)["commands"]
        ready_again = admin.get("/health/ready")

    assert (position, "command-delivered") == (stopped["error"]["position"], stopped["error"]["topic"])
    assert "OverflowError" in stopped["error"]["reason"]
    assert position - 1 == stopped["position"]
    assert ("delivered", 2) == (sent["outcome"], health["successful_requests"])
    assert 503 == ready.status_code
    assert "the projection commands stands still" in ready.json()["wrong"]
    assert f"command-delivered at position {position}: OverflowError" in told[1]
    assert (1, "") == refused[:2]
    assert f"stands still at position {position}, not at {before['position']}" in refused[2]
    assert (1, f"command-delivered at position {position}: OverflowError" in failed[2]) == (failed[0], True)
    assert {(0, "")} == {(code, error) for code, _, error in skipped}
    assert "delivered" == story["state"]
    assert [0, 0] == [again[0], rebuilt[0]]
    assert "commands was rebuilt from " in rebuilt[1]
    assert [(position, "a known bug")] == [(one["skipped_position"], one["reason"]) for one in at_last["skipped"]]
    assert (200, []) == (ready_again.status_code, ready_again.json()["wrong"])


def test_a_paused_view_stays_behind_over_a_restart_and_comes_up_when_it_is_resumed(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme = Acme(gateway, sandbox)
    paused = cli(gateway, "pause", "health", "--reason", "a full disk")
    with acme.client() as client:
        sent = [acme.send(client, chat, "during").json() for chat in range(1, 6)]
        story = client.get(f"/api/commands/{sent[-1]['command_id']}").json()
    gateway.kill()
    gateway.start()
    with acme.client() as client, gateway.admin() as admin:
        health = statuses(admin)["health"]
        ready = admin.get("/health/ready").json()
        listed = cli(gateway, "list")
        resumed = cli(gateway, "resume", "health")
        after = acme.health(client, at_least=sent[-1]["position"])

    assert (0, "health is paused at position ") == (paused[0], paused[1][:29])
    assert "delivered" == story["state"]
    assert ("paused", "a full disk", "settings") == (
        health["state"], health["paused"]["reason"], health["paused"]["by"]
    )  # fmt: skip
    assert health["events_behind"] >= 10
    assert health["lag_s"] > 0
    assert ("ready", ["health"]) == (ready["status"], ready["paused"])
    assert "paused by settings: a full disk" in listed[1]
    assert 0 == resumed[0]
    assert 5 == after["successful_requests"]


def test_views_that_are_deleted_while_it_runs_come_back_by_themselves(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme = Acme(gateway, sandbox)
    with acme.client() as client, gateway.admin() as admin:
        sent = acme.send(client, 1, "before").json()
        acme.health(client, at_least=sent["position"])
        delete(gateway.state_dir / "views.db")
        until((gateway.state_dir / "views.db").exists)
        after = acme.send(client, 2, "after").json()
        health = acme.health(client, at_least=after["position"])
        ready = admin.get("/health/ready").json()

    assert 2 == health["successful_requests"]
    assert "ready" == ready["status"]


def test_what_goes_wrong_at_the_command_line_is_said_in_a_sentence(gateway: Gateway) -> None:
    unknown = cli(gateway, "pause", "helth", "--reason", "a full disk")
    wrong_key = cli(gateway, "list", key="a key of forty characters that is not it")
    no_key = cli(gateway, "list", key="")
    gateway.stop()
    nobody = cli(gateway, "list")

    assert (1, "") == unknown[:2] == wrong_key[:2]
    assert "There is no such projection. There are: bots, health, commands" in unknown[2]
    assert "BOTLOFT_ADMIN_KEY" in wrong_key[2]
    assert 1 == no_key[0]
    assert (3, f"No gateway answers at {gateway.base_url} (Connection refused). Is it running?") == (
        nobody[0],
        nobody[2].partition(" --url")[0],
    )
    assert not any("Traceback" in said[2] or gateway.admin_key in said[2] for said in (unknown, wrong_key, nobody))
