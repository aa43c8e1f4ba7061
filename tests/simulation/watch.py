"""Whoever looks on: what is asked, noted, committed, sent, answered and told, each checked at its moment."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from actors.slot import Slot
from domain import events as e
from domain.command import Command, Outcome
from domain.failure import Answer
from domain.methods import method_named
from domain.recovery import OpenCommand
from domain.refusal import Refused
from domain.store.mapper import Recorded
from tests.simulation.bot_model import BotModel
from tests.simulation.disk import Disk
from tests.simulation.guard_models import A_MOMENT_S, steady
from tests.simulation.loop import Clock
from tests.simulation.permits import FleetModel
from tests.simulation.plan import Plan
from tests.simulation.telegram import Arrived

KINDS: dict[str, type[e.Ended]] = {
    "delivered": e.CommandDelivered,
    "rejected": e.CommandRejected,
    "not_sent": e.CommandNotSent,
    "uncertain": e.CommandUncertain,
}
UNRECORDED = ("delivery_unrecorded", "store_unavailable")
"""What a caller may be told of a command whose end is not on disk by its deadline."""
CRASHES = ("InjectedCrash", "SteppedDown")


@dataclass(eq=False)
class Asked:
    command: Command
    is_durable: bool
    process: int
    told: list[tuple[float, Any]] = field(default_factory=list)

    @property
    def deadline(self) -> float:
        return steady(self.command.received_at) + self.command.deadline_s


class Watch:
    """Collects what is wrong: an exception in the middle of an actor would only be one more crash of it."""

    def __init__(self, plan: Plan, disk: Disk, clock: Clock, remember: int) -> None:
        self._plan, self._disk, self._clock = plan, disk, clock
        self.wrong: list[str] = []
        self.trace: deque[tuple[float, str, object]] = deque(maxlen=remember)
        self.process = 0
        self.asked: dict[str, Asked] = {}
        self.started: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.ended: dict[str, list[e.Ended]] = defaultdict(list)
        self.fleet = FleetModel(plan)
        self.bots = {bot: BotModel(plan.policy, self.fleet) for bot in plan.bots}
        self.unanswered: list[tuple[int, object]] = []
        self._slots: dict[int, Slot] = {}

    def saw(self, what: str, about: object) -> None:
        self.trace.append((self._clock.now, what, about))

    def process_started(self, slots: dict[int, Slot], opened: Sequence[OpenCommand]) -> None:
        self.process += 1
        self._slots = slots
        self.saw("process started", self.process)
        self.fleet.restarted()
        for bot_id, bot in self.bots.items():
            events = (recorded.event for recorded in self._disk.log)
            bot.restarted(self._disk.bot(bot_id), (one for one in events if getattr(one, "bot_id", 0) == bot_id))
        for one in opened:
            self.bots[one.first.bot_id].joins(one.first.command_id, one.first.chat)

    def asks(self, command: Command, *, is_durable: bool) -> Callable[[Any], None]:
        """Returns whom to tell."""
        asked = self.asked[command.command_id] = Asked(command, is_durable, self.process)
        self.saw("asked", command)
        if not is_durable:
            self.bots[command.bot_id].joins(command.command_id, command.chat)
        return lambda answer: self._told(asked, answer)

    def asks_for_a_change(self, message: object) -> Callable[[Any], None]:
        self.saw("asked", message)
        of_process = self.process
        self.unanswered.append((of_process, message))

        def told(answer: Any) -> None:
            self.saw("told", answer)
            # Who has been answered hears no second answer.
            if (of_process, message) in self.unanswered:
                self.unanswered.remove((of_process, message))

        return told

    def _told(self, asked: Asked, answer: Any) -> None:
        command = asked.command
        self.saw("told", (command.command_id, answer))
        asked.told.append((self._clock.now, answer))
        if len(asked.told) > 1:
            self.wrong.append(f"{command.command_id} is told twice")
        if isinstance(answer, Refused):
            self.bots[command.bot_id].ended(command.command_id, command.chat)
        if isinstance(answer, Outcome):
            self._told_outcome(asked, answer)
        if isinstance(answer, BaseException):
            self.wrong.append(f"{command.command_id} is told {answer!r}")

    def _told_outcome(self, asked: Asked, outcome: Outcome) -> None:
        command_id = asked.command.command_id
        if outcome.position is None:
            if outcome.code not in UNRECORDED or self._clock.now < asked.deadline - A_MOMENT_S:
                self.wrong.append(f"{command_id} is told {outcome.final} {outcome.code} before it is recorded")
            return
        event = self._disk.log[outcome.position - 1].event if outcome.position <= len(self._disk.log) else None
        if not isinstance(event, KINDS[outcome.final]) or event.command_id != command_id:
            self.wrong.append(f"{command_id} is told {outcome.final}, but the log has {event}")

    def left(self, call: Arrived) -> None:
        self.saw("left", call)
        if not call.command_id:
            return
        asked, method = self.asked[call.command_id], method_named(call.method)
        needs_start = method is None or not method.repeatable or asked.is_durable
        if needs_start and not self.started[call.command_id]:
            self.wrong.append(f"{call.command_id} leaves before its start is on disk")
        chat = asked.command.chat
        self.wrong.extend(self.bots[call.bot_id].left(call, chat, self._clock.now))

    def almost_left(self, call: Arrived) -> None:
        """It was dispatched, and its actor failed."""
        self.saw("almost left", call)
        self.bots[call.bot_id].breaker.dispatched(call.command_id)

    def came(self, call: Arrived, answer: Answer) -> None:
        self.saw("came", (call.command_id or call.method, answer))
        if call.command_id:
            self.bots[call.bot_id].came(call, answer, self._clock.now, self._slots.get(call.bot_id))

    def noted(self, event: e.Event) -> None:
        self.saw("noted", event)
        bot_id = getattr(event, "bot_id", None)
        if bot_id is not None:
            self.wrong.extend(self.bots[bot_id].noted(event, self._clock.now))
        if isinstance(event, e.Ended):
            asked = self.asked[event.command_id]
            self.bots[event.bot_id].ended(event.command_id, asked.command.chat)
        if isinstance(event, e.ActorFailed) and event.reason not in CRASHES:
            self.wrong.append(f"an actor failed by {event.reason}")

    def committed(self, recorded: Recorded) -> None:
        match recorded.event:
            case e.CommandStarted(command_id=command_id):
                self.started[command_id] += 1
            case e.CommandAccepted(command_id=command_id):
                self.accepted[command_id] += 1
            case e.Ended(command_id=command_id):
                self.ended[command_id].append(recorded.event)
            case _:
                pass

    def acknowledged(self, event: e.Event, position: int | None) -> None:
        if isinstance(event, e.CommandAccepted) and position is not None:
            self.bots[event.bot_id].joins(event.command_id, event.chat)

    def after_a_step(self) -> None:
        most = self._plan.policy.max_waiting + self._plan.policy.max_in_flight
        for slot in self._slots.values():
            if slot.open_commands > most:
                self.wrong.append(f"{slot.bot_id} has {slot.open_commands} commands open, {most} is the limit")
        self.wrong.extend(self.fleet.wrong)
