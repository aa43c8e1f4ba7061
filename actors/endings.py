"""How a command ends: one event for the log, and then, once that is on disk, one outcome for its caller."""

from __future__ import annotations

from datetime import datetime

import msgspec

from actors.ports import Ports
from actors.slot import Slot, Stage, Ticket
from domain import events
from domain.command import Outcome
from domain.errors import StoreError
from domain.failure import TREATMENT, Failure, Final, Strategy, code_of
from domain.refusal import Refused

LATER = Refused(
    "idempotency_in_flight",
    "The gateway is stopping. The command is accepted and is finished when it is back: ask again with the same key.",
    2.0,
)
FAILED_AS: dict[Final, type[events.Failed]] = {
    Final.REJECTED: events.CommandRejected,
    Final.NOT_SENT: events.CommandNotSent,
    Final.UNCERTAIN: events.CommandUncertain,
}


class Ending:
    """Ends commands of one slot."""

    __slots__ = ("_ports", "_slot")

    def __init__(self, slot: Slot, ports: Ports) -> None:
        self._slot, self._ports = slot, ports

    def __call__(
        self,
        ticket: Ticket,
        final: Final,
        code: str,
        *,
        result: bytes | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """Decides the outcome for good and sends it on its way.

        Where the journal has no room, a refusal that opens nothing is told and not recorded.
        """
        slot, ports = self._slot, self._ports
        if final is Final.NOT_SENT and ticket.maybe_executed:
            final, code = Final.UNCERTAIN, code_of(Final.UNCERTAIN, None)
        if ticket.has_place:
            ports.journal.release()
        if final is Final.NOT_SENT and ticket.is_untouched and not ports.journal.takes_refusal():
            # The store is away, and callers who are refused do not go away: what has begun needs the room.
            slot.closed(ticket)
            ticket.answered(Refused(code, "", retry_after_s))
            return
        now = ports.clock.steady()
        outcome = outcome_of(ticket, final, code, now, result=result, retry_after_s=retry_after_s)
        ticket.stage, ticket.outcome, ticket.decided_at = Stage.RECORDING, outcome, now
        event = event_of(ticket, outcome, ports.clock.utc())
        if isinstance(event, events.CommandDelivered) and ticket.is_durable and result is not None:
            event = msgspec.structs.replace(event, result_sealed=_kept(ticket, ports, result))
        ports.journal.note(event, lambda at: _recorded(slot, ticket, outcome, at), ticket.stream)


def _kept(ticket: Ticket, ports: Ports, result: bytes) -> bytes | None:
    try:
        return ports.seal(ticket.command.tenant_id, result_purpose(ticket.command.command_id), result)
    except StoreError:
        # The outcome matters more than its result; that one is lost to a repeat, not to this caller.
        return None


def result_purpose(command_id: str) -> str:
    return f"result/{command_id}"


def parameters_purpose(command_id: str) -> str:
    return f"parameters/{command_id}"


def _recorded(slot: Slot, ticket: Ticket, outcome: Outcome, result: int | StoreError) -> None:
    slot.closed(ticket)
    if isinstance(result, int):
        ticket.answered(msgspec.structs.replace(outcome, position=result))
    else:
        ticket.answered(unrecorded(ticket))


def unrecorded(ticket: Ticket) -> Outcome:
    """What is known, though the log does not have it: Telegram's answer, if there was one."""
    assert ticket.outcome is not None  # noqa: S101  only a decided command is told so
    return msgspec.structs.replace(ticket.outcome, code="delivery_unrecorded")


def left_open(ticket: Ticket, now: float) -> Outcome | Refused:
    """What is known when the process ends and the end of this one is not on disk. The next process sees to it."""
    if ticket.outcome is not None:
        return unrecorded(ticket)
    return LATER if ticket.is_durable else outcome_of(ticket, Final.UNCERTAIN, "delivery_unrecorded", now)


def outcome_of(
    ticket: Ticket,
    final: Final,
    code: str,
    ended: float,
    *,
    result: bytes | None = None,
    retry_after_s: float | None = None,
) -> Outcome:
    failure = ticket.failure if final is not Final.DELIVERED else None
    queued_s = ended - ticket.arrived if ticket.queued_s is None else ticket.queued_s
    return Outcome(
        command_id=ticket.command.command_id,
        final=final,
        code=code,
        result=result,
        attempts=ticket.attempts,
        queue_ms=round(queued_s * 1000, 2),
        telegram_ms=round(ticket.telegram_s * 1000, 2),
        category=failure.category if failure else None,
        telegram_code=failure.code if failure else None,
        telegram_description=failure.description if failure else None,
        retry_after_s=retry_after_s,
    )


def event_of(ticket: Ticket, outcome: Outcome, now: datetime) -> events.Ended:
    command = ticket.command
    common = {
        "occurred_at": now,
        "bot_id": command.bot_id,
        "tenant_id": command.tenant_id,
        "command_id": command.command_id,
        "method": command.method,
        "received_at": command.received_at,
        "chat": ticket.chat,
        "attempts": outcome.attempts,
        "queue_ms": outcome.queue_ms,
        "telegram_ms": outcome.telegram_ms,
        "waits": tuple(ticket.waits),
    }
    if outcome.final is Final.DELIVERED:
        return events.CommandDelivered(**common)  # type: ignore[arg-type]  # the fields of Ended
    return FAILED_AS[outcome.final](
        **common,  # type: ignore[arg-type]  # the fields of Ended
        code=outcome.code,
        category=outcome.category,
        telegram_code=outcome.telegram_code,
        description=outcome.telegram_description or "",
    )


def attempt_failed(
    ticket: Ticket, failure: Failure, again_at: datetime | None, strategy: Strategy, now: datetime
) -> events.AttemptFailed:
    command = ticket.command
    return events.AttemptFailed(
        occurred_at=now,
        bot_id=command.bot_id,
        tenant_id=command.tenant_id,
        command_id=command.command_id,
        method=command.method,
        chat=ticket.chat,
        attempt=ticket.attempts,
        category=failure.category,
        description=failure.description,
        telegram_code=failure.code,
        telegram_ms=round(ticket.telegram_s * 1000, 2),
        retry_after_s=failure.retry_after_s or None,
        again_at=again_at,
        strategy=None if strategy is TREATMENT[failure.category].strategy else strategy,
    )


def started(ticket: Ticket, now: datetime) -> events.CommandStarted:
    command = ticket.command
    return events.CommandStarted(
        occurred_at=now,
        bot_id=command.bot_id,
        tenant_id=command.tenant_id,
        command_id=command.command_id,
        method=command.method,
        received_at=command.received_at,
        chat=command.chat,
    )
