"""Every bot of every tenant with its health, for an operator: what the views `bots` and `health` say together."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from domain.bot import Status
from domain.rules.health import Health
from projections.bots import UNVERIFIED, BotRow, row_of
from projections.health.queries import statuses
from projections.views import Readable


class FleetBot(BotRow, frozen=True, kw_only=True):
    health: Health | None
    """None for a claim: how the bot is, is its owner's matter."""


class Place(NamedTuple):
    """In the order of the list. A bot that several tenants claim stands there several times."""

    bot_id: int
    tenant_id: str


def fleet_bots(
    views: Readable,
    now: datetime,
    *,
    status: Status | None = None,
    tenant_id: str | None = None,
    limit: int = 100,
    after: Place | None = None,
) -> list[FleetBot]:
    """By rising bot id; the next page begins after the last one's place."""
    wanted = [
        "status=:status" if status is not None else "",
        "tenant_id=:tenant_id" if tenant_id is not None else "",
        "(bot_id, tenant_id)>(:after_bot, :after_tenant)" if after is not None else "",
    ]
    where = " AND ".join(part for part in wanted if part) or "TRUE"
    place = after or Place(0, "")
    asked = {
        "status": status.value if status else None,
        "tenant_id": tenant_id,
        "after_bot": place.bot_id,
        "after_tenant": place.tenant_id,
        "limit": limit,
    }
    with views.reading() as connection:
        found = connection.execute(
            f"SELECT * FROM bots WHERE {where} ORDER BY bot_id, tenant_id LIMIT :limit",  # noqa: S608  ours
            asked,
        )
        rows = [row_of(*row) for row in found]
        health = statuses(connection, [row.bot_id for row in rows], now)
    return [
        FleetBot(
            **msgspec.structs.asdict(row),
            health=health.get(row.bot_id) if row.ownership != UNVERIFIED else None,
        )
        for row in rows
    ]
