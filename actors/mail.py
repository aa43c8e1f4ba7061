"""What a bot's actor is told by its own timer, by the journal, by Telegram and by the supervisor."""

from __future__ import annotations

from dataclasses import dataclass

from actors.inbox import LoopFuture
from actors.messages import Message
from actors.slot import Ticket
from domain.bot import Identity
from domain.errors import StoreError
from domain.failure import Answer
from domain.rules.tokens import Token


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


# Between the supervisor and a bot


class Register(Message, frozen=True):
    who: Identity
    token: Token


class BotFailed(Message, frozen=True):
    """A bot's actor has stopped by an error of its own."""

    bot_id: int
    reason: str
