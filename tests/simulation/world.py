"""The world of one seed: who asks what and when, what goes wrong meanwhile, and then the calm in which all must end."""

from __future__ import annotations

from functools import partial
from random import Random

from actors.mail import Answered
from actors.messages import Cancel, ChangeBot, RegisterBot, RemoveBot, ResumeBot, SetBreaker, SuspendBot
from actors.slot import Stage
from domain import bot as lives
from domain.streams import bot_stream
from tests.doubles import DELIVERED, a_registration
from tests.examples import a_token
from tests.simulation.callers import LONGEST_S, Callers
from tests.simulation.disk import Disk
from tests.simulation.ending import all_work_again, at_rest, when_all_is_over
from tests.simulation.loop import Agenda, Clock
from tests.simulation.plan import Plan, plan_of
from tests.simulation.process import Process
from tests.simulation.telegram import InjectedCrash, Telegram
from tests.simulation.watch import Watch

GRACE_S, QUIET_S = 5.0, 45.0
STEPS_MAX = 50_000
CHANGES_ITS_MIND = 0.05


class Poison:
    """In the place of a ticket: whoever touches it first dies of it."""

    def __init__(self) -> None:
        self._is_fresh = True

    @property
    def stage(self) -> Stage:
        if self._is_fresh:
            self._is_fresh = False
            raise InjectedCrash
        return Stage.DONE


class World:
    def __init__(self, seed: int, remember: int) -> None:
        self._chance = Random(seed)
        self.plan: Plan = plan_of(self._chance)
        self._clock = Clock()
        self._agenda = Agenda(self._clock)
        self._disk = Disk()
        for bot_id, tenant_id in self.plan.bots.items():
            self._disk.append(bot_stream(bot_id), (a_registration(bot_id, tenant_id),))
        self._telegram = Telegram(self._agenda, self._chance, self.plan.faults.telegram, self.plan.faults.floods)
        self.watch = Watch(self.plan, self._disk, self._clock, remember)
        self._callers = Callers(self.plan, self._chance, self._clock, self.watch)
        self._process: Process | None = None
        self._is_calm = False
        self._last: list[str] = []

    def runs(self) -> list[str]:
        """What went wrong."""
        self._starts()
        self._plans_the_day()
        try:
            self._goes_on()
            if not self.watch.wrong:
                self._ends()
        finally:
            if self._process is not None:
                self._process.dies()
        return self.watch.wrong

    def _starts(self) -> None:
        self._process = Process(
            self.plan, self._disk, self._telegram, self._agenda, self._clock, self._chance, self.watch
        )
        if self._is_calm:
            self._process.calms_down()

    def _plans_the_day(self) -> None:
        chance, plan, faults = self._chance, self.plan, self.plan.faults
        at = 0.0
        for number in range(plan.commands):
            # In bursts: a third comes together with the one before it.
            at = at if chance.random() < 0.35 else chance.uniform(0, plan.seconds)
            self._agenda.after(at, partial(self._somebody_asks, number))
        for what, times in (
            (self._crashes_an_actor, faults.actor_crashes),
            (self._kills_the_process, faults.process_crashes),
            (self._changes_a_life, faults.lifecycle),
            (self._writes_as_a_stranger, faults.strangers),
            (self._cancels, 3),
        ):
            for _ in range(times):
                self._agenda.after(chance.uniform(0, plan.seconds), what)
        self._agenda.after(plan.seconds + 1, self._calms_down)

    def _goes_on(self) -> None:
        """Until only what comes in the far future is left: bots that were given up and rest."""
        for _ in range(STEPS_MAX):
            at = self._agenda.next()
            if at is None or (self._is_calm and at > self._over_at):
                return
            self._agenda.step()
            if self._process is not None:
                self._process.loop.run_ready()
            self.watch.after_a_step()
            if self.watch.wrong:
                return
        self.watch.wrong.append("it never ends")

    def _ends(self) -> None:
        assert self._process is not None
        self.watch.wrong.extend(when_all_is_over(self.watch, self._telegram, self._process))
        self.watch.wrong.extend(at_rest(self._process, self._disk))
        self.watch.wrong.extend(all_work_again(self._last, self.watch, self._disk))

    def _calms_down(self) -> None:
        self._is_calm = self._telegram.is_calm = True
        self._over_at = self._clock.now + QUIET_S + 2 * LONGEST_S
        for number, (bot_id, chat) in enumerate(self.plan.bots_and_chats()):
            self._agenda.after(QUIET_S + number, partial(self._asks_plainly, bot_id, chat))
        if self._process is not None:
            self._process.calms_down()
        self._agenda.after(LONGEST_S + GRACE_S, self._brings_all_back)
        self._agenda.after(LONGEST_S + 2 * GRACE_S, self._puts_all_to_work)

    def _brings_all_back(self) -> None:
        for bot_id, tenant_id in self.plan.bots.items():
            self._changes(RegisterBot(tenant_id, a_token(bot_id)))

    def _puts_all_to_work(self) -> None:
        for bot_id, tenant_id in self.plan.bots.items():
            self._changes(ResumeBot(bot_id, tenant_id, "tenant"))
            self._changes(SetBreaker(bot_id, is_open=False, reason="a test"))

    def _asks_plainly(self, bot_id: int, chat: int) -> None:
        assert self._process is not None
        self._last.append(self._callers.ask_plainly(self._process, bot_id, chat))

    # What happens

    def _somebody_asks(self, number: int) -> None:
        if self._process is not None:
            if self._chance.random() < self.plan.faults.crashes_inside:
                # At the same moment: it is alive when the command is handed over, and dead when it would read that.
                self._crashes_an_actor()
            self._callers.ask(self._process, f"c{number}")
            if self._chance.random() < CHANGES_ITS_MIND:
                self._agenda.after(self._chance.uniform(0.0, 0.01), self._cancels)

    def _crashes_an_actor(self) -> None:
        if self._process is None:
            return
        slot = self._process.slots.get(self._chance.choice(list(self.plan.bots)))
        if slot is not None and slot.actor is not None and slot.is_awake:
            self.watch.saw("actor crashes", slot.bot_id)
            slot.actor.tell(Answered(Poison(), DELIVERED))  # type: ignore[arg-type]  # it has what is looked at first

    def _kills_the_process(self) -> None:
        if self._process is None:
            return
        self.watch.saw("process is killed", "")
        self._process.dies()
        self._process = None
        self._agenda.after(self._chance.uniform(0.001, 3), self._starts)

    def _changes_a_life(self) -> None:
        chance = self._chance
        bot_id = chance.choice(list(self.plan.bots))
        tenant_id = self.plan.bots[bot_id]
        message = chance.choice(
            (
                SuspendBot(bot_id, tenant_id, "a test", "tenant"),
                ResumeBot(bot_id, tenant_id, "tenant"),
                ResumeBot(bot_id, tenant_id, "tenant"),
                SetBreaker(bot_id, is_open=True, reason="a test"),
                SetBreaker(bot_id, is_open=False, reason="a test"),
                RemoveBot(bot_id, tenant_id),
                RegisterBot(tenant_id, a_token(bot_id)),
                RegisterBot(tenant_id, a_token(bot_id)),
            )
        )
        self._changes(message)

    def _changes(self, message: ChangeBot | RegisterBot | SetBreaker | Cancel) -> None:
        if self._process is not None:
            self._process.ask(message, self.watch.asks_for_a_change(message))

    def _writes_as_a_stranger(self) -> None:
        bot_id = self._chance.choice(list(self.plan.bots))
        decided = lives.suspend(self._disk.bot(bot_id), self.plan.bots[bot_id], "elsewhere", "admin", self._clock.utc())
        if isinstance(decided, tuple):
            self.watch.saw("stranger", decided)
            self._disk.append(bot_stream(bot_id), decided)
            self._disk.strangers_wrote.add(bot_id)

    def _cancels(self) -> None:
        if self._process is None:
            return
        slot = self._process.slots.get(self._chance.choice(list(self.plan.bots)))
        if slot is not None and slot.tickets:
            command = self._chance.choice(list(slot.tickets.values())).command
            self._changes(Cancel(command.command_id, command.bot_id, command.tenant_id))
