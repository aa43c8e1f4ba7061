"""What the next process makes of what the last one left, on a real database: nothing lost, nothing told twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from actors.acceptance import Archive
from actors.fleet import bots_of, read_bot, remembers_hold, slots_of, take_up
from actors.incarnations import Bots
from actors.journal import Journal
from actors.messages import Accepted, Durability, Execute
from actors.permits import Permits
from actors.ports import Ports
from actors.runtime import stopped
from actors.supervisor import Supervisor
from domain import events as e
from domain.command import Command, Outcome
from domain.store.ledger import Ledger
from domain.store.mapper import Entry, Recorded
from domain.store.sqlite import SQLiteStore
from domain.streams import BOTS, bot_stream
from ops.wiring import interrupted
from tests.actors.waiting import SOON_S, a_turn, until
from tests.doubles import (
    DELIVERED,
    LOST,
    UNLIMITED,
    ManualClock,
    ManualTimers,
    ScriptedTelegram,
    a_message,
    a_registration,
    a_seal,
    flood,
)
from tests.examples import BOT_ID, a_command, a_token, after

DURABLE = Durability("0" * 64, wait_s=0.0)
EDIT = {"method": "editMessageText", "parameters": {"chat_id": 42, "message_id": 1, "text": "new"}}


class Process:
    """One life of the gateway, which ends as if it had been killed."""

    def __init__(self, ledger: Ledger, journal: Journal, opened: Any, clock: ManualClock) -> None:
        self.ledger, self.clock = ledger, clock
        self.timers = ManualTimers(clock)
        self.telegram = ScriptedTelegram(clock)
        self.ports = Ports(clock, self.timers, journal, self.telegram, lambda: 0.5, a_seal)
        archive = Archive(ledger.stream, ledger.at, lambda *sealed: sealed[2].split(b": ", 1)[1][::-1])
        self.slots = slots_of(bots_of(ledger.streams_under(BOTS)), self.ports)
        for hold in opened.holds(clock.utc()):
            remembers_hold(self.slots[hold.bot_id], hold, UNLIMITED.pace, self.ports)
        for command in opened.commands():
            take_up(self.slots.get(command.first.bot_id), command, self.ports, archive)
        self._bots = Bots(lambda bot_id: (read_bot(ledger, bot_id), a_token(bot_id)), lambda *_: b"")
        self._permits = Permits(0, clock, self.timers)
        self._archive = archive

    def starts(self) -> None:
        self.fleet = Supervisor.start(self.slots, self._bots, self.ports, self._permits, UNLIMITED, self._archive)

    async def execute(self, command: Command, durability: Durability | None = None) -> Any:
        async with asyncio.timeout(SOON_S):
            return await self.fleet.ask(Execute(command, durability), block=False)

    async def goes_on_elsewhere(self) -> None:
        """Whatever else may leave has left by the time that this has its answer."""
        await a_turn()
        now = self.clock.utc()
        told = await self.execute(a_command(command_id=f"at {now}", **a_message("hello", 7), received_at=now))
        assert "delivered" == told.final

    async def is_quiet(self) -> None:
        """All that the last process left has come to its end, and that is on disk."""
        await until(lambda: not any(slot.open_commands for slot in self.slots.values()))

    async def advance(self, seconds: float) -> None:
        self.timers.advance(seconds)
        for _ in range(20):
            await a_turn()

    async def is_killed(self) -> None:
        for slot in self.slots.values():
            if slot.actor is not None:
                await stopped(slot.actor)
        await stopped(self.fleet)


class Machine:
    """One database, and one process after the other on it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.store = SQLiteStore(path)
        self.ledger = Ledger(self.store)
        self.ledger.append([Entry(bot_stream(BOT_ID), 1, a_registration())])
        self._number = count(1)

    @asynccontextmanager
    async def process(
        self, at_s: float = 0.0, script: Callable[[Process], None] = lambda _: None
    ) -> AsyncIterator[Process]:
        # Each process has a steady clock of its own.
        clock = ManualClock(after(at_s), steady=50.0 * next(self._number))
        opened = interrupted(self.ledger)
        journal = Journal(self.ledger, opened, clock, 1000)
        process = Process(self.ledger, journal, opened, clock)
        script(process)
        process.starts()
        try:
            yield process
            await process.is_killed()
        finally:
            await journal.close(SOON_S)

    def told_of(self, command_id: str) -> list[str]:
        return [
            recorded.event.TOPIC for recorded in self.log() if getattr(recorded.event, "command_id", None) == command_id
        ]

    def log(self) -> list[Recorded]:
        return self.ledger.read(0, 1000)


@pytest.fixture
def on_a_machine(tmp_path: Path) -> Callable[[Callable[[Machine], Awaitable[None]]], None]:
    def run(story: Callable[[Machine], Awaitable[None]]) -> None:
        machine = Machine(tmp_path / "botloft.db")
        try:
            asyncio.run(story(machine))  # type: ignore[arg-type]  # a coroutine
        finally:
            machine.store.close()

    return run


Run = Callable[[Callable[[Machine], Awaitable[None]]], None]


def waits(process: Process) -> None:
    process.telegram.waits()


async def killed_while_out(machine: Machine, command: Command, durability: Durability | None = None) -> None:
    async with machine.process(script=waits) as first:
        asked = asyncio.ensure_future(first.execute(command, durability))
        await until(lambda: first.telegram.out)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)


def test_a_message_that_was_on_its_way_becomes_uncertain_exactly_once(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        await killed_while_out(machine, a_command(command_id="out"))
        assert ["command-started"] == machine.told_of("out")
        async with machine.process(60) as second:
            await second.is_quiet()
            assert [] == second.telegram.calls
        assert ["command-started", "command-uncertain"] == machine.told_of("out")
        before = machine.ledger.head()
        async with machine.process(120) as third:
            await third.is_quiet()
        assert before == machine.ledger.head()

    on_a_machine(story)


def test_what_became_of_it_says_why_nobody_can_know(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        await killed_while_out(machine, a_command(command_id="out"))
        async with machine.process(60) as second:
            await second.is_quiet()
        event = next(recorded.event for recorded in machine.log() if isinstance(recorded.event, e.CommandUncertain))

        assert ("delivery_uncertain", "ambiguous") == (event.code, event.category)
        assert "stopped before the answer" in event.description
        assert after(60) == event.occurred_at

    on_a_machine(story)


def test_a_command_with_its_outcome_is_left_alone(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        async with machine.process() as first:
            await first.execute(a_command(command_id="done"))
        before = machine.ledger.head()
        async with machine.process(60) as second:
            await second.is_quiet()
        assert before == machine.ledger.head()
        assert before - 1 <= machine.ledger.low_water()

    on_a_machine(story)


def test_the_bot_works_on_while_what_was_left_is_recorded(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        await killed_while_out(machine, a_command(command_id="out"))
        async with machine.process(60) as second:
            told = await second.execute(a_command(command_id="new", received_at=after(60)))
            assert isinstance(told, Outcome)
            assert "delivered" == told.final
            await second.is_quiet()
        assert ["command-started", "command-uncertain"] == machine.told_of("out")

    on_a_machine(story)


def test_a_hold_outlives_the_process(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        async with machine.process(script=lambda first: first.telegram.will(flood(90))) as first:
            await first.execute(a_command(command_id="held"))
        async with machine.process(70) as second:
            asked = asyncio.ensure_future(second.execute(a_command(command_id="same chat", received_at=after(70))))
            await second.goes_on_elsewhere()
            assert [7] == [call.chat for call in second.telegram.calls]
            await second.advance(19.5)
            await second.goes_on_elsewhere()
            assert [7, 7] == [call.chat for call in second.telegram.calls]
            await second.advance(0.5)
            await until(lambda: len(second.telegram.calls) == 3)
            assert "delivered" == (await asked).final

    on_a_machine(story)


def test_the_pace_is_still_the_slower_one_of_a_bot_that_was_held(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        async with machine.process(script=lambda first: first.telegram.will(flood(90))) as first:
            await first.execute(a_command(command_id="held"))
        async with machine.process(70) as second:
            await second.goes_on_elsewhere()
            asked = asyncio.ensure_future(second.execute(a_command(command_id="8", **a_message("hello", 8))))
            await until(lambda: second.slots[BOT_ID].open_commands)
            await second.advance(0.07)
            assert [7] == [call.chat for call in second.telegram.calls]
            await second.advance(0.02)
            await asked

    on_a_machine(story)


def test_a_hold_that_is_over_is_forgotten(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        async with machine.process(script=lambda first: first.telegram.will(flood(90))) as first:
            await first.execute(a_command(command_id="held"))
        async with machine.process(91) as second:
            told = await second.execute(a_command(command_id="next", received_at=after(91)))
            assert "delivered" == told.final

    on_a_machine(story)


def test_an_open_breaker_outlives_the_process(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        async with machine.process(script=lambda first: first.telegram.works(LOST)) as first:  # type: ignore[arg-type]
            for n in range(5):
                await first.execute(a_command(command_id=f"{n}"))
        async with machine.process(40) as second:
            told = await second.execute(a_command(command_id="early", received_at=after(40)))
            assert ("not_sent", "breaker_open", 20.0) == (told.final, told.code, pytest.approx(told.retry_after_s))
            await second.advance(20)
            told = await second.execute(a_command(command_id="probe", received_at=after(60)))
            assert "delivered" == told.final

    on_a_machine(story)


# A clock that was set back meanwhile

AN_HOUR_AGO = -3600


def test_a_hold_is_not_longer_than_telegram_said_though_the_clock_was_set_back(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        async with machine.process(script=lambda first: first.telegram.will(flood(20))) as first:
            await first.execute(a_command(command_id="held", deadline_s=10.0))
        async with machine.process(AN_HOUR_AGO) as second:
            command = a_command(command_id="same chat", received_at=second.clock.utc())
            asked = asyncio.ensure_future(second.execute(command))
            await second.goes_on_elsewhere()
            await second.advance(19.5)
            assert [7] == [call.chat for call in second.telegram.calls]
            await second.advance(0.5)
            await until(lambda: len(second.telegram.calls) == 2)
            assert "delivered" == (await asked).final

    on_a_machine(story)


def test_a_breaker_is_open_no_longer_than_its_cool_down_though_the_clock_was_set_back(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        async with machine.process(script=lambda first: first.telegram.works(LOST)) as first:  # type: ignore[arg-type]
            for n in range(5):
                await first.execute(a_command(command_id=f"{n}"))
        async with machine.process(AN_HOUR_AGO) as second:
            told = await second.execute(a_command(command_id="early", received_at=second.clock.utc()))
            assert ("breaker_open", 60.0) == (told.code, pytest.approx(told.retry_after_s))
            await second.advance(60)
            told = await second.execute(a_command(command_id="probe", received_at=second.clock.utc()))
            assert "delivered" == told.final

    on_a_machine(story)


def test_an_accepted_message_waited_no_negative_time_and_keeps_its_deadline(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        async with machine.process(script=waits) as first:
            blocker = asyncio.ensure_future(first.execute(a_command(command_id="blocker")))
            await until(lambda: first.telegram.out)
            await first.execute(a_command(command_id="accepted", deadline_s=100.0), DURABLE)
            blocker.cancel()
            await asyncio.gather(blocker, return_exceptions=True)
        async with machine.process(AN_HOUR_AGO, script=waits) as second:
            await until(lambda: second.telegram.out)
            (ticket,) = (second.slots[BOT_ID].tickets or {}).values()
            assert second.clock.steady() + 100 == ticket.deadline
            second.telegram.out[0].gets(DELIVERED)
            await second.is_quiet()
        (delivered,) = [one.event for one in machine.log() if isinstance(one.event, e.CommandDelivered)]
        assert ("accepted", 0.0) == (delivered.command_id, delivered.queue_ms)

    on_a_machine(story)


# Accepted commands


def test_an_accepted_message_that_had_not_left_is_sent_by_the_next_process(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        async with machine.process(script=waits) as first:
            blocker = asyncio.ensure_future(first.execute(a_command(command_id="blocker")))
            await until(lambda: first.telegram.out)
            accepted = await first.execute(a_command(command_id="accepted", deadline_s=3600.0), DURABLE)
            assert isinstance(accepted, Accepted)
            blocker.cancel()
            await asyncio.gather(blocker, return_exceptions=True)
        async with machine.process(60) as second:
            await second.is_quiet()
            assert ["hello"] == second.telegram.texts
        assert ["command-accepted", "command-started", "command-delivered"] == machine.told_of("accepted")
        async with machine.process(120) as third:
            await third.is_quiet()
            assert [] == third.telegram.calls

    on_a_machine(story)


def test_an_accepted_message_that_was_on_its_way_is_not_sent_again(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        await killed_while_out(machine, a_command(command_id="out", deadline_s=3600.0), DURABLE)
        async with machine.process(60) as second:
            await second.is_quiet()
            assert [] == second.telegram.calls
        assert ["command-accepted", "command-started", "command-uncertain"] == machine.told_of("out")

    on_a_machine(story)


def test_an_accepted_edit_that_was_on_its_way_is_made_again(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        await killed_while_out(machine, a_command(command_id="edit", deadline_s=3600.0, **EDIT), DURABLE)
        async with machine.process(60) as second:
            await second.is_quiet()
            assert ["editMessageText"] == [call.method for call in second.telegram.calls]
            assert [EDIT["parameters"]] == [call.parameters for call in second.telegram.calls]
        assert "command-delivered" == machine.told_of("edit")[-1]

    on_a_machine(story)


def test_an_accepted_message_whose_time_has_passed_is_not_sent(on_a_machine: Run) -> None:
    async def story(machine: Machine) -> None:
        async with machine.process(script=waits) as first:
            blocker = asyncio.ensure_future(first.execute(a_command(command_id="blocker")))
            await until(lambda: first.telegram.out)
            await first.execute(a_command(command_id="accepted", deadline_s=100.0), DURABLE)
            blocker.cancel()
            await asyncio.gather(blocker, return_exceptions=True)
        async with machine.process(200) as second:
            await second.is_quiet()
            assert [] == second.telegram.calls
        assert ["command-accepted", "command-not-sent"] == machine.told_of("accepted")

    on_a_machine(story)
