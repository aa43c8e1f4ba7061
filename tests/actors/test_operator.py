"""What an operator asks of the fleet: changes of a bot without knowing whose it is, and statistics that begin anew."""

from __future__ import annotations

import pytest

from actors.guards import Policy
from actors.messages import (
    BotChanged,
    ConfigureBot,
    Drain,
    RemoveBot,
    ResetRetryStatistics,
    ResumeBot,
    SuspendBot,
)
from domain import events as e
from domain.failure import Answer, Category, Strategy
from domain.refusal import Refused
from domain.rules.breaker import BreakerPolicy
from domain.rules.pacing import PacePolicy
from domain.rules.retry import RetryPolicy
from domain.streams import FLEET
from domain.tenant import OPERATOR
from tests.actors.fleets import Fleet, on_a_loop
from tests.doubles import REFUSED_CONNECTION, LoneBot, flood
from tests.examples import BOT_ID, OTHER_BOT_ID, TENANT


def test_an_operator_changes_a_bot_whoever_has_it_and_says_why() -> None:
    async def story(fleet: Fleet) -> None:
        for message in (
            SuspendBot(BOT_ID, "", "abuse", "admin"),
            ResumeBot(BOT_ID, "", "admin", reason="looked into"),
            ConfigureBot(BOT_ID, "", {"bot_rps": 1}, "admin", "a flood"),
            RemoveBot(BOT_ID, "", "admin", "abuse again"),
        ):
            assert isinstance(await fleet.told(fleet.ask(message)), BotChanged)
        changes = [event for event in fleet.journal.events[fleet.first_event :] if hasattr(event, "by")]

        assert [(TENANT, "admin", reason) for reason in ("abuse", "looked into", "a flood", "abuse again")] == [
            (event.tenant_id, event.by, event.reason) for event in changes
        ]
        assert "not_found" == (await fleet.told(fleet.ask(RemoveBot(BOT_ID, "", "admin", "again")))).code

    on_a_loop(story)


@pytest.mark.parametrize(("bot_id", "tenant_id"), [(None, OPERATOR), (BOT_ID, TENANT)])
def test_a_reset_is_written_into_the_fleet_s_own_stream_and_wakes_nobody(bot_id: int | None, tenant_id: str) -> None:
    async def story(fleet: Fleet) -> None:
        positions = [await fleet.told(fleet.ask(ResetRetryStatistics(bot_id, why, "admin"))) for why in ("one", "two")]
        written = [recorded for recorded in fleet.journal.log if recorded.stream == FLEET]

        assert [recorded.position for recorded in written] == positions
        assert [1, 2] == [recorded.version for recorded in written]
        assert [
            e.RetryStatisticsReset(
                occurred_at=fleet.clock.utc(), tenant_id=tenant_id, bot_id=bot_id, reason=why, by="admin"
            )
            for why in ("one", "two")
        ] == [recorded.event for recorded in written]
        assert fleet.slot.actor is None

    on_a_loop(story)


def test_statistics_of_a_bot_that_nobody_has_cannot_be_reset() -> None:
    async def story(fleet: Fleet) -> None:
        told = await fleet.told(fleet.ask(ResetRetryStatistics(OTHER_BOT_ID, "why not", "admin")))

        assert isinstance(told, Refused)
        assert "not_found" == told.code
        assert [] == fleet.topics()

    on_a_loop(story)


def test_a_stopping_gateway_resets_nothing() -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.told(fleet.ask(Drain(0)))

        assert "shutting_down" == (await fleet.told(fleet.ask(ResetRetryStatistics(None, "late", "admin")))).code

    on_a_loop(story)


@pytest.mark.parametrize(
    ("strategy", "answer", "recorded"),
    [
        (None, REFUSED_CONNECTION, None),
        (Strategy.EXPONENTIAL, REFUSED_CONNECTION, None),
        (Strategy.LINEAR, REFUSED_CONNECTION, Strategy.LINEAR),
        (Strategy.LINEAR, flood(1), None),
    ],
    ids=str,
)
def test_an_attempt_says_how_its_bot_waits_where_that_is_not_the_category_s_way(
    strategy: Strategy | None, answer: Answer, recorded: Strategy | None
) -> None:
    policy = Policy(PacePolicy(0, 0, 0), BreakerPolicy(), RetryPolicy(strategy=strategy))
    bot = LoneBot(policy=policy)
    bot.telegram.will(answer)
    bot.say("hello")
    (failed,) = bot.journal.of(e.AttemptFailed)

    assert recorded == failed.strategy
    assert failed.category in (Category.UNREACHABLE, Category.RATE_LIMIT)
