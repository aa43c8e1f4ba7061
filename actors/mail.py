"""What a bot's actor is told by its own timer, by the journal, by Telegram and by the supervisor, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass

from actors.inbox import LoopFuture
from actors.messages import ChangeBot, CheckToken, SetBreaker
from actors.slot import Slot, Ticket
from domain.bot import Identity
from domain.errors import StoreError
from domain.failure import Answer
from domain.refusal import Refused
from domain.rules.tokens import Token
from domain.rules.validation import Why


class Tick:
    """The bot's timer went off."""


TICK = Tick()


class StopWaiting:
    """The gateway is stopping, as the bot's slot says."""


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


@dataclass(frozen=True, slots=True)
class Register:
    who: Identity
    token: Token


Change = Register | ChangeBot | SetBreaker | CheckToken


class Lifecycle:
    """A change of the bot that somebody asked for, and whom to tell."""

    def __init__(self, message: Change, reply: LoopFuture) -> None:
        self.message, self.reply = message, reply


class Looked(Lifecycle):
    """One that has waited for Telegram's word on a token, and that word."""

    def __init__(self, change: Lifecycle, token: Token, why: Why, answer: Answer) -> None:
        super().__init__(change.message, change.reply)
        self.token, self.why, self.answer = token, why, answer
        self.is_second = why in (Why.AFTER_401, Why.DAILY) or isinstance(change, Looked)
        """Somebody has looked just before."""


@dataclass(frozen=True, slots=True)
class BotFailed:
    """Told to the supervisor: a bot's actor has stopped by an error of its own."""

    bot_id: int
    reason: str


def refuse_changes(slot: Slot, refused: Refused) -> None:
    """Those that wait for an actor, or for Telegram's word, where no actor will be there to make them."""
    unanswered = list(slot.looks)
    for message in slot.unparked():
        if isinstance(message, (Lifecycle, CancelTicket)):
            unanswered.append(message.reply)
        elif not isinstance(message, Ticket):
            # A ticket is in the slot, or has just been refused and must never leave.
            slot.tell(message)
    for reply in unanswered:
        # One may have been refused before, and Telegram's word have come only now.
        if not reply.done():
            reply.set(refused)
