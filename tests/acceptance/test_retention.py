"""Old days go through the front door: what is told of them stays, and a process that is killed meanwhile goes on."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain import streams
from domain.store.database import database_at
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.examples import a_delivered, a_started

DAYS_AGO = (40, 35, 33)


def with_a_past(gateway: Gateway, acme: Acme) -> None:
    """As if its bot had been at work weeks ago: written while the gateway is stopped."""
    with closing(database_at(gateway.database_url).opened()) as store:
        ledger = Ledger(store)
        for days in DAYS_AGO:
            at = datetime.now(UTC) - timedelta(days=days)
            whose = {"bot_id": acme.bot_id, "tenant_id": acme.tenant_id, "received_at": at, "occurred_at": at}
            told = [a_started(f"c{days}", **whose), a_delivered(f"c{days}", **whose)]
            stream = f"{streams.DAYS}{at:%Y-%m-%d}/{acme.bot_id}"
            ledger.append([Entry(stream, version, event) for version, event in enumerate(told, 1)])


def test_old_days_are_dropped_and_every_number_stays(tmp_path: Path, sandbox: SandboxClient) -> None:
    gateway = Gateway(tmp_path / "var", sandbox.base_url, RETENTION_DAYS="34", **FAST).start()
    acme = Acme(gateway, sandbox)
    gateway.stop()
    with_a_past(gateway, acme)
    gateway.start()
    with acme.client() as client, gateway.admin() as admin:
        position = acme.send(client, 7, "of today").json()["position"]
        before = acme.health(client, position)
        ran = admin.post("/admin/system/retention").raise_for_status().json()["last_run"]
        after = acme.health(client)
        old = client.get(f"/api/bots/{acme.bot_id}/health", params={"as_of": 5})

    assert (2, 4, None) == (ran["days"], ran["events"], ran["not_now"])
    assert before == after
    assert (410, "before_retention") == (old.status_code, old.json()["code"])
    gateway.kill()
    for leftover in gateway.state_dir.glob("views.db*"):
        leftover.unlink()
    gateway.start()
    with acme.client() as client, gateway.admin() as admin:
        admin.post("/admin/system/retention").raise_for_status()
        rebuilt = acme.health(client, position)
        shown = admin.get("/admin/system/retention").json()

    gateway.stop()
    assert before == rebuilt
    assert (34, 0) == (shown["days"], shown["last_run"]["events"])
    with closing(database_at(gateway.database_url).opened()) as store:
        left = [streams.day_of(recorded.stream) for recorded in Ledger(store).read(0, 1000)]
    assert f"{datetime.now(UTC) - timedelta(days=33):%Y-%m-%d}" in left
    assert f"{datetime.now(UTC) - timedelta(days=40):%Y-%m-%d}" not in left
