"""What of a bot's updates waits and what has failed, for its tenant to see."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from actors.delivery.desk import Desk
from actors.delivery.lanes import Waiting
from actors.messages import DeliveryInfo, ListDeliveries, ReplayDeliveries
from actors.ports import Ports
from domain.errors import StoreError
from domain.store.inbox import InboxRow

PAGE = 500


async def listed(
    message: ListDeliveries, tried: Mapping[int, Waiting], desk: Desk, ports: Ports
) -> list[DeliveryInfo] | StoreError:
    """`tried`: by this process, without success."""
    found: list[DeliveryInfo] = []
    after, is_whole = message.after, False
    while len(found) < message.limit and not is_whole:
        rows = await desk.rows(message.bot_id, after, PAGE)
        if isinstance(rows, StoreError):
            return rows
        wanted = [row for row in rows if (row.update_id in tried) == message.is_failed]
        found += [_info(row, tried.get(row.update_id), ports) for row in wanted]
        after, is_whole = rows[-1].update_id if rows else after, len(rows) < PAGE
    return found[: message.limit]


async def counted(message: ReplayDeliveries, desk: Desk) -> int | StoreError:
    """How many of that range are still here."""
    count, after, is_whole = 0, message.from_update_id - 1, False
    while not is_whole:
        rows = await desk.rows(message.bot_id, after, PAGE)
        if isinstance(rows, StoreError):
            return rows
        within = [row for row in rows if row.update_id <= message.to_update_id]
        count += len(within)
        after, is_whole = rows[-1].update_id if rows else after, len(within) < PAGE
    return count


def _info(row: InboxRow, waiting: Waiting | None, ports: Ports) -> DeliveryInfo:
    received_at = datetime.fromtimestamp(row.received_at, UTC)
    if waiting is None:
        return DeliveryInfo(row.update_id, received_at, 0, None, None)
    return DeliveryInfo(row.update_id, received_at, waiting.attempts, waiting.cause, ports.utc_of(waiting.again))
