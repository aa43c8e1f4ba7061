"""Durable commands: accepted on disk first, found again by their key, taken up again after a crash.

The events of a keyed command have a stream of their own whose first version is the acceptance. So the store refuses a
second acceptance of the same key, and one small stream tells what became of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from actors.endings import parameters_purpose, result_purpose
from actors.messages import Durability, ReadResult, Replayed, ResultShredded
from actors.ports import Ports, Then
from actors.slot import Stage, Ticket
from domain import events, streams
from domain.command import Command, Outcome
from domain.errors import Shredded
from domain.failure import Final
from domain.methods import Method, method_named
from domain.recovery import OpenCommand
from domain.refusal import Refused
from domain.store.mapper import Recorded

UNKNOWN = Method("unknown", repeatable=False)
IN_FLIGHT = Refused(
    "idempotency_in_flight", "The command with this Idempotency-Key is still under way. Ask again in a moment.", 1.0
)
MISMATCH = Refused(
    "idempotency_mismatch", "This Idempotency-Key was used for another command. Use a new key for a new command."
)
FINALS: dict[type[events.Event], Final] = {
    events.CommandDelivered: Final.DELIVERED,
    events.CommandRejected: Final.REJECTED,
    events.CommandNotSent: Final.NOT_SENT,
    events.CommandUncertain: Final.UNCERTAIN,
}


@dataclass(frozen=True, slots=True)
class Archive:
    """The log and the vault, as far as durable commands read them. Both block: for a thread beside the loop."""

    stream: Callable[[str], Sequence[Recorded]]
    at: Callable[[int], Recorded | None]
    open: Callable[[str, str, bytes], bytes]


def accept(ticket: Ticket, durability: Durability, ports: Ports, then: Then, earlier: Sequence[Recorded] = ()) -> None:
    """Hands the acceptance to the journal. Raises StoreError when its parameters cannot be sealed.

    `earlier`: what this key's stream has already, where the command goes again.
    """
    command, now = ticket.command, ports.clock.utc()
    if earlier:
        ticket.stream = earlier[0].stream
    elif durability.key is not None:
        ticket.stream = streams.key_stream(now.date(), command.tenant_id, durability.key)
    accepted = events.CommandAccepted(
        occurred_at=now,
        bot_id=command.bot_id,
        tenant_id=command.tenant_id,
        command_id=command.command_id,
        method=command.method,
        received_at=command.received_at,
        deadline_s=command.deadline_s,
        parameters_sealed=ports.seal(
            command.tenant_id, parameters_purpose(command.command_id), msgspec.json.encode(command.parameters)
        ),
        body_hash=durability.body_hash,
        chat=command.chat,
        retry_uncertain=command.retry_uncertain,
        patient=command.patient,
    )
    ticket.stage, ticket.is_durable = Stage.ACCEPTING, True
    if ticket.stream is None:
        ports.journal.note(accepted, then)
    else:
        ports.journal.write(ticket.stream, earlier[-1].version if earlier else 0, (accepted,), then)


def earlier(command: Command, key: str, archive: Archive) -> Sequence[Recorded]:
    """What the log has of this key: a key is remembered over midnight, and where the clock was set back over it."""
    today = command.received_at.date()
    for day in (today, today - timedelta(days=1), today + timedelta(days=1)):
        found = archive.stream(streams.key_stream(day, command.tenant_id, key))
        if found:
            return found
    return ()


def may_go_again(found: Sequence[Recorded], body_hash: str) -> bool:
    """It was certainly not executed: a key is for doing a thing once, not for never doing it."""
    first, last = found[0].event, found[-1].event
    same = isinstance(first, events.CommandAccepted) and first.body_hash == body_hash
    return same and isinstance(last, events.CommandNotSent) and last.code != "cancelled"


def replay(found: Sequence[Recorded], body_hash: str, archive: Archive) -> Replayed | Refused:
    """What the caller of a key is told that was used before."""
    first, last = found[0].event, found[-1]
    if not isinstance(first, events.CommandAccepted) or first.body_hash != body_hash:
        return MISMATCH
    if not isinstance(last.event, events.Ended):
        return IN_FLIGHT
    return Replayed(_outcome_of(last.event, last.position, archive))


def read_result(message: ReadResult, archive: Archive) -> bytes | ResultShredded | None:
    recorded = archive.at(message.position)
    event = recorded.event if recorded else None
    if not isinstance(event, events.CommandDelivered):
        return None
    if (event.command_id, event.tenant_id) != (message.command_id, message.tenant_id):
        return None
    if event.result_sealed is None:
        return None
    return _opened_result(event, archive) or ResultShredded()


def _opened_result(event: events.CommandDelivered, archive: Archive) -> bytes | None:
    if event.result_sealed is None:
        return None
    try:
        return archive.open(event.tenant_id, result_purpose(event.command_id), event.result_sealed)
    except Shredded:
        return None


def _outcome_of(event: events.Ended, position: int, archive: Archive) -> Outcome:
    failed = event if isinstance(event, events.Failed) else None
    return Outcome(
        command_id=event.command_id,
        final=FINALS[type(event)],
        code=failed.code if failed else "",
        result=_opened_result(event, archive) if isinstance(event, events.CommandDelivered) else None,
        attempts=event.attempts,
        queue_ms=event.queue_ms,
        telegram_ms=event.telegram_ms,
        category=failed.category if failed else None,
        telegram_code=failed.telegram_code if failed else None,
        telegram_description=failed.description if failed else None,
        position=position,
    )


def recovered(opened: OpenCommand, ports: Ports, archive: Archive) -> Ticket:
    """An open command as the next process takes it up: WAITING, or to be ended as `uncertain` where nobody can know."""
    first = opened.first
    method = method_named(first.method) or UNKNOWN
    accepted = first if isinstance(first, events.CommandAccepted) else None
    parameters, readable = _parameters(accepted, archive)
    command = Command(
        command_id=first.command_id,
        bot_id=first.bot_id,
        tenant_id=first.tenant_id,
        method=first.method,
        parameters=parameters,
        chat=first.chat,
        received_at=first.received_at,
        deadline_s=accepted.deadline_s if accepted else 0.0,
        retry_uncertain=accepted.retry_uncertain if accepted else False,
        patient=accepted.patient if accepted else False,
    )
    # Where the clock was set back meanwhile it has come now, and not in the future.
    arrived = min(ports.steady_of(first.received_at), ports.clock.steady())
    ticket = Ticket(command, method, first.chat, arrived, arrived + command.deadline_s, lambda _: None)
    ticket.stream = opened.stream if "/k/" in opened.stream else None
    ticket.is_durable = accepted is not None
    ticket.is_open = ticket.maybe_executed = opened.is_started
    if not readable or (opened.is_started and not (accepted is not None and ticket.repeatable)):
        ticket.stage = Stage.RECORDING
    return ticket


def _parameters(accepted: events.CommandAccepted | None, archive: Archive) -> tuple[dict[str, object], bool]:
    if accepted is None:
        return {}, True
    try:
        plain = archive.open(accepted.tenant_id, parameters_purpose(accepted.command_id), accepted.parameters_sealed)
    except Shredded:
        return {}, False
    decoded: dict[str, object] = msgspec.json.decode(plain)
    return decoded, True
