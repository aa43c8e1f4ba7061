"""Whatever happens to a bot, all say the same of its breaker: memory, the next process, the views, the what-if."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.fleet import remembers_breaker
from actors.inbox import LoopFuture
from actors.mail import Change, Lifecycle, Register
from actors.messages import IssueCode, ProveOwnership, RemoveBot, SetBreaker
from actors.slot import Slot
from domain import bot as lives
from domain.bot import Bot
from domain.codes import hashed
from domain.rules.breaker import BreakerPolicy, Phase
from domain.rules.validation import Verdict
from domain.store.mapper import Recorded
from domain.streams import bot_stream
from domain.token_life import Found
from domain.whatif.answers import Answers
from domain.whatif.fleet import Fleet, Life, Recording, Rules
from domain.whatif.policy import Policy
from domain.whatif.reading import life_of, recorded_not_closed
from projections.health import HealthProjection
from projections.history import HistoryProjection
from projections.projection import Projection
from tests.domain.whatif.days import MemoryLog
from tests.doubles import LOST, UNLIMITED, LoneBot, a_registration
from tests.examples import BOT_ID, OTHER_TENANT, TENANT, a_token, after, an_identity

COOLDOWN_S = 5.0
FORCE = SetBreaker(BOT_ID, is_open=True, reason="a flood of complaints")
RESET = SetBreaker(BOT_ID, is_open=False, reason="looked into")


class Watched(LoneBot):
    """One failure opens its breaker, two successes close it."""

    def __init__(self) -> None:
        super().__init__(policy=replace(UNLIMITED, breaker=BreakerPolicy(1, COOLDOWN_S, successes=2)))
        self._chats = count(1)

    @property
    def log(self) -> list[Recorded]:
        """With the registration that a lone bot begins with."""
        begun = Recorded(0, bot_stream(BOT_ID), 1, a_registration())
        return [one._replace(position=number) for number, one in enumerate([begun, *self.journal.log], 1)]

    @property
    def on_disk(self) -> Bot:
        bot = Bot(BOT_ID)
        for recorded in self.log:
            if recorded.stream == bot_stream(BOT_ID):
                bot = lives.evolve(bot, recorded.event)
        return bot

    @property
    def owner(self) -> str | None:
        owner = self.on_disk.owner
        return None if owner is None else owner.tenant_id

    @property
    def phase(self) -> Phase:
        return self.slot.memory.breaker.phase

    def change(self, message: Change) -> None:
        self.tell(Lifecycle(message, LoopFuture()))
        self.rest()

    def removed(self) -> None:
        if (owner := self.owner) is not None:
            self.change(RemoveBot(BOT_ID, owner))

    def registered(self, tenant_id: str) -> None:
        self.change(Register(an_identity(tenant_id=tenant_id), a_token()))

    def taken_over(self, tenant_id: str = OTHER_TENANT) -> None:
        code, found = hashed(f"{len(self.journal.log)}"), Found(Verdict.VALID, "examples_bot", "Examples")
        self.registered(tenant_id)
        self.change(IssueCode(BOT_ID, tenant_id, code))
        self.change(ProveOwnership(BOT_ID, tenant_id, code, a_token(), found))

    def sends(self) -> tuple[str, str]:
        """Into a chat of its own, behind nobody."""
        chat = next(self._chats)
        asked = self.say("hello", chat, tenant_id=self.owner or TENANT, deadline_s=1.0)
        return asked.ended if asked.told else ("", "")

    def opens(self) -> None:
        self.telegram.will(LOST)
        self.sends()
        self.telegram._script.clear()  # noqa: SLF001  it may not have left

    def process_after_it(self) -> Slot:
        slot = Slot(BOT_ID, self.on_disk.tenants)
        remembers_breaker(slot, self.on_disk, self.ports)
        return slot

    def is_killed(self) -> None:
        """And the next process reads what it left."""
        self.dies()
        for call in self.telegram.out:
            call.then = lambda _: None
        self.slot = self.process_after_it()
        self.starts()
        self.rest()


def rows(query: str, projection: Projection, log: list[Recorded]) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in projection.tables:
            connection.execute(statement)
        projection.fold(log, connection)
        return connection.execute(query).fetchall()


def replayed(life: Life) -> list[tuple[float, float]]:
    """By a what-if: what opens by itself is for its own answers to say, and here it has none."""
    return Fleet(Recording([], {BOT_ID: life}), Answers([]), Rules(Policy())).replayed().not_closed[BOT_ID]


def is_open_at_the_end(spans: list[tuple[float, float]]) -> bool:
    return bool(spans) and spans[-1][1] == math.inf


def kept(phase: Phase) -> Phase:
    """That a half-open one was open is all that a bot's life remembers."""
    return Phase.OPEN if phase is Phase.HALF_OPEN else phase


def all_say_the_same(bot: Watched) -> None:
    lived, read = bot.slot.memory.breaker, bot.process_after_it().memory.breaker
    life = life_of(MemoryLog(bot.log), BOT_ID, TENANT, after(0))
    recorded = recorded_not_closed(Recording([], {BOT_ID: life}))[BOT_ID]
    is_closed, is_owned = lived.phase is Phase.CLOSED, bot.owner is not None
    in_health = rows("SELECT breaker FROM health", HealthProjection(), bot.log)
    incidents = rows("SELECT kind FROM incidents WHERE ended_at IS NULL", HistoryProjection(), bot.log)

    assert kept(lived.phase) is read.phase
    assert lived.phase not in (Phase.OPEN, Phase.HALF_OPEN) or lived.open_until == pytest.approx(read.open_until)
    assert [read.phase] * is_owned == [kept(Phase(phase)) for (phase,) in in_health]
    assert (is_owned and not is_closed) == incidents.count(("breaker",))
    assert is_open_at_the_end(recorded) is not is_closed
    assert is_open_at_the_end(replayed(life)) is (lived.phase is Phase.FORCED)


DEEDS = st.one_of(
    st.sampled_from(["force", "reset", "opens", "sends", "leaves one out", "its answer comes late", "removed"]),
    st.sampled_from(["registered", "registered by another", "taken over", "taken back", "an actor fails", "is killed"]),
    st.sampled_from([1.0, COOLDOWN_S]),
)


def does(bot: Watched, deed: str | float) -> None:
    match deed:
        case float():
            bot.advance(deed)
        case "force" | "reset":
            bot.change(FORCE if deed == "force" else RESET)
        case "opens":
            bot.opens()
        case "sends":
            bot.sends()
        case "leaves one out":
            bot.telegram.will(None)
            bot.sends()
            bot.telegram._script.clear()  # noqa: SLF001  it may not have left
        case "its answer comes late" if bot.telegram.out:
            bot.answer(LOST)
        case "removed":
            bot.removed()
        case "registered" | "registered by another":
            bot.registered(TENANT if deed == "registered" else OTHER_TENANT)
        case "taken over" | "taken back":
            bot.taken_over(OTHER_TENANT if deed == "taken over" else TENANT)
        case "an actor fails":
            bot.dies_and_restarts()
        case "is killed":
            bot.is_killed()
    bot.rest()


@settings(max_examples=300)
@given(st.lists(DEEDS, max_size=14))
def test_whatever_happens_to_a_bot_all_say_the_same_of_its_breaker(deeds: list[str | float]) -> None:
    bot, is_forced = Watched(), False
    for deed in deeds:
        if deed in ("force", "reset") and bot.owner is not None:
            is_forced = deed == "force"
        does(bot, deed)

        assert is_forced is (bot.phase is Phase.FORCED), "an operator's word holds until the next one"
        all_say_the_same(bot)


def left_and_came_back(bot: Watched) -> None:
    bot.removed()
    bot.registered(TENANT)


def left_and_another_came(bot: Watched) -> None:
    bot.removed()
    bot.registered(OTHER_TENANT)


def left_for_the_next_process_and_came_back(bot: Watched) -> None:
    bot.removed()
    bot.is_killed()
    bot.registered(TENANT)


HANDS = [left_and_came_back, left_and_another_came, left_for_the_next_process_and_came_back, Watched.taken_over]


@pytest.mark.parametrize("handed_over", HANDS, ids=lambda one: one.__name__)
def test_what_an_operator_forced_open_stays_so_whoever_has_the_bot_until_an_operator_resets_it(
    handed_over: Callable[[Watched], None],
) -> None:
    bot = Watched()
    bot.change(FORCE)
    handed_over(bot)
    refused = bot.sends()
    bot.is_killed()
    refused_again = bot.sends()
    bot.change(RESET)
    handed_over(bot)

    assert [("not_sent", "breaker_open")] * 2 == [refused, refused_again]
    assert [("forced open: a flood of complaints",)] * 2 == rows(
        "SELECT cause FROM incidents ORDER BY incident_id", HistoryProjection(), bot.log
    )
    assert ("delivered", "") == bot.sends()


@pytest.mark.parametrize("handed_over", HANDS, ids=lambda one: one.__name__)
def test_what_opened_by_itself_was_the_former_ones_and_a_late_answer_of_theirs_opens_nothing(
    handed_over: Callable[[Watched], None],
) -> None:
    bot = Watched()
    bot.telegram.will(None)
    bot.sends()
    out = bot.telegram.out
    bot.opens()
    shut = bot.sends()
    handed_over(bot)
    for call in out:
        call.gets(LOST)
    bot.rest()

    assert ("not_sent", "breaker_open") == shut
    assert ("delivered", "") == bot.sends()
    all_say_the_same(bot)
