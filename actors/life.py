"""A bot's lifecycle, as its actor lives it: decided by `domain.bot`, written into the bot's own stream.

State runs ahead of the disk by what the journal has in hand, which is first in, first out. Callers are answered when
it is on disk. Where somebody else has written to the stream the actor steps down.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial, reduce

import msgspec

from actors.fleet import was_given_up
from actors.messages import BotChanged, ConfigureBot, Notify, RemoveBot, ResumeBot
from actors.ports import Ports, Then
from actors.slot import Slot
from actors.tellings import tellings
from domain import bot as lives
from domain import callback, events, streams, token_life
from domain.bot import Bot
from domain.callback import Address
from domain.errors import StoreError
from domain.ownership import ownership_for
from domain.refusal import Refused
from domain.rules import breaker
from domain.rules.tokens import Token
from domain.signing import SECRET_BYTES
from domain.store.ledger import Snapshot

SNAPSHOT_EVERY = 50
CALLBACK_URL = "callback_url"

NOT_MADE = Refused("store_unavailable", "The change could not be recorded and was not made. Try again.")

Reply = Callable[[object], None]

_HANDS_OVER = (events.BotRegistered, events.BotRemoved)

NO_TOKEN = Refused(
    "bot_suspended", "The bot's token cannot be opened any more. Remove the bot and register it again with its token."
)


def callback_purpose(bot_id: int) -> str:
    """Of the address that its updates are posted to, in the vault."""
    return f"callback/{bot_id}"


class SteppedDown(Exception):
    """Somebody else owns this bot's stream, or the log does not hold what this actor believes."""


class WriteFailed:
    """Told to the actor, which steps down; its heir has read what is on disk and need not."""

    def __init__(self, error: StoreError, life: Life) -> None:
        self.error, self.life = error, life


class Life:
    __slots__ = ("_ports", "_slot", "bot", "token")

    def __init__(self, bot: Bot, token: Token | None, slot: Slot, ports: Ports) -> None:
        self.bot = bot
        self.token = token
        self._slot = slot
        self._ports = ports

    def may_command(self, tenant_id: str) -> Refused | None:
        """A token whose key was destroyed sends nothing."""
        refused = lives.may_command(self.bot, tenant_id)
        return NO_TOKEN if refused is None and self.token is None else refused

    @property
    def owned_token(self) -> Token:
        """For a call of the owner's; no other passes the first gate."""
        if self.token is None:
            raise LookupError("a bot without an owner was about to call")
        return self.token

    def registered(self, who: lives.Identity, token: Token, reply: Reply) -> None:
        decision = lives.register(self.bot, who, self._ports.clock.utc())
        self.decided(decision, who.tenant_id, reply)
        if self.bot.owner == who:
            self.token = token
            self._slot.validated_at = self._ports.clock.utc().timestamp()

    def rotated(self, who: lives.Identity, token: Token, reply: Reply) -> None:
        decision = token_life.rotate(self.bot, who, self._ports.clock.utc())
        self.decided(decision, who.tenant_id, reply)
        owner = self.bot.owner
        if owner is not None and (owner.tenant_id, owner.token_fingerprint) == (who.tenant_id, token.fingerprint):
            self.token = token

    def suspended(self, tenant_id: str, reason: str, by: str, reply: Reply) -> None:
        self.decided(lives.suspend(self.bot, tenant_id, reason, by, self._ports.clock.utc()), tenant_id, reply)

    def resumed(self, message: ResumeBot, reply: Reply) -> None:
        other_reason = message.if_because is not None and message.if_because != self.bot.suspended
        now = self._ports.clock.utc()
        resumed = lives.resume(self.bot, message.tenant_id, message.by, now, message.reason)
        decision: lives.Decision = () if other_reason else resumed
        self.decided(decision, message.tenant_id, reply)

    def removed(self, message: RemoveBot, reply: Reply) -> None:
        now = self._ports.clock.utc()
        decision = lives.remove(self.bot, message.tenant_id, now, message.by, message.reason)
        self.decided(decision, message.tenant_id, reply)
        if self.bot.owner is None:
            self.token = None

    def configured(self, message: ConfigureBot, reply: Reply) -> None:
        tenant_id, change, now = message.tenant_id, message.change, self._ports.clock.utc()
        rest = {name: value for name, value in change.items() if name != CALLBACK_URL}
        decision = lives.configure(self.bot, tenant_id, rest, message.by, now, message.reason)
        if CALLBACK_URL not in change or isinstance(decision, Refused):
            self.decided(decision, tenant_id, reply)
            return
        address, sealed, url = None, None, change[CALLBACK_URL]
        if url is not None:
            address = callback.an_address(str(url), secrets.token_bytes(SECRET_BYTES))
            try:
                sealed = self._ports.seal(tenant_id, callback_purpose(self.bot.bot_id), callback.written(address))
            except StoreError:
                reply(NOT_MADE)
                return
        called = lives.call_back(self.bot, tenant_id, sealed, message.by, now, message.reason)
        both = called if isinstance(called, Refused) else (*decision, *called)
        self.decided(both, tenant_id, lambda answer: reply(_with(address, answer)))

    def breaker_set(self, event: events.Event, reply: Reply) -> None:
        tenant_id = self.bot.tenants[0] if self.bot.tenants else ""
        self.happened((event,), lambda result: reply(self._answer(tenant_id, result)))

    def decided(self, decision: lives.Decision, tenant_id: str, reply: Reply) -> None:
        if isinstance(decision, Refused):
            reply(decision)
            return
        if not decision:
            reply(self._as_seen_by(tenant_id, None))
            return
        self.happened(decision, lambda result: reply(self._answer(tenant_id, result)))

    def happened(self, decided: tuple[events.Event, ...], then: Then = lambda _: None) -> None:
        """Records these events and becomes what they make of the bot."""
        before, after = self.bot, reduce(lives.evolve, decided, self.bot)
        stream = streams.bot_stream(after.bot_id)
        due = before.version // SNAPSHOT_EVERY != after.version // SNAPSHOT_EVERY
        snapshot = Snapshot(stream, after.version, msgspec.json.encode(after)) if due else None
        written = partial(self._written, then, before, after)
        self._ports.journal.write(stream, before.version, decided, written, snapshot)
        self.bot = after
        self._slot.tenants, self._slot.is_verified = after.tenants, after.is_verified
        if any(isinstance(event, _HANDS_OVER) for event in decided):
            passed_on = breaker.handed_over(self._slot.memory.breaker, is_forced=after.breaker_forced)
            self._slot.memory = replace(self._slot.memory, breaker=passed_on)
        if before.suspended != after.suspended:
            self._slot.sick = after.suspended if was_given_up(after) else None

    def _written(self, then: Then, before: Bot, after: Bot, result: int | StoreError) -> None:
        then(result)
        if isinstance(result, StoreError):
            self._slot.tell(WriteFailed(result, self))
        else:
            self._ports.followed(after)
            self._tell_others(before, after)

    def _tell_others(self, before: Bot, after: Bot) -> None:
        """What is on disk now."""
        self._ports.callbacks.became(before, after)
        for told in tellings(before, after):
            self._ports.notify(told) if isinstance(told, Notify) else self._ports.alert(told)

    def _answer(self, tenant_id: str, result: int | StoreError) -> BotChanged | Refused:
        if isinstance(result, StoreError):
            return NOT_MADE
        return self._as_seen_by(tenant_id, result)

    def _as_seen_by(self, tenant_id: str, position: int | None) -> BotChanged:
        who = self.bot.owner
        if who is None or who.tenant_id != tenant_id:
            who = self.bot.claims.get(tenant_id)
        status, ownership = self.bot.status_for(tenant_id), ownership_for(self.bot, tenant_id)
        username = who.username if who else ""
        return BotChanged(self.bot.bot_id, username, status.value, position, ownership=ownership.value)


def _with(address: Address | None, answer: object) -> object:
    if address is None or not isinstance(answer, BotChanged):
        return answer
    return msgspec.structs.replace(answer, callback_secret=address.secret)
