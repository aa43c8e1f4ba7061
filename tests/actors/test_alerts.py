"""The operator is told of each incident once, in its order, whatever the line does and however often we start."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from actors import alerts
from actors.alerts import AlertsActor
from actors.messages import ClearAlert, DescribeAlerts, RaiseAlert
from actors.ports import Ports
from actors.runtime import stopped
from domain.alerts import newest
from tests.actors.waiting import a_turn, answer_of, until
from tests.doubles import ManualClock, ManualTimers, MemoryJournal, ScriptedTelegram, a_seal
from tests.examples import BOT_ID, TENANT

RAISE = RaiseAlert("bot_given_up", BOT_ID, TENANT, "it failed")
CLEAR = ClearAlert("bot_given_up", BOT_ID)


class Operator:
    """The other end of the line."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.ids: list[str] = []
        self.is_there = asyncio.Event()
        self.is_there.set()
        self.refuses = False

    async def takes(self, body: bytes, headers: dict[str, str]) -> bool:
        self.ids.append(headers["webhook-id"])
        await self.is_there.wait()
        if self.refuses:
            return False
        self.told.append(json.loads(body)["type"])
        return True


class Lives:
    """Of alerts actors, one after another, over one log."""

    def __init__(self) -> None:
        self.clock, self.journal, self.operator = ManualClock(), MemoryJournal(), Operator()
        self.ports = Ports(
            self.clock, ManualTimers(self.clock), self.journal, ScriptedTelegram(self.clock), lambda: 0.5, a_seal
        )
        self.begins()

    def begins(self, *, posts: bool = True) -> None:
        self.journal.commit()
        incidents = newest(recorded.event for recorded in self.journal.log)
        self.actor = AlertsActor.start(self.ports, self.operator.takes if posts else None, "a secret", incidents)

    async def ends(self) -> None:
        await stopped(self.actor)

    def topics(self) -> list[str]:
        self.journal.commit()
        return [recorded.event.TOPIC for recorded in self.journal.log]

    async def comes_to(self, *topics: str) -> None:
        await until(lambda: self.topics() == list(topics))


def on_a_loop(story: Callable[[Lives], Awaitable[None]]) -> None:
    async def told() -> None:
        lives = Lives()
        await story(lives)
        await lives.ends()

    asyncio.run(told())


def test_an_incident_is_told_once_and_its_end_once() -> None:
    async def story(lives: Lives) -> None:
        for message in (RAISE, RAISE, CLEAR, CLEAR):
            lives.actor.tell(message)
        await until(lambda: len(lives.operator.told) == 2)

        assert ["alert.raised", "alert.cleared"] == lives.operator.told
        await lives.comes_to("alert-raised", "alert-cleared", "alert-posted", "alert-posted")

    on_a_loop(story)


def test_what_is_open_when_the_process_ends_is_not_raised_again_and_is_cleared_by_the_next() -> None:
    async def story(lives: Lives) -> None:
        lives.actor.tell(RAISE)
        await lives.comes_to("alert-raised", "alert-posted")
        await lives.ends()
        lives.begins()
        lives.actor.tell(RAISE)
        (still_open,) = await answer_of(lives.actor, DescribeAlerts())
        lives.actor.tell(CLEAR)
        await until(lambda: len(lives.operator.told) == 2)

        assert (BOT_ID, "it failed") == (still_open.bot_id, still_open.detail)
        assert [] == await answer_of(lives.actor, DescribeAlerts())
        assert ["alert.raised", "alert.cleared"] == lives.operator.told

    on_a_loop(story)


def test_what_one_process_could_not_post_the_next_one_posts_under_the_same_id() -> None:
    async def story(lives: Lives) -> None:
        lives.operator.is_there.clear()
        lives.actor.tell(RAISE)
        await until(lambda: lives.operator.ids)
        await lives.ends()
        lives.operator.is_there = asyncio.Event()
        lives.clock.move_to(2000)
        lives.operator.is_there.set()
        lives.begins()
        await lives.comes_to("alert-raised", "alert-posted")

        assert ["alert.raised"] == lives.operator.told
        assert 2 == len(lives.operator.ids)
        assert 1 == len(set(lives.operator.ids))

    on_a_loop(story)


def test_an_operator_who_was_away_hears_in_order_what_is_still_worth_hearing() -> None:
    async def story(lives: Lives) -> None:
        lives.operator.is_there.clear()
        for message in (RAISE, CLEAR, RAISE):
            lives.actor.tell(message)
        await until(lambda: lives.operator.ids)
        lives.operator.is_there.set()
        await lives.comes_to("alert-raised", "alert-cleared", "alert-raised", "alert-posted")
        lives.actor.tell(CLEAR)
        await until(lambda: len(lives.operator.told) == 2)

        assert ["alert.raised", "alert.cleared"] == lives.operator.told

    on_a_loop(story)


def test_the_end_of_what_was_never_told_is_not_told_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "PAUSES_S", (0.0, 0.0))

    async def story(lives: Lives) -> None:
        lives.operator.refuses = True
        lives.actor.tell(RAISE)
        lives.actor.tell(CLEAR)
        await until(lambda: len(lives.operator.ids) == 3)
        lives.operator.refuses = False
        await a_turn(0.01)
        lives.actor.tell(RAISE)
        await until(lambda: lives.operator.told)

        assert ["alert.raised"] == lives.operator.told

    on_a_loop(story)


def test_without_an_address_alerts_are_recorded_and_the_open_ones_posted_when_there_is_one() -> None:
    async def story(lives: Lives) -> None:
        await lives.ends()
        lives.begins(posts=False)
        lives.actor.tell(RAISE)
        await lives.comes_to("alert-raised")
        await lives.ends()
        lives.begins()
        await lives.comes_to("alert-raised", "alert-posted")

        assert ["alert.raised"] == lives.operator.told

    on_a_loop(story)
