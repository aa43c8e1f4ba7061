"""Days as the log tells them, and questions about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

from domain.events import AttemptFailed, DayEvent, Event
from domain.failure import Failure, Final, code_of
from domain.rules.pacing import PacePolicy
from domain.store.mapper import Recorded
from domain.streams import bot_stream, day_stream
from domain.whatif.policy import Change, Policy
from domain.whatif.question import Question
from domain.whatif.report import Report, answered
from tests.doubles import a_registration
from tests.examples import BOT_ID, NOON, TENANT, a_delivered, a_not_sent, a_rejected, a_started, after, an_uncertain

UNLIMITED = Policy(pace=PacePolicy(0, 0, 0), fleet_rps=0)
ENDED = {Final.REJECTED: a_rejected, Final.NOT_SENT: a_not_sent, Final.UNCERTAIN: an_uncertain}


class MemoryLog:
    def __init__(self, log: Sequence[Recorded]) -> None:
        self._log = log

    def readable(self, after: int, limit: int) -> Sequence[Recorded]:
        return self._log[after : after + limit]

    def stream(self, stream: str) -> Sequence[Recorded]:
        return [recorded for recorded in self._log if recorded.stream == stream]

    def head(self) -> int:
        return len(self._log)


def log_of(*told: Iterable[Event]) -> list[Recorded]:
    """In the order of time, behind the registration of every bot in them."""
    happened = sorted((event for some in told for event in some), key=lambda event: event.occurred_at)
    owners = {event.bot_id: event.tenant_id for event in happened if isinstance(event, DayEvent)}
    begun: list[Event] = [
        msgspec.structs.replace(a_registration(bot_id, tenant_id), occurred_at=after(-86_400))
        for bot_id, tenant_id in (owners or {BOT_ID: TENANT}).items()
    ]
    return [
        Recorded(position, _stream(event), position, event) for position, event in enumerate([*begun, *happened], 1)
    ]


def sent(number: int, at_s: float, took_s: float = 0.1, waited_s: float = 0.0, **changes: object) -> list[Event]:
    """A message that was delivered at its first attempt."""
    common = {"command_id": f"c{number:04}", "received_at": after(at_s), **changes}
    return [
        a_started(occurred_at=after(at_s + waited_s), **common),
        a_delivered(
            occurred_at=after(at_s + waited_s + took_s),
            queue_ms=waited_s * 1000,
            telegram_ms=took_s * 1000,
            **common,
        ),
    ]


def failed(number: int, at_s: float, failure: Failure, took_s: float = 0.1, **changes: object) -> list[Event]:
    """A message that got this answer and no other."""
    common = {"command_id": f"c{number:04}", "received_at": after(at_s), **changes}
    told = {
        "code": code_of(failure.final, failure.category),
        "category": failure.category,
        "telegram_code": failure.code,
        "description": failure.description,
        "telegram_ms": took_s * 1000,
    }
    at = after(at_s + took_s)
    return [
        a_started(occurred_at=after(at_s), **common),
        an_attempt(number, at_s + took_s, failure, took_s=took_s, **changes),
        ENDED[failure.final](occurred_at=at, attempts=1, queue_ms=0.0, **common, **told),
    ]


def an_attempt(
    number: int, at_s: float, failure: Failure, again_after_s: float | None = None, **more: object
) -> AttemptFailed:
    """That failed at this time."""
    took_s = more.pop("took_s", 0.1)
    assert isinstance(took_s, float)
    again_s = None if again_after_s is None else at_s + again_after_s + failure.retry_after_s
    usual = {"bot_id": BOT_ID, "tenant_id": TENANT, "method": "sendMessage", "attempt": 1, "chat": "42"}
    more.pop("received_at", None)
    return AttemptFailed(
        occurred_at=after(at_s),
        command_id=f"c{number:04}",
        category=failure.category,
        description=failure.description,
        telegram_code=failure.code,
        telegram_ms=took_s * 1000,
        retry_after_s=failure.retry_after_s or None,
        again_at=None if again_s is None else after(again_s),
        **{**usual, **more},  # type: ignore[arg-type]
    )


def refused(number: int, at_s: float, code: str, waited_s: float = 0.0, **changes: object) -> list[Event]:
    """A message that never left."""
    return [
        a_not_sent(
            f"c{number:04}",
            received_at=after(at_s),
            occurred_at=after(at_s + waited_s),
            queue_ms=waited_s * 1000,
            code=code,
            **changes,
        )
    ]


def asked(
    log: Sequence[Recorded],
    today: Policy = UNLIMITED,
    *,
    seconds: float = 3600.0,
    bot_id: int | None = None,
    tenant_id: str | None = None,
    **change: object,
) -> Report:
    """Of the time from noon on."""
    question = Question(
        since=NOON,
        until=NOON + timedelta(seconds=seconds),
        change=Change(**change),  # type: ignore[arg-type]
        bot_id=bot_id,
        tenant_id=tenant_id,
    )
    return answered(MemoryLog(log), today, question)


def _stream(event: Event) -> str:
    return day_stream(event) if isinstance(event, DayEvent) else bot_stream(event.bot_id)  # type: ignore[attr-defined]
