"""What a bot's actor is told by its own timer, by the journal, by Telegram and by the supervisor."""

from __future__ import annotations

from dataclasses import dataclass

from actors.inbox import LoopFuture
from actors.slot import Ticket
from domain.errors import StoreError
from domain.failure import Answer


class Tick:
    """The bot's timer went off."""


TICK = Tick()


class StopWaiting:
    """The gateway is stopping: what has not left stays here."""


STOP_WAITING = StopWaiting()


@dataclass(frozen=True, slots=True)
class CancelTicket:
    ticket: Ticket
    reply: LoopFuture


@dataclass(frozen=True, slots=True)
class StartRecorded:
    ticket: Ticket
    result: int | StoreError


@dataclass(frozen=True, slots=True)
class Answered:
    ticket: Ticket
    answer: Answer
