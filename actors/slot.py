"""What outlives an actor: a bot's slot, and the tickets of its open commands."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

import pykka

from actors.inbox import LoopFuture
from domain.command import Command, Outcome, Wait
from domain.failure import Category, Failure, lost_answer
from domain.methods import Method
from domain.refusal import Refused
from domain.rules import breaker, deadlines, holds, pacing, retry
from domain.rules.breaker import Pass

NEVER = -math.inf


class Stage(Enum):
    ACCEPTING = "its acceptance is being recorded"
    WAITING = "waiting"
    STARTING = "its start is being recorded"
    CALLING = "Telegram has it"
    RECORDING = "its outcome is being recorded"
    DONE = "its caller knows"


@dataclass(slots=True, eq=False)
class Ticket:
    """One command on its way. Times without a unit are steady seconds."""

    command: Command
    method: Method
    chat: str | None
    """The command's own, until Telegram says that the chat has moved."""
    arrived: float
    deadline: float
    reply: Callable[[object], None]
    """Told once: the `Outcome`, or what there is to say when the caller wants to go on."""
    stage: Stage = Stage.WAITING
    is_open: bool = False
    """CommandStarted is on disk."""
    attempts: int = 0
    retries: dict[Category, int] = field(default_factory=dict)
    maybe_executed: bool = False
    """An earlier attempt's answer was lost."""
    has_place: bool = False
    """In the journal's backlog, for its outcome."""
    held: Pass | None = None
    """What the breaker gave it."""
    left_at: float = 0.0
    """When the attempt in flight left."""
    queued_s: float | None = None
    """From arrival to the first attempt."""
    telegram_s: float = 0.0
    waits: list[Wait] = field(default_factory=list)
    failure: Failure | None = None
    """Of the last attempt."""
    outcome: Outcome | None = None
    """Once it is decided; told when it is recorded."""
    decided_at: float = 0.0
    replied: bool = False
    stream: str | None = None
    """Where its events go; None: into its bot's day."""
    is_durable: bool = False
    """Its acceptance is on disk, and its result is kept."""
    keeper: object | None = None
    """The actor's traffic that has it in a lane; the next incarnation takes it over."""

    @property
    def lane(self) -> str:
        """Commands of one chat leave one after the other; a command without a chat has a lane of its own."""
        return f"chat:{self.command.chat}" if self.command.chat is not None else self.command.command_id

    @property
    def repeatable(self) -> bool:
        return self.method.repeatable or self.command.retry_uncertain

    @property
    def leaves_by(self) -> float:
        return deadlines.leaves_by(self.arrived, self.deadline, repeatable=self.repeatable)

    @property
    def parameters(self) -> dict[str, object]:
        """For the next attempt: to the chat's new id, where Telegram has moved it."""
        if self.chat is None or self.chat == self.command.chat or self.method.chat is None:
            return self.command.parameters
        return {**self.command.parameters, self.method.chat: int(self.chat)}

    @property
    def is_untouched(self) -> bool:
        """Nothing of it has left or is recorded: refused, it may be forgotten."""
        return not (self.is_open or self.is_durable or self.attempts)

    def was_done_before(self, failure: Failure) -> bool:
        """A repeat finds the work done: the attempt whose answer was lost had been executed."""
        return self.maybe_executed and failure.description.lower().startswith(self.method.done_when)

    def goes_again(self, failure: Failure) -> None:
        self.stage = Stage.WAITING
        self.retries[failure.category] = self.retries.get(failure.category, 0) + 1
        if failure.migrate_to is not None:
            self.chat = str(failure.migrate_to)

    def also_tell(self, reply: Callable[[object], None]) -> None:
        first, already = self.reply, self.replied
        self.replied = False

        def both(answer: object) -> None:
            if not already:
                first(answer)
            reply(answer)

        self.reply = both

    def is_lost(self) -> Failure:
        self.failure = lost_answer("no answer, and no word of it from the connection")
        self.maybe_executed = True
        return self.failure

    def answered(self, answer: object) -> None:
        if not self.replied:
            self.replied = True
            self.reply(answer)

    @property
    def waits_for(self) -> str | None:
        """What it has waited for last."""
        return self.waits[-1].because if self.waits else None

    def began_waiting(self, because: str, now: datetime, until: datetime | None) -> None:
        if self.waits_for != because:
            self.waits.append(Wait(now, because, until))


@dataclass(frozen=True, slots=True)
class Memory:
    """What a bot's actor knows of its traffic; its successor gets it."""

    breaker: breaker.Breaker = breaker.CLOSED
    holds: holds.Holds = holds.NONE
    slow: pacing.Slowdown | None = None
    budget: retry.Budget = retry.FRESH


FRESH = Memory()


class Slot:
    """A bot's place in the fleet, with an actor or without."""

    __slots__ = (
        "accepting",
        "actor",
        "bot_id",
        "full_at",
        "is_stopping",
        "is_verified",
        "looks",
        "memory",
        "parked",
        "sick",
        "tenants",
        "tickets",
        "used_at",
        "validated_at",
        "waking",
    )

    def __init__(self, bot_id: int, tenants: tuple[str, ...]) -> None:
        self.bot_id = bot_id
        self.tenants = tenants
        """Who may know that this bot is here, the owner first."""
        self.is_verified = False
        """The owner has proven to be one."""
        self.actor: pykka.ActorRef[Any] | None = None
        self.waking = False
        self.sick: str | None = None
        """Why it was given up, until somebody resumes it; its next incarnation begins by suspending it."""
        self.used_at = NEVER
        """When its newest command came, the one that woke it too; steady seconds."""
        self.is_stopping = False
        """The gateway is: what has not left stays here, and Telegram is asked nothing more about its token."""
        self.looks: tuple[LoopFuture, ...] = ()
        """At its token that Telegram has not answered: the replies to those who wait for its word."""
        self.validated_at = 0.0
        """When Telegram last said of its owner's token that it is good or not; unix seconds, 0: nobody knows."""
        self.accepting = 0
        """Durable commands that are not here yet: their acceptance is being recorded."""
        self.tickets: dict[str, Ticket] | None = None
        """The open commands by id, in the order in which they came; None while there is none."""
        self.parked: list[object] | None = None
        """Messages that came while there was no actor."""
        self.memory = FRESH
        self.full_at: dict[str, float] | None = None

    def tell(self, message: object) -> None:
        """To the actor, or to the one that comes next."""
        if self.actor is not None and self.is_awake:
            self.actor.tell(message)
        else:
            self.parked = [*(self.parked or ()), message]

    @property
    def is_awake(self) -> bool:
        return self.actor is not None and self.actor.is_alive()

    def unparked(self) -> list[object]:
        parked, self.parked = self.parked or [], None
        return parked

    def refuse_waiting(self, refused: Refused, release: Callable[[], None], due_by: float = math.inf) -> None:
        """For a bot that cannot be woken: nothing of these has left or is recorded. `release` gives a place back."""
        for ticket in list((self.tickets or {}).values()):
            if ticket.stage is Stage.WAITING and ticket.is_untouched and ticket.deadline <= due_by:
                if ticket.has_place:
                    release()
                self.closed(ticket)
                ticket.answered(refused)

    def opened(self, ticket: Ticket) -> None:
        if self.tickets is None:
            self.tickets = {}
        self.tickets[ticket.command.command_id] = ticket
        self.used_at = max(self.used_at, ticket.arrived)

    def closed(self, ticket: Ticket) -> None:
        ticket.stage = Stage.DONE
        if self.tickets is not None:
            self.tickets.pop(ticket.command.command_id, None)
            if not self.tickets:
                self.tickets = None

    @property
    def open_commands(self) -> int:
        return len(self.tickets) if self.tickets else 0
