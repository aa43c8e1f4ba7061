"""A replay of the whole fleet: every recorded command in its time, under one policy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from domain import bot as lives
from domain import events
from domain.bot import Bot
from domain.config import Config, of_bot
from domain.failure import Final
from domain.rules import breaker
from domain.rules.breaker import Breaker, Phase
from domain.whatif.agenda import Agenda
from domain.whatif.answers import Answers, recorded_calls
from domain.whatif.bot import ReplayedBot
from domain.whatif.guards import Guards, Spending
from domain.whatif.permits import Permits
from domain.whatif.policy import FLEET_WIDE, Change, Policy, changed
from domain.whatif.rerun import Rerun
from domain.whatif.tale import End, Tale, is_flood

STEPS = 2000
"""Commands between two words of progress."""


class Happened(NamedTuple):
    """Something in a bot's life, at a time of the range."""

    at: float
    event: events.Event
    is_reset: bool = False
    """The breaker was closed by somebody, not by its probes."""


@dataclass(frozen=True, slots=True)
class Life:
    """A bot as the range finds it, and what happens to it then."""

    bot: Bot
    open_until: float = -math.inf
    """Its breaker, at the beginning."""
    happened: tuple[Happened, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    tales: Sequence[Tale]
    """In the order in which they came."""
    lives: dict[int, Life]


@dataclass(frozen=True, slots=True)
class Replayed:
    ends: list[End | None]
    """Of each tale; None: not replayed."""
    not_closed: dict[int, list[tuple[float, float]]]
    """When each bot's breaker was not closed."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Today's policy, and a change of it for some bots."""

    today: Policy
    change: Change = field(default_factory=Change)
    concerns: Callable[[int], bool] = lambda _: True

    @property
    def fleet(self) -> Policy:
        """What counts for all of them."""
        wide = {name: value for name, value in self.change.given.items() if name in FLEET_WIDE}
        return changed(self.today, Change(**wide))

    def of(self, bot_id: int, config: Config) -> tuple[Policy, Policy]:
        """The bot's policy today and in this replay."""
        own = of_bot(self.today, config)
        return own, changed(own, self.change) if self.concerns(bot_id) else own


class Fleet:
    def __init__(self, recording: Recording, found: Answers, rules: Rules) -> None:
        self._recording, self._answers, self._rules = recording, found, rules
        self._agenda = Agenda()
        self._permits = Permits(rules.fleet.fleet_rps, self._agenda)
        self._spending = Spending()
        self._most_open = rules.fleet.max_waiting + rules.fleet.max_in_flight
        self._bots: dict[int, ReplayedBot] = {}
        told_to_wait = {tale.bot_id for tale in recording.tales if any(is_flood(one.answer) for one in tale.given)}
        self._recorded_calls = recorded_calls(recording.tales, frozenset(told_to_wait))

    def replayed(self, progress: Callable[[int], None] = lambda _: None) -> Replayed:
        """`progress` is told how many commands have come."""
        reruns: list[Rerun | None] = []
        for bot_id, life in self._recording.lives.items():
            self._prepared(bot_id, life)
        for tale in self._recording.tales:
            reruns.append(self._come(tale))
            if len(reruns) % STEPS == 0:
                progress(len(reruns))
        self._agenda.run_until(math.inf)
        progress(len(reruns))
        return Replayed(
            [None if rerun is None else rerun.end for rerun in reruns],
            {bot_id: bot.guards.not_closed for bot_id, bot in self._bots.items()},
        )

    def _come(self, tale: Tale) -> Rerun | None:
        if tale.is_ours:
            return None
        self._agenda.run_until(tale.arrived)
        bot, rerun = self._bot(tale.bot_id), Rerun(tale)
        if bot.open_commands >= self._most_open:
            rerun.end = End(Final.NOT_SENT, "overloaded", tale.arrived, 0, None)
            return rerun
        if tale.taken_back is not None:
            self._agenda.at(tale.taken_back, bot.taken_back, rerun)
        bot.arrives(rerun, tale.arrived)
        return rerun

    def _bot(self, bot_id: int) -> ReplayedBot:
        bot = self._bots.get(bot_id)
        if bot is None:
            bot = ReplayedBot(self._agenda, self._permits, Guards(self._spending), self._answers)
            self._bots[bot_id] = bot
            if bot_id in self._recorded_calls:
                bot.tells_calls(self._recorded_calls[bot_id])
        return bot

    def _prepared(self, bot_id: int, life: Life) -> None:
        bot = self._bot(bot_id)
        bot.became(life.bot, 0.0)
        self._configured(bot_id, bot, 0.0)
        if life.bot.breaker_forced:
            bot.guards.became(breaker.forced(breaker.CLOSED), 0.0)
        elif life.open_until > 0:
            bot.guards.became(Breaker(phase=Phase.OPEN, epoch=1, open_until=life.open_until), 0.0)
        for happened in life.happened:
            self._agenda.at(happened.at, self._happens, (bot_id, happened))

    def _configured(self, bot_id: int, bot: ReplayedBot, now: float) -> None:
        today, policy = self._rules.of(bot_id, bot.life.config)
        bot.guards.today = today.retry
        bot.guards.policy_changed(policy, now)

    def _happens(self, about: tuple[int, Happened], now: float) -> None:
        bot_id, happened = about
        bot = self._bots[bot_id]
        bot.became(lives.evolve(bot.life, happened.event), now)
        match happened.event:
            case events.BotConfigured():
                self._configured(bot_id, bot, now)
            case events.BotRegistered() | events.BotRemoved():
                self._configured(bot_id, bot, now)
                passed_on = breaker.handed_over(bot.guards.breaker, is_forced=bot.life.breaker_forced)
                bot.guards.became(passed_on, now)
            case events.BreakerForced():
                bot.guards.became(breaker.forced(bot.guards.breaker), now)
            case events.BreakerClosed() if happened.is_reset:
                bot.guards.became(breaker.reset(bot.guards.breaker), now)
            case _:
                pass
        bot.pump(now)


def in_order(tales: Iterable[Tale]) -> list[Tale]:
    """As they came; the log has them as they ended. Command ids rise with time."""
    return sorted(tales, key=lambda tale: (tale.arrived, tale.command_id))
