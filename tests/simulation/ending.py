"""What must be true when all is over: every command has ended once, and as its caller was told."""

from __future__ import annotations

from collections.abc import Iterator

from actors.messages import Accepted, Replayed
from domain.bot import Bot
from domain.command import Outcome
from domain.failure import Final
from domain.methods import method_named
from domain.refusal import Refused
from domain.rules.breaker import Phase
from tests.simulation.disk import Disk
from tests.simulation.process import Process
from tests.simulation.telegram import Telegram
from tests.simulation.watch import KINDS, Asked, Watch

GRACE_S = 1.1
"""For a look at what waits for an actor, for an outcome on its way to the disk, and for timers that ring late."""


def at_rest(process: Process, disk: Disk) -> Iterator[str]:
    """Nothing is on its way: what the log says is what the actors are."""
    for bot_id, slot in process.slots.items():
        bot = disk.bot(bot_id)
        if bot_id in disk.strangers_wrote:
            # Its actor learns of that by the next thing that it writes, and not before.
            continue
        if slot.tenants != bot.tenants:
            yield f"{bot_id}: the log has tenants {bot.tenants}, its slot {slot.tenants}"
        believed = process.life_of(bot_id)
        if believed not in (None, bot):
            yield f"{bot_id}: the log has {bot}, its actor believes {believed}"
        if slot.memory.breaker.phase not in _phases(bot):
            yield f"{bot_id}: the log has a breaker {_phases(bot)}, its actor one that is {slot.memory.breaker.phase}"


def _phases(bot: Bot) -> tuple[Phase, ...]:
    if bot.breaker_forced:
        return (Phase.FORCED,)
    # That a half-open one was open is all that a bot remembers.
    return (Phase.OPEN, Phase.HALF_OPEN) if bot.breaker_open_until is not None else (Phase.CLOSED,)


def all_work_again(last: list[str], watch: Watch, disk: Disk) -> Iterator[str]:
    """Asked of bots at work while nothing goes wrong any more."""
    for asked in (watch.asked[command_id] for command_id in last):
        told = asked.told[0][1] if asked.told else None
        is_delivered = isinstance(told, Outcome) and told.final is Final.DELIVERED
        if not is_delivered and asked.command.bot_id not in disk.strangers_wrote:
            yield f"{asked.command.command_id} should have been delivered, and was told {told}"


def when_all_is_over(watch: Watch, telegram: Telegram, process: Process) -> Iterator[str]:
    for slot in process.slots.values():
        if slot.open_commands:
            yield f"{slot.bot_id} still has {list((slot.tickets or {}).values())}"
        if slot.actor is None and slot.parked:
            yield f"{slot.bot_id} has no actor for {slot.parked}"
    for of_process, message in watch.unanswered:
        if of_process == watch.process:
            yield f"nobody was told what became of {message}"
    if process.journal.taken:
        yield f"{process.journal.taken} places of the journal are never given back"
    for asked in watch.asked.values():
        yield from _ended_once(asked, watch)
        if process.is_undisturbed and not asked.is_durable and asked.told[0][0] > asked.deadline + GRACE_S:
            yield f"{asked.command.command_id} was told {asked.told[0][0] - asked.deadline:.3f} s after its deadline"
        yield from _had_its_effect(asked, watch, telegram.effects[asked.command.command_id])


def _ended_once(asked: Asked, watch: Watch) -> Iterator[str]:
    command_id = asked.command.command_id
    ended, started, accepted = watch.ended[command_id], watch.started[command_id], watch.accepted[command_id]
    told = asked.told[0][1] if asked.told else None
    if len(ended) > 1 or started > 1 or accepted > 1:
        yield f"{command_id} is recorded as accepted {accepted}, started {started} and ended {len(ended)} times"
    if (started or accepted) and not ended:
        yield f"{command_id} has begun and never ended"
    if isinstance(told, (Refused, Replayed)) and (started or ended or accepted):
        yield f"{command_id} was {told}, and yet the log has it"
    if isinstance(told, Accepted) and not accepted:
        yield f"{command_id} was told accepted, and the log does not have it"
    if told is None and asked.process == watch.process:
        yield f"{command_id} was never told anything"
    if isinstance(told, Outcome) and asked.process == watch.process and not ended:
        yield f"{command_id} was told {told.final}, and the log does not have it"
    # What was told unrecorded may have died with its process.
    same_life = asked.process == watch.process or (isinstance(told, Outcome) and told.position is not None)
    if isinstance(told, Outcome) and ended and same_life and not isinstance(ended[0], KINDS[told.final]):
        yield f"{command_id} was told {told.final}, and the log has {ended[0]}"


def _had_its_effect(asked: Asked, watch: Watch, effects: int) -> Iterator[str]:
    command_id, method = asked.command.command_id, method_named(asked.command.method)
    assert method is not None
    kind = type(watch.ended[command_id][0]) if watch.ended[command_id] else None
    told = asked.told[0][1] if asked.told else None
    once = not (method.repeatable or asked.command.retry_uncertain)
    if once and effects > 1:
        yield f"{command_id} was executed {effects} times"
    if effects and (kind is KINDS["not_sent"] or isinstance(told, (Refused, Replayed))):
        yield f"{command_id} was executed {effects} times, and ended as not sent: {told}"
    if effects and once and kind is KINDS["rejected"]:
        yield f"{command_id} was executed, and ended as rejected"
    if not effects and kind is KINDS["delivered"]:
        yield f"{command_id} ended as delivered, and was not executed"
