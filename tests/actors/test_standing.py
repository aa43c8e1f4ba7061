"""A service that fails starts again: with what the log holds then, and with what it was told meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from actors.ports import Ports
from actors.runtime import LoopActor
from actors.standing import STARTING, Fatal, Standing
from domain.errors import StoreUnavailable
from tests.actors.waiting import a_turn, until
from tests.doubles import ManualClock, ManualTimers, MemoryJournal, ScriptedTelegram, a_seal

FAIL = "fail"


class Clerk(LoopActor):
    def __init__(self, began_with: int, world: World) -> None:
        super().__init__()
        self.began_with, self._world = began_with, world

    def on_receive(self, message: object) -> Any:
        if message == FAIL:
            raise ZeroDivisionError("a bug")
        self._world.heard.append((self.began_with, message))
        return self.began_with

    def on_stop(self) -> None:
        self._world.stopped.append(self.began_with)


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.timers = ManualTimers(self.clock)
        self.journal = MemoryJournal()
        self.heard: list[tuple[int, object]] = []
        self.stopped: list[int] = []
        self.looks = 0
        self.store_is_away = self.damaged = False
        ports = Ports(self.clock, self.timers, self.journal, ScriptedTelegram(self.clock), lambda: 0.0, a_seal)
        self.clerk = Standing("the clerk", self._look, lambda found: Clerk(found, self), ports)

    def _look(self) -> int:
        if self.store_is_away:
            raise StoreUnavailable
        if self.damaged:
            raise LookupError("of no kind that was foreseen")
        self.looks += 1
        return self.looks

    async def fails(self) -> None:
        before = self.clerk.ask("who?")
        self.clerk.tell(FAIL)
        failures = len(self.stopped)
        await before
        await until(lambda: len(self.stopped) > failures)

    async def begins_again(self, after_s: float) -> None:
        looks = self.looks
        self.timers.advance(after_s)
        self.journal.commit()
        await until(lambda: self.looks > looks)
        await a_turn(0.01)


def on_a_loop(story: Callable[[World], Awaitable[None]]) -> None:
    async def told() -> None:
        world = World()
        await story(world)
        await world.clerk.stop()

    asyncio.run(told())


def test_it_begins_again_with_what_the_log_holds_then_and_hears_what_it_was_told_meanwhile() -> None:
    async def story(world: World) -> None:
        world.clerk.tell(FAIL)
        world.clerk.tell("behind it")
        await until(lambda: world.stopped)
        world.clerk.tell("meanwhile")
        await world.begins_again(0.1)
        await until(lambda: len(world.heard) > 1)

        assert [1] == world.stopped
        assert [(2, "behind it"), (2, "meanwhile")] == world.heard
        assert 2 == await world.clerk.ask("who?")

    on_a_loop(story)


def test_what_it_had_written_is_on_disk_before_the_next_one_reads() -> None:
    async def story(world: World) -> None:
        await world.fails()
        world.timers.advance(0.1)
        await a_turn(0.01)
        before = world.looks
        world.journal.commit()
        await until(lambda: world.looks == 2)

        assert 1 == before

    on_a_loop(story)


def test_while_the_store_is_away_it_waits_for_it() -> None:
    async def story(world: World) -> None:
        await world.fails()
        world.store_is_away = True
        world.timers.advance(0.1)
        world.journal.commit()
        await until(world.timers.next)
        world.store_is_away = False
        await world.begins_again(1.0)

        assert 2 == await world.clerk.ask("who?")

    on_a_loop(story)


def test_what_it_begins_with_may_fail_to_be_read_in_any_way_and_is_read_again() -> None:
    async def story(world: World) -> None:
        await world.fails()
        world.damaged = True
        world.timers.advance(0.1)
        world.journal.commit()
        await until(world.timers.next)
        world.damaged = False
        await world.begins_again(0.2)

        assert 2 == await world.clerk.ask("who?")

    on_a_loop(story)


def test_what_it_is_asked_while_it_is_down_is_refused_for_now() -> None:
    async def story(world: World) -> None:
        await world.fails()

        assert STARTING == await world.clerk.ask("who?")

    on_a_loop(story)


def test_one_that_keeps_failing_rests_longer_each_time_and_readiness_says_so_until_it_has_lived_for_a_minute() -> None:
    async def story(world: World) -> None:
        pauses, troubles = [], []
        for _ in range(6):
            await world.fails()
            pauses.append(round((world.timers.next() or 0.0) - world.clock.steady(), 3))
            troubles.append(world.clerk.trouble())
            await world.begins_again(pauses[-1])
        world.timers.advance(60.0)

        assert [0.1, 0.2, 0.4, 0.8, 1.6, 3.2] == pauses
        assert [*[None] * 5, "the clerk keeps failing"] == troubles
        assert world.clerk.trouble() is None

    on_a_loop(story)


def test_one_that_was_stopped_stays_so() -> None:
    async def story(world: World) -> None:
        await world.fails()
        await world.clerk.stop()
        world.timers.advance(1.0)
        world.journal.commit()
        await a_turn(0.01)

        assert 1 == world.looks
        assert not world.clerk.is_alive()

    on_a_loop(story)


def test_without_what_cannot_be_replaced_the_process_is_told_to_end() -> None:
    async def story(world: World) -> None:
        lost: list[str] = []
        supervisor = Clerk(7, world).begin(Fatal("the supervisor", lost.append))
        supervisor.tell(FAIL)
        await until(lambda: lost)

        assert lost[0].startswith("the supervisor has failed (ZeroDivisionError)")

    on_a_loop(story)
