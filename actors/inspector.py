"""Looks at every bot's token once a day, one after another over the whole day, and wakes nobody for it.

What a bot should know (its token is refused, it has another name) is told to the fleet, and the bot asks Telegram once
more itself. Of all the others the log hears in a few events that their tokens are as they were.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import structlog

from actors.inspection_turns import Turns
from actors.messages import DescribeInspection, Inspection, InspectToken, TokenJudged, ValidateAll, ValidateToken
from actors.ports import Ports, Timer
from actors.runtime import LoopActor, telling
from actors.slot import Slot
from domain import events, streams, token_life
from domain.bot import Bot
from domain.errors import StoreError
from domain.failure import Category, Failure
from domain.rules.tokens import Token
from domain.rules.validation import CONCLUSIVE, Verdict, Why
from domain.tenant import OPERATOR
from domain.token_life import Found

FIRST_S = 60.0
LOOK_AGAIN_S = 60.0
TIMEOUT_S = 15.0
TOLD_AFTER_S = 300.0
"""What a crash forgets is asked again."""

T = TypeVar("T")

log = structlog.get_logger()


class Reading(NamedTuple):
    """What is needed of the store. Both block and raise StoreError."""

    bot: Callable[[int], tuple[Bot, Token | None]]
    known: Callable[[], Mapping[int, float]]
    """When tokens were last looked at, by the log of the last day: unix seconds."""


class Looked(NamedTuple):
    bot: Bot
    found: Found
    wait_s: float = 0.0
    """As long as Telegram asks to."""


class Beat:
    """Time for the next one."""


class TellLog:
    """Some time after the first of which the log has not heard."""


class Inspector(LoopActor):
    def __init__(
        self,
        slots: Mapping[int, Slot],
        reading: Reading,
        ports: Ports,
        tell_fleet: Callable[[InspectToken], None],
        most_rps: float,
    ) -> None:
        super().__init__()
        self._slots, self._reading, self._ports, self._tell_fleet = slots, reading, ports, tell_fleet
        self._tell_myself = telling(self.actor_ref)
        self._turns = Turns(slots, ports.clock, most_rps)
        self._since = ports.clock.utc()
        self._as_they_were: dict[Verdict, list[int]] = {verdict: [] for verdict in CONCLUSIVE}
        """Bots of which the log has not heard yet."""
        self._timer: Timer | None = None
        self._telling: Timer | None = None
        self._remembers = self._is_busy = False
        self._next_in(FIRST_S)

    def on_stop(self) -> None:
        self._waits_no_more()
        self._tell_log()

    def on_receive(self, message: object) -> Any:
        match message:
            case Beat():
                self._beat()
            case TellLog():
                self._tell_log()
            case ValidateToken():
                return self.spawn(self._judged(message.token))
            case ValidateAll():
                return self._validate_all(message.by)
            case DescribeInspection():
                return self._described()
            case _:
                raise TypeError(f"Inspector has no case for {type(message).__name__}")
        return None

    def _next_in(self, seconds: float) -> None:
        self._waits_no_more()
        at = self._ports.clock.steady() + seconds
        self._timer = self._ports.timers.at(at, lambda: self._tell_myself(Beat()))

    def _waits_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        if self._is_busy:
            return
        if not self._remembers:
            self._is_busy = True
            self.beside(_of_store(self._reading.known), self._remembered)
            return
        slot = self._turns.next()
        if slot is None:
            self._next_in(LOOK_AGAIN_S)
            return
        self._is_busy = True
        self.beside(self._look(slot.bot_id), lambda looked: self._looked(slot, looked))

    def _remembered(self, known: Mapping[int, float] | StoreError) -> None:
        self._is_busy = False
        if isinstance(known, StoreError):
            log.warning("inspection_waits", reason=type(known).__name__)
            self._next_in(LOOK_AGAIN_S)
            return
        self._remembers = True
        for bot_id, at in known.items():
            if bot_id in self._slots:
                self._slots[bot_id].validated_at = max(at, self._slots[bot_id].validated_at)
        self._beat()

    async def _look(self, bot_id: int) -> Looked:
        read = await _of_store(lambda: self._reading.bot(bot_id))
        bot, token = (Bot(bot_id), None) if isinstance(read, StoreError) else read
        if token is None:
            return Looked(bot, Found(Verdict.UNKNOWN_ERROR))
        answer = await self._ports.telegram.ask(token, "getMe", {}, TIMEOUT_S)
        is_flood = isinstance(answer, Failure) and answer.category is Category.RATE_LIMIT
        wait_s = answer.retry_after_s if isinstance(answer, Failure) and is_flood else 0.0
        return Looked(bot, token_life.judged(token, answer, was_valid=True), wait_s)

    def _looked(self, slot: Slot, looked: Looked) -> None:
        self._is_busy = False
        if looked.wait_s > 0:
            self._turns.back(slot)
            self._next_in(max(looked.wait_s, self._turns.least_s))
            return
        category, now = looked.found.verdict, self._ports.clock.utc()
        is_news = token_life.seen(looked.bot, looked.found, now) != ()
        if is_news:
            self._tell_fleet(InspectToken(slot.bot_id, "", Why.DAILY))
        elif category in CONCLUSIVE:
            slot.validated_at = now.timestamp()
            self._as_they_were[category].append(slot.bot_id)
            self._tell_log_soon()
        # Should the bot's own look get no answer, this was not its last turn today.
        is_settled = category in CONCLUSIVE and not is_news
        self._next_in(self._turns.had(slot, category, is_settled=is_settled))

    def _tell_log_soon(self) -> None:
        if self._telling is None:
            at = self._ports.clock.steady() + TOLD_AFTER_S
            self._telling = self._ports.timers.at(at, lambda: self._tell_myself(TellLog()))

    def _tell_log(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        now = self._ports.clock.utc()
        valid, revoked = (tuple(self._as_they_were[verdict]) for verdict in CONCLUSIVE)
        if valid or revoked:
            inspected = events.TokensInspected(occurred_at=now, tenant_id=OPERATOR, valid=valid, revoked=revoked)
            self._ports.journal.note(inspected, stream=streams.tokens_stream(now))
        self._as_they_were = {verdict: [] for verdict in CONCLUSIVE}

    async def _judged(self, token: Token) -> TokenJudged:
        read = await _of_store(lambda: self._reading.bot(token.bot_id))
        owner = None if isinstance(read, StoreError) else read[0].owner
        was_valid = owner is not None and owner.token_fingerprint == token.fingerprint
        answer = await self._ports.telegram.ask(token, "getMe", {}, TIMEOUT_S)
        found = token_life.judged(token, answer, was_valid=was_valid)
        if found.verdict is not Verdict.VALID:
            return TokenJudged(found.verdict)
        return TokenJudged(found.verdict, token.bot_id, found.username, found.first_name)

    def _validate_all(self, by: str) -> Inspection:
        if not self._turns.job_runs:
            self._turns.begin(by)
            self._waits_no_more()
            self._tell_myself(Beat())
        return self._described()

    def _described(self) -> Inspection:
        job = self._turns.job
        bots = sum(bool(slot.tenants) for slot in self._slots.values())
        return Inspection(bots, self._turns.of_last_day(), self._since, job.described() if job else None)


async def _of_store(read: Callable[[], T]) -> T | StoreError:
    try:
        return await asyncio.to_thread(read)
    except StoreError as error:
        return error
