"""Reads of the commands view. Synchronous: the gateway calls them in a worker thread."""

from __future__ import annotations

import msgspec

from domain.command import Wait
from domain.failure import Category
from projections.commands.row import CommandRow
from projections.commands.story import OPEN, CommandStory, FailedAttempt, Moment
from projections.moments import moment
from projections.views import Readable

_waits = msgspec.json.Decoder(list[Wait]).decode
_failures = msgspec.json.Decoder(FailedAttempt).decode_lines
_SELECT = f"SELECT {', '.join(CommandRow.__struct_fields__)} FROM commands"  # noqa: S608  our own column names


def command_story(views: Readable, command_id: str) -> CommandStory | None:
    """Whose it is says `tenant_id`; that the reader may see it, the caller decides."""
    with views.reading() as connection:
        row = connection.execute(f"{_SELECT} WHERE command_id=?", (command_id,)).fetchone()
    return _story(CommandRow(*row)) if row else None


def commands_of(
    views: Readable, tenant_id: str, bot_id: int, *, limit: int = 50, before: str | None = None
) -> list[CommandStory]:
    """Newest first; `before` is the id of the last one on the page before."""
    earlier = "AND opened<(SELECT opened FROM commands WHERE command_id=:before)" if before is not None else ""
    with views.reading() as connection:
        rows = connection.execute(
            f"{_SELECT} WHERE bot_id=:bot_id AND tenant_id=:tenant_id {earlier} ORDER BY opened DESC LIMIT :limit",
            {"bot_id": bot_id, "tenant_id": tenant_id, "before": before, "limit": limit},
        ).fetchall()
    return [_story(CommandRow(*row)) for row in rows]


def _story(row: CommandRow) -> CommandStory:
    return CommandStory(
        command_id=row.command_id,
        bot_id=row.bot_id,
        tenant_id=row.tenant_id,
        method=row.method,
        chat=row.chat,
        state=row.state,
        code=row.code,
        category=_category(row),
        telegram_code=row.telegram_code,
        telegram_description=row.telegram_description,
        received_at=moment(row.received_at),
        accepted_at=moment(row.accepted_at),
        started_at=moment(row.started_at),
        ended_at=moment(row.ended_at),
        attempts=row.attempts,
        queue_ms=row.queue_ms,
        telegram_ms=row.telegram_ms,
        position=row.position,
        timeline=_timeline(row),
    )


def _timeline(row: CommandRow) -> list[Moment]:
    where = row.method if row.chat is None else f"{row.method} to chat {row.chat}"
    told = []
    if row.received_at is not None:
        told.append(Moment(at=moment(row.received_at), event="received", detail=where))
    if row.accepted_at is not None:
        told.append(Moment(at=moment(row.accepted_at), event="accepted", detail="recorded to be finished in any case"))
    if row.waits is not None:
        told += [Moment(at=w.since, event="waited", detail=w.because, until=w.until) for w in _waits(row.waits)]
    if row.started_at is not None:
        told.append(Moment(at=moment(row.started_at), event="started", detail="recorded before the first attempt"))
    told += [_failed(failed) for failed in _failures(row.failures)]
    if row.ended_at is not None and row.state != OPEN:
        told.append(
            Moment(
                at=moment(row.ended_at),
                event=row.state,
                detail=_ending(row),
                category=_category(row),
                telegram_code=row.telegram_code,
            )
        )
    # Stable: what happened at the same moment stays in the order in which it is told here.
    return sorted(told, key=lambda it: it.at)


def _failed(failed: FailedAttempt) -> Moment:
    return Moment(
        at=failed.at,
        event="attempt_failed",
        detail=failed.description,
        until=failed.again_at,
        attempt=failed.attempt,
        category=failed.category,
        telegram_code=failed.telegram_code,
    )


def _ending(row: CommandRow) -> str:
    attempts = "1 attempt" if row.attempts == 1 else f"{row.attempts} attempts"
    took = f"{attempts}, queue {row.queue_ms or 0:.0f} ms, Telegram {row.telegram_ms or 0:.0f} ms"
    return f"{row.telegram_description or row.code}; {took}" if row.code else took


def _category(row: CommandRow) -> Category | None:
    return None if row.category is None else Category(row.category)
