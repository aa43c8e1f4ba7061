"""One replayed bot: its commands from their arrival to their end, as `actors/traffic.py` lets them go."""

from __future__ import annotations

import math

from domain import bot as lives
from domain.bot import Bot
from domain.failure import Category, Delivered, Failure, Final, code_of
from domain.rules import gates
from domain.rules.lanes import Lanes
from domain.whatif import answers
from domain.whatif.agenda import Agenda
from domain.whatif.answers import LATE, Answers, Calls
from domain.whatif.guards import Guards
from domain.whatif.permits import Permits
from domain.whatif.rerun import Rerun
from domain.whatif.tale import End, Given


class ReplayedBot:
    def __init__(self, agenda: Agenda, permits: Permits, guards: Guards, found: Answers) -> None:
        self._bot = Bot(0)
        self._refusals: dict[str, gates.Refuse | None] = {}
        """What the bot's life says to each tenant, until something happens in it."""
        self.guards = guards
        self._calls: Calls | None = None
        self._recorded_calls: Calls | None = None
        """Both for bots that were told to wait."""
        self.open_commands = 0
        self._agenda, self._permits, self._answers = agenda, permits, found
        self._lanes: Lanes[Rerun] = Lanes()
        self._in_flight = 0
        self._has_permit = False
        self._alarm_at = math.inf

    @property
    def life(self) -> Bot:
        return self._bot

    def became(self, bot: Bot, now: float) -> None:
        """What waits and may not leave any more ends at once."""
        self._bot = bot
        self._refusals.clear()
        for rerun in self._lanes.waiting():
            barred = self._barred(rerun)
            if barred is not None:
                self._lanes.remove(rerun)
                self._ends(rerun, Final.NOT_SENT, barred.code, now)

    def tells_calls(self, recorded: Calls) -> None:
        self._calls, self._recorded_calls = Calls(), recorded

    def arrives(self, rerun: Rerun, now: float) -> None:
        self.open_commands += 1
        if self._lanes.has_before(rerun):
            # Behind others of its chat nobody looks at it; what cannot end well ends at once all the same.
            obstacle = self._obstacle(rerun, now)
            if isinstance(obstacle, gates.Refuse):
                self._ends(rerun, Final.NOT_SENT, obstacle.code, now)
                self.pump(now)
                return
        self._lanes.join(rerun)
        self.pump(now)
        self._watch_deadline(rerun)

    def permitted(self, now: float) -> None:
        self._has_permit = True
        self.pump(now)

    def taken_back(self, rerun: Rerun, now: float) -> None:
        """As it was in the record, if it still waits."""
        if rerun.is_waiting:
            self._lanes.remove(rerun)
            end = rerun.tale.end
            self._ends(rerun, end.final, end.code, now)
            self.pump(now)

    def pump(self, now: float) -> None:
        self._lanes.wake(now)
        bot_until = self._let_go(now)
        if self._has_permit:
            self._has_permit = False
            self._permits.give_back(now)
        at = min(bot_until, self._lanes.next_wake())
        if at < self._alarm_at:
            self._alarm_at = at
            self._agenda.at(at, self._alarm, at)

    def _alarm(self, at: float, now: float) -> None:
        if at == self._alarm_at:
            self._alarm_at = math.inf
            self.pump(now)

    def _let_go(self, now: float) -> float:
        while (rerun := self._lanes.head()) is not None:
            obstacle = self._obstacle(rerun, now)
            if isinstance(obstacle, gates.Refuse):
                self._lanes.head_ends()
                self._ends(rerun, Final.NOT_SENT, obstacle.code, now)
            elif isinstance(obstacle, gates.Stay):
                if obstacle.whole_bot:
                    return obstacle.until
                self._lanes.head_sleeps(obstacle.until)
            elif not self._has_fleet_permit(rerun, now):
                break
            else:
                self._lanes.head_leaves()
                self._leaves(rerun, now)
        return math.inf

    def _obstacle(self, rerun: Rerun, now: float) -> gates.Stay | gates.Refuse | None:
        return self._barred(rerun) or self.guards.obstacle(rerun.call, self._in_flight, now)

    def _barred(self, rerun: Rerun) -> gates.Refuse | None:
        tenant_id = rerun.tale.tenant_id
        if tenant_id not in self._refusals:
            self._refusals[tenant_id] = self._refusal_of(tenant_id)
        return self._refusals[tenant_id]

    def _refusal_of(self, tenant_id: str) -> gates.Refuse | None:
        refused = lives.may_command(self._bot, tenant_id)
        if refused is None:
            return None
        return gates.Refuse("cancelled" if refused.code == "not_found" else refused.code, None)

    def _has_fleet_permit(self, rerun: Rerun, now: float) -> bool:
        has, self._has_permit = self._has_permit, False
        return has or self._permits.take(self, rerun.tale.tenant_id, now)

    def _leaves(self, rerun: Rerun, now: float) -> None:
        self.guards.dispatched(rerun, now)
        self._in_flight += 1
        tale, attempt, left = rerun.tale, rerun.attempts, now
        if attempt == 0:
            left += tale.written_s
            rerun.waited_s = left - tale.arrived
        if attempt < len(tale.given):
            given = tale.given[attempt]
        else:
            given = self._answers.assumed(tale, now)
            rerun.assumed += 1
        rerun.is_out = True
        rerun.attempts = attempt + 1
        if self._calls is not None:
            self._calls.left(tale.chat, left)
        may_take_s = min(self.guards.policy.telegram_timeout_s, rerun.deadline - left)
        if given.took_s > may_take_s:
            given = Given(LATE, left, max(may_take_s, 0.0))
        self._agenda.at(left + given.took_s, self._answered, (rerun, given, left))

    def _answered(self, about: tuple[Rerun, Given, float], now: float) -> None:
        rerun, given, left = about
        self._in_flight -= 1
        rerun.is_out = False
        if isinstance(given.answer, Delivered):
            self.guards.worked(rerun, given.took_s, now)
            self._lanes.free(rerun.lane)
            self._ends(rerun, Final.DELIVERED, "", now)
        else:
            self._failed(rerun, given, given.answer, left, now)
        if self.open_commands > self._in_flight:
            self.pump(now)

    def _failed(self, rerun: Rerun, given: Given, failure: Failure, left: float, now: float) -> None:
        rerun.maybe_executed = rerun.maybe_executed or not failure.certain
        if failure.category is Category.RATE_LIMIT:
            self.guards.rate_limited(rerun, failure, now)
            self._met_a_flood(rerun, given, left)
        again = self.guards.next_attempt(rerun, failure, given, now)
        if again is not None:
            rerun.goes_again(failure)
            self.guards.returned(rerun, now)
            self._lanes.come_back(rerun, again.not_before if self._barred(rerun) is None else now)
            self._watch_deadline(rerun)
            return
        self.guards.failed_for_good(rerun, failure, now)
        self._lanes.free(rerun.lane)
        self._ends(rerun, failure.final, code_of(failure.final, failure.category), now)

    def _met_a_flood(self, rerun: Rerun, given: Given, left: float) -> None:
        rerun.floods += 1
        if self._calls is None or self._recorded_calls is None:
            return
        chat = rerun.tale.chat
        recorded = self._recorded_calls.before(chat, given.left)
        rerun.floods_below += answers.is_below(self._calls.before(chat, left), recorded)

    def _watch_deadline(self, rerun: Rerun) -> None:
        if rerun.is_waiting and not rerun.has_deadline:
            rerun.has_deadline = True
            self._agenda.at(rerun.deadline, self._late, rerun)

    def _late(self, rerun: Rerun, now: float) -> None:
        rerun.has_deadline = False
        if rerun.is_waiting:
            self._lanes.remove(rerun)
            self._ends(rerun, Final.NOT_SENT, "deadline_exceeded", now)
            self.pump(now)

    def _ends(self, rerun: Rerun, final: Final, code: str, now: float) -> None:
        if final is Final.NOT_SENT and rerun.maybe_executed:
            final, code = Final.UNCERTAIN, code_of(Final.UNCERTAIN, None)
        self.open_commands -= 1
        rerun.end = End(
            final, code, now, rerun.attempts, rerun.waited_s, rerun.floods, rerun.floods_below, rerun.assumed
        )
