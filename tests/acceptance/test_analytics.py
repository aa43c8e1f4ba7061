"""An analyst with a key and an HTTP client, and nothing else."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import httpx

from domain import events, streams
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.sqlite import SQLiteStore
from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.examples import a_delivered, an_uncertain

CALM, STORMY = 8, 5


def last_week(tenant: Acme, delivered: int, uncertain: int) -> list[events.DayEvent]:
    numbers, at = count(), datetime.now(UTC) - timedelta(days=7)
    who = {"bot_id": tenant.bot_id, "tenant_id": tenant.tenant_id, "occurred_at": at, "received_at": at}
    return [
        *(a_delivered(f"{tenant.bot_id}-{next(numbers)}", **who) for _ in range(delivered)),
        *(an_uncertain(f"{tenant.bot_id}-{next(numbers)}", **who) for _ in range(uncertain)),
    ]


def recorded(gateway: Gateway, happened: list[events.DayEvent]) -> None:
    """As a gateway of that time would have left it in the log."""
    with closing(SQLiteStore(gateway.state_dir / "botloft.db")) as store:
        ledger = Ledger(store)
        for event in happened:
            stream = streams.day_stream(event)
            ledger.append([Entry(stream, ledger.last_version(stream) + 1, event)])


def an_analyst(gateway: Gateway) -> httpx.Client:
    with gateway.admin() as admin:
        made = admin.post("/api/keys", json={"scopes": ["analyst"], "label": "trends"})
    assert made.status_code == 201, made.text
    return gateway.client(made.json()["api_key"])


def test_an_analyst_finds_whose_errors_rose_when_429s_peak_and_which_chats_cause_them(
    tmp_path: Path, sandbox: SandboxClient
) -> None:
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST).start()
    acme, globex = Acme(gateway, sandbox), Acme(gateway, sandbox, "Globex")
    assert gateway.stop() == 0
    recorded(gateway, [*last_week(acme, delivered=19, uncertain=1), *last_week(globex, delivered=2, uncertain=2)])
    gateway.start()
    try:
        began = datetime.now(UTC)
        sandbox.fault("status", status=502, bot_id=acme.bot_id, method="sendMessage", chat_id=CALM, times=2)
        sandbox.fault("flood", bot_id=acme.bot_id, method="sendMessage", chat_id=STORMY, retry_after=1, times=2)
        with acme.client() as client, globex.client() as other:
            told = [acme.send(client, chat, "hello") for chat in (CALM, CALM, CALM, STORMY, 9)]
            told += [globex.send(other, 1, "hello") for _ in range(3)]
        newest = max(int(answer.headers["botloft-position"]) for answer in told)
        ended = datetime.now(UTC)
        with an_analyst(gateway) as analyst:
            seen = {"days": 7, "at_least": newest}
            tenants = analyst.get("/api/analytics/tenants", params=seen).raise_for_status().json()["tenants"]["rows"]
            errors = analyst.get("/api/analytics/errors", params=seen).raise_for_status().json()
            own = analyst.get(f"/api/bots/{acme.bot_id}/analytics/summary").raise_for_status().json()
            refused = analyst.post(f"/api/bots/{acme.bot_id}/commands/getMe")
        with globex.client() as client:
            theirs = client.get("/api/analytics/errors").raise_for_status().json()
    finally:
        gateway.stop()
    limits = errors["rate_limits"]

    assert [answer.json()["outcome"] for answer in told] == ["uncertain"] * 2 + ["delivered"] * 6
    # Which tenants' error rate rose this week
    assert [(row["tenant_id"], row["previous_error_rate"], row["error_rate"]) for row in tenants] == [
        (acme.tenant_id, 0.05, 0.4),
        (globex.tenant_id, 0.5, 0.0),
    ]
    assert [row["error_rate_rise"] > 0 for row in tenants] == [True, False]
    # At what hour 429s peak
    assert limits["count"] == sum(limits["by_hour_of_day"]) == 2
    assert limits["peak_hour"] in {began.hour, ended.hour}
    # Which chats cause them
    assert [(c["tenant_id"], c["bot_id"], c["chat"], c["rate_limited"]) for c in limits["chats"]] == [
        (acme.tenant_id, acme.bot_id, str(STORMY), 2)
    ]
    assert [(chat["chat"], chat["failed_requests"]) for chat in errors["chats"]] == [(str(CALM), 2)]
    assert [(e["category"], e["telegram_code"], e["count"]) for e in errors["errors"]["rows"]] == [
        ("ambiguous", 502, 2)
    ]
    assert own["today"]["total_requests"] == 5
    assert refused.status_code == 403
    assert (theirs["count"], theirs["rate_limits"]["count"]) == (0, 0)
