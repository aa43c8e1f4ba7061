"""Every token has its turn once a day, at a pace, over restarts, and no bot is woken for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from actors.inspector import FIRST_S, Inspector, Reading
from actors.messages import DescribeInspection, Inspection, InspectToken, TokenJudged, ValidateAll, ValidateToken
from actors.ports import Ports
from actors.runtime import stopped
from actors.slot import Slot
from domain.bot import Bot
from domain.errors import StoreError, StoreUnavailable
from domain.events import BotSuspended, TokensInspected
from domain.failure import Answer, Delivered
from domain.identities import REVOKED as REVOKED_BECAUSE
from domain.rules.tokens import Token, parse
from domain.rules.validation import DAY_S, Verdict, Why
from tests.actors.waiting import a_turn, answer_of, until
from tests.doubles import (
    LOST,
    REVOKED,
    Call,
    ManualClock,
    ManualTimers,
    MemoryJournal,
    ScriptedTelegram,
    a_registration,
    a_seal,
    flood,
)
from tests.examples import NOON, TENANT, a_bot, a_token

RPS = 0.5


class World:
    """Bots 1 to `bots`, all asleep, and an inspector; `known` is what the log says of them."""

    def __init__(self, bots: int = 3, known: Mapping[int, float] | None = None) -> None:
        self.clock = ManualClock()
        self.timers = ManualTimers(self.clock)
        self.telegram = ScriptedTelegram(self.clock)
        self.telegram.otherwise = self._me
        self.journal = MemoryJournal()
        self.slots = {bot_id: Slot(bot_id, (TENANT,)) for bot_id in range(1, bots + 1)}
        self.bots = {bot_id: a_bot(a_registration(bot_id), bot_id=bot_id) for bot_id in self.slots}
        self.answers: dict[int, Answer] = {}
        """Of bots to whose tokens Telegram says something else."""
        self.known: Mapping[int, float] | StoreError = known or {}
        self.unreadable: set[int] = set()
        self.told: list[InspectToken] = []
        ports = Ports(self.clock, self.timers, self.journal, self.telegram, lambda: 0.5, a_seal)
        self.inspector = Inspector.start(self.slots, Reading(self._read, self._knows), ports, self.told.append, RPS)

    async def passes(self, seconds: float) -> None:
        until_s = self.clock.steady() + seconds
        await self.rests()
        while (at := self.timers.next()) is not None and at <= until_s:
            self.timers.advance(at - self.clock.steady())
            await self.rests()
        self.timers.advance(until_s - self.clock.steady())

    async def rests(self) -> None:
        """Until it waits for its timer."""
        await until(lambda: self.timers.next() is not None and not self.telegram.out)
        for _ in range(3):
            await a_turn(0.001)
        await until(lambda: self.timers.next() is not None)

    @property
    def asked(self) -> list[tuple[float, int]]:
        """When after the start, and about which bot."""
        return [(call.at - 1000.0, call.token.bot_id) for call in self.telegram.calls]

    async def progress(self) -> Inspection:
        found = await answer_of(self.inspector, DescribeInspection())
        assert isinstance(found, Inspection)
        return found

    def inspected(self) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        self.journal.commit()
        return [
            (one.valid, one.revoked) for one in self.journal.of(TokensInspected) if isinstance(one, TokensInspected)
        ]

    def _read(self, bot_id: int) -> tuple[Bot, Token | None]:
        if bot_id in self.unreadable:
            raise StoreUnavailable
        bot = self.bots.get(bot_id, Bot(bot_id))
        return bot, a_token(bot_id) if bot.owner is not None else None

    def _knows(self) -> Mapping[int, float]:
        if isinstance(self.known, StoreError):
            raise self.known
        return self.known

    def _me(self, call: Call) -> Answer:
        bot_id = call.token.bot_id
        me = b'{"id":%d,"username":"examples_bot","first_name":"Examples"}' % bot_id
        return self.answers.get(bot_id, Delivered(me))


def on_a_loop(story: Callable[[World], Awaitable[None]], **world: Any) -> None:
    async def told() -> None:
        one = World(**world)
        await story(one)
        if one.inspector.is_alive():
            await stopped(one.inspector)

    asyncio.run(told())


def test_all_have_their_turn_within_a_day_spread_over_it_and_then_again_a_day_later() -> None:
    async def story(world: World) -> None:
        await world.passes(FIRST_S + 2 * DAY_S)
        turns = [round(at / 3600) for at, _ in world.asked]

        assert [0, 7, 14, 24, 31, 38, 48] == turns
        assert [1, 2, 3, 1, 2, 3, 1] == [bot_id for _, bot_id in world.asked]
        assert all(slot.actor is None for slot in world.slots.values())
        assert [] == world.told
        assert 3 == (await world.progress()).of_last_day

    on_a_loop(story)


def test_whoever_was_looked_at_within_the_last_day_is_not_asked_again_by_the_next_process() -> None:
    async def story(world: World) -> None:
        await world.passes(FIRST_S + DAY_S / 3)

        assert [1] == [bot_id for _, bot_id in world.asked]
        assert 3 == (await world.progress()).of_last_day

    on_a_loop(story, known={2: NOON.timestamp() - 10, 3: NOON.timestamp() - DAY_S / 2, 99: NOON.timestamp()})


def test_what_was_found_as_it_was_is_told_to_the_log_in_few_events_and_in_any_case_at_the_end() -> None:
    async def story(world: World) -> None:
        suspended = BotSuspended(occurred_at=NOON, bot_id=2, tenant_id=TENANT, reason=REVOKED_BECAUSE, by="botloft")
        world.bots[2] = a_bot(a_registration(2), suspended, bot_id=2)
        world.answers[2] = REVOKED
        await answer_of(world.inspector, ValidateAll("k1"))
        await world.passes(2 / RPS)
        before = world.inspected()
        await stopped(world.inspector)

        assert [] == before
        assert [((1, 3), (2,))] == world.inspected()
        assert [] == world.told

    on_a_loop(story)


def test_the_log_hears_of_it_after_some_minutes_while_it_runs() -> None:
    async def story(world: World) -> None:
        await answer_of(world.inspector, ValidateAll("k1"))
        await world.passes(400)

        assert [((1, 2, 3), ())] == world.inspected()

    on_a_loop(story)


@pytest.mark.parametrize("answer", [REVOKED, Delivered(b'{"id":2,"username":"new_bot","first_name":"Examples"}')])
def test_only_a_bot_that_has_to_know_is_told(answer: Answer) -> None:
    async def story(world: World) -> None:
        world.answers[2] = answer
        await answer_of(world.inspector, ValidateAll("k1"))
        await world.passes(3 / RPS)

        assert [InspectToken(2, "", Why.DAILY)] == world.told
        assert [True, False, True] == [slot.validated_at > 0 for slot in world.slots.values()]

    on_a_loop(story)


def test_a_token_about_which_nothing_is_said_stops_nobody_and_has_its_turn_again_in_an_hour() -> None:
    async def story(world: World) -> None:
        world.answers[1] = LOST
        world.unreadable.add(2)
        await world.passes(FIRST_S + DAY_S / 2)
        by_bot = {bot_id: [at for at, about in world.asked if about == bot_id] for bot_id in (1, 2, 3)}

        assert [] == world.told
        assert [] == by_bot[2]
        assert 1 == len(by_bot[3])
        assert 2 <= len(by_bot[1])
        assert 1 == (await world.progress()).of_last_day

    on_a_loop(story)


def test_telegram_is_left_alone_for_as_long_as_it_asks() -> None:
    async def story(world: World) -> None:
        world.telegram.will(flood(100))
        await answer_of(world.inspector, ValidateAll("k1"))
        await world.passes(101)

        assert [(0.0, 1), (100.0, 1)] == world.asked
        assert {"VALID": 1} == (await world.progress()).job.categories  # type: ignore[union-attr]

    on_a_loop(story)


def test_a_job_goes_through_all_at_the_pace_that_is_set_and_shows_how_far_it_is() -> None:
    async def story(world: World) -> None:
        world.answers[2] = LOST
        begun = await answer_of(world.inspector, ValidateAll("k1"))
        await world.passes(1 / RPS)
        again = await answer_of(world.inspector, ValidateAll("k2"))
        await world.passes(1 / RPS)
        job = (await world.progress()).job

        assert job is not None
        assert (0, 2, 3) == (begun.job.done, again.job.done, job.done)
        assert ("k1", "k1") == (again.job.by, job.by)
        assert {"VALID": 2, "NETWORK_ERROR": 1} == job.categories
        assert (None, True) == (again.job.ended_at, job.ended_at is not None)
        assert [0.0, 1 / RPS, 2 / RPS] == [at for at, _ in world.asked]
        await answer_of(world.inspector, ValidateAll("k2"))
        assert "k2" == (await world.progress()).job.by  # type: ignore[union-attr]

    on_a_loop(story)


def test_a_job_without_bots_is_over_at_once_and_before_one_there_is_none() -> None:
    async def story(world: World) -> None:
        before = await world.progress()
        begun = await answer_of(world.inspector, ValidateAll("k1"))

        assert (None, NOON) == (before.job, before.since)
        assert begun.job.ended_at is not None

    on_a_loop(story, bots=0)


def test_while_the_log_cannot_be_read_nobody_is_asked_too_early() -> None:
    async def story(world: World) -> None:
        world.known = StoreUnavailable()
        await world.passes(FIRST_S)
        before = world.asked
        world.known = {1: NOON.timestamp(), 2: NOON.timestamp()}
        await world.passes(FIRST_S)

        assert ([], [3]) == (before, [bot_id for _, bot_id in world.asked])

    on_a_loop(story)


@pytest.mark.parametrize(
    ("token", "answer", "judged"),
    [
        (a_token(1), None, TokenJudged(Verdict.VALID, 1, "examples_bot", "Examples")),
        (a_token(9), None, TokenJudged(Verdict.VALID, 9, "examples_bot", "Examples")),
        (a_token(9), REVOKED, TokenJudged(Verdict.UNAUTHORIZED)),
        (parse("1:never-seen-here"), REVOKED, TokenJudged(Verdict.UNAUTHORIZED)),
        (a_token(1), LOST, TokenJudged(Verdict.NETWORK_ERROR)),
    ],
)
def test_a_token_that_is_asked_about_is_judged_and_forgotten(
    token: Token, answer: Answer | None, judged: TokenJudged
) -> None:
    async def story(world: World) -> None:
        if answer is not None:
            world.answers[token.bot_id] = answer

        assert judged == await answer_of(world.inspector, ValidateToken(token))
        await stopped(world.inspector)
        assert [] == world.inspected()
        assert 0.0 == world.slots[1].validated_at

    on_a_loop(story)


def test_a_token_that_has_worked_here_is_revoked_and_not_merely_unknown() -> None:
    async def story(world: World) -> None:
        world.bots[7_000_000_001] = a_bot(a_registration())
        world.answers[7_000_000_001] = REVOKED

        assert TokenJudged(Verdict.REVOKED) == await answer_of(world.inspector, ValidateToken(a_token()))

    on_a_loop(story)


def test_a_bot_that_nobody_has_any_more_has_no_turn() -> None:
    async def story(world: World) -> None:
        world.slots[1].tenants = ()
        await world.passes(FIRST_S + DAY_S)

        assert {2, 3} == {bot_id for _, bot_id in world.asked}
        assert 2 == (await world.progress()).bots

    on_a_loop(story)
