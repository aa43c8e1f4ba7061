"""One bot's actor: its mailbox. Life decides what the bot is, Traffic what becomes of its commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from actors.guards import Policy
from actors.life import Life, SteppedDown, WriteFailed
from actors.mail import (
    Answered,
    BotFailed,
    CancelTicket,
    Lifecycle,
    Looked,
    Register,
    StartRecorded,
    StopWaiting,
    Tick,
)
from actors.messages import (
    CheckToken,
    ConfigureBot,
    IssueCode,
    ProveOwnership,
    RemoveBot,
    ResumeBot,
    SetBreaker,
    SuspendBot,
)
from actors.permits import Permit, Permits
from actors.ports import Ports
from actors.proving import proven
from actors.runtime import LoopActor
from actors.slot import Slot, Ticket
from actors.token_watch import TokenWatch
from actors.traffic import Traffic
from actors.turns import Turn
from domain import ownership
from domain.bot import Bot
from domain.failure import Delivered
from domain.identities import is_refused
from domain.refusal import Refused
from domain.rules.tokens import Token

FAILED = Refused(
    "internal", "The bot has failed over it and is starting again. Look whether it was done before you ask again."
)


class BotActor(LoopActor):
    def __init__(
        self,
        bot: Bot,
        token: Token | None,
        slot: Slot,
        ports: Ports,
        permits: Permits,
        policy: Policy,
        failed: Callable[[BotFailed], None],
        first: Sequence[object] = (),
    ) -> None:
        """`first` is what it hears before it looks at the commands in its slot."""
        super().__init__()
        self._slot = slot
        self._ports = ports
        self._tell_failed = failed
        self._first = first
        self._life = Life(bot, token, slot, ports)
        self._watch = TokenWatch(self._life, slot, ports)
        self._traffic = Traffic(self._life, slot, ports, permits, policy, self._watch.after_401)

    def on_start(self) -> None:
        # Pykka does not report what fails here; what comes as a message is reported.
        for message in (*self._first, BEGIN):
            self.actor_ref.tell(message)

    def on_receive(self, message: object) -> Any:
        match message:
            case Ticket():
                self._traffic.arrived(message)
            case StartRecorded():
                self._traffic.start_recorded(message.ticket, message.result)
            case Answered():
                self._traffic.answered(message.ticket, message.answer)
            case Tick():
                self._traffic.ticked()
            case Permit():
                self._traffic.permitted()
            case Turn():
                self._traffic.has_turn(message.ticket)
            case Begin():
                self._traffic.adopt()
            case CancelTicket():
                self._traffic.cancel(message.ticket, message.reply.set)
            case StopWaiting():
                self._traffic.stop_waiting()
            case Looked():
                self._looked(message)
            case Lifecycle():
                if not self._watch.takes(message):
                    self._change(message)
            case WriteFailed():
                if message.life is self._life:
                    raise SteppedDown(str(message.error))
            case _:
                raise TypeError(f"BotActor has no case for {type(message).__name__}")

    def _change(self, change: Lifecycle) -> None:
        message, reply = change.message, change.reply.set
        match message:
            case Register():
                self._life.registered(message.who, message.token, reply)
                self._traffic.policy_changed()
            case SuspendBot():
                self._life.suspended(message.tenant_id, message.reason, message.by, reply)
            case ResumeBot():
                self._life.resumed(message, reply)
            case RemoveBot():
                self._life.removed(message, reply)
            case ConfigureBot():
                self._life.configured(message, reply)
                self._traffic.policy_changed()
            case IssueCode():
                now, tenant_id = self._ports.clock.utc(), message.tenant_id
                self._life.decided(ownership.issue(self._life.bot, tenant_id, message.code_hash, now), tenant_id, reply)
            case ProveOwnership():
                proven(self._life, self._traffic, message, self._ports.clock, reply)
            case CheckToken():
                self._watch.after_401()
                reply(None)
            case SetBreaker() if self._life.bot.owner is None:
                reply(Refused("not_found", "Nobody has this bot any more."))
            case SetBreaker():
                self._life.breaker_set(self._traffic.set_breaker(is_open=message.is_open, reason=message.reason), reply)
        self._traffic.bot_changed()

    def _looked(self, looked: Looked) -> None:
        if isinstance(looked.message, CheckToken) and isinstance(looked.answer, Delivered):
            # The 401 was a slip of Telegram's, and no reason to keep the bot from working.
            self._traffic.token_works()
        token, was_refused = self._life.token, is_refused(self._life.bot)
        if self._watch.looked(looked):
            self._change(looked)
        if self._life.token != token or (was_refused and not is_refused(self._life.bot)):
            self._traffic.token_changed()
        self._traffic.bot_changed()

    def on_undelivered(self, message: object) -> None:
        # A ticket is in the slot already; a tick or a permit says nothing to the next incarnation.
        if not isinstance(message, (Ticket, Tick, Permit, Begin)):
            self._slot.tell(message)

    def on_stop(self) -> None:
        self._traffic.stop()

    def died(self, reason: str) -> None:
        over = self.actor_inbox.current
        if over is not None and isinstance(over.message, (Lifecycle, CancelTicket)) and not over.message.reply.done():
            over.message.reply.set(FAILED)
        self._tell_failed(BotFailed(self._slot.bot_id, reason))


class Begin:
    """The first message of every incarnation."""


BEGIN = Begin()
