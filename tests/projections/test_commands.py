from __future__ import annotations

from datetime import datetime

import pytest

from domain import events as e
from domain.command import Wait
from domain.failure import Category
from projections.commands import CommandStory, command_story, commands_of
from projections.runner import Runner
from projections.views import Views
from tests.examples import (
    BOT_ID,
    COMMAND_ID,
    NOON,
    OTHER_TENANT,
    TENANT,
    a_delivered,
    a_not_sent,
    a_rejected,
    a_started,
    after,
    an_uncertain,
)
from tests.projections.sample_events import Log, accepted, attempt_failed, dump, registered


@pytest.fixture
def told(log: Log, runner: Runner, views: Views) -> Told:
    return Told(log, runner, views)


class Told:
    """The command's story after these events, each of which came in a batch of its own."""

    def __init__(self, log: Log, runner: Runner, views: Views) -> None:
        self._log, self._runner, self._views = log, runner, views

    def __call__(self, *events: e.Event) -> CommandStory | None:
        for event in events:
            self._log.append(event)
            self._runner.catch_up()
        return command_story(self._views, COMMAND_ID)


def outline(story: CommandStory) -> list[tuple[str, datetime]]:
    return [(moment.event, moment.at) for moment in story.timeline]


def test_nobody_knows_a_command_that_never_was(told: Told) -> None:
    assert told(registered()) is None


def test_a_started_command_is_open(told: Told) -> None:
    story = told(a_started(occurred_at=after(0.5)))

    assert ("open", NOON, after(0.5), None) == (story.state, story.received_at, story.started_at, story.ended_at)
    assert [("received", NOON), ("started", after(0.5))] == outline(story)


def test_an_accepted_command_is_open_long_before_it_starts(told: Told, views: Views) -> None:
    waiting = told(accepted(at=0.1))
    story = told(a_started(occurred_at=after(90)))

    assert ("open", NOON, after(0.1), None) == (
        waiting.state,
        waiting.received_at,
        waiting.accepted_at,
        waiting.started_at,
    )
    assert [("received", NOON), ("accepted", after(0.1)), ("started", after(90))] == outline(story)
    assert "sealed" not in repr(dump(views))


@pytest.mark.parametrize(
    ("outcome", "state", "code", "category"),
    [
        (a_delivered(), "delivered", None, None),
        (a_rejected(), "rejected", "telegram_rejected", Category.PERMANENT),
        (a_not_sent(), "not_sent", "deadline_exceeded", None),
        (an_uncertain(), "uncertain", "delivery_uncertain", Category.AMBIGUOUS),
    ],
    ids=lambda it: it.TOPIC if isinstance(it, e.Event) else "",
)
def test_an_outcome_ends_the_story(
    told: Told, outcome: e.Ended, state: str, code: str | None, category: Category | None
) -> None:
    story = told(a_started(), outcome)

    assert (state, code, category) == (story.state, story.code, story.category)
    assert (state, outcome.occurred_at) == outline(story)[-1]
    assert 2 == story.position


def test_the_whole_story_of_a_late_command(told: Told) -> None:
    story = told(
        a_started(occurred_at=after(3)),
        attempt_failed(attempt=1, at=4, again_at=5),
        attempt_failed(attempt=2, at=6, again_at=None, category=Category.AMBIGUOUS, telegram_code=502),
        an_uncertain(
            occurred_at=after(7),
            attempts=2,
            queue_ms=3000.4,
            telegram_ms=80.0,
            telegram_code=502,
            description="Bad Gateway",
            waits=(Wait(NOON, "hold", after(2)), Wait(after(2), "pace")),
        ),
    )

    assert [
        ("received", NOON),
        ("waited", NOON),
        ("waited", after(2)),
        ("started", after(3)),
        ("attempt_failed", after(4)),
        ("attempt_failed", after(6)),
        ("uncertain", after(7)),
    ] == outline(story)
    received, hold, pace, _, first, second, last = story.timeline
    assert "sendMessage to chat 42" == received.detail
    assert ("hold", after(2), "pace", None) == (hold.detail, hold.until, pace.detail, pace.until)
    assert (1, after(5), Category.UNREACHABLE, "connection refused") == (
        first.attempt,
        first.until,
        first.category,
        first.detail,
    )
    assert (2, None, Category.AMBIGUOUS, 502) == (second.attempt, second.until, second.category, second.telegram_code)
    assert "Bad Gateway; 2 attempts, queue 3000 ms, Telegram 80 ms" == last.detail
    assert (2, 3000.4, 80.0, 502, "Bad Gateway") == (
        story.attempts,
        story.queue_ms,
        story.telegram_ms,
        story.telegram_code,
        story.telegram_description,
    )


def test_a_command_that_is_not_announced_begins_with_what_is_recorded_of_it(told: Told) -> None:
    failed = told(attempt_failed(attempt=1))
    story = told(a_delivered(chat=None, attempts=2, telegram_ms=12.0, queue_ms=3.0))

    assert ("open", 1, None) == (failed.state, failed.attempts, failed.received_at)
    assert ["received", "delivered", "attempt_failed"] == [event for event, _ in outline(story)]
    assert story.started_at is None
    assert "2 attempts, queue 3 ms, Telegram 12 ms" == story.timeline[1].detail


def test_nothing_after_the_outcome_changes_the_story(told: Told) -> None:
    ended = told(a_started(), a_delivered())

    assert ended == told(attempt_failed(), a_started(), an_uncertain())


def test_commands_are_listed_newest_first_and_page_by_page(log: Log, runner: Runner, views: Views) -> None:
    names = ["d", "a", "c", "b"]
    log.append(*[a_started(name) for name in names])
    log.append(a_started("another bot's", bot_id=5), a_started("another tenant's", tenant_id=OTHER_TENANT))
    log.append(*[a_delivered(name) for name in names])
    runner.catch_up()

    assert ["b", "c", "a", "d"] == [story.command_id for story in commands_of(views, TENANT, BOT_ID)]
    assert ["b", "c"] == [story.command_id for story in commands_of(views, TENANT, BOT_ID, limit=2)]
    assert ["a", "d"] == [story.command_id for story in commands_of(views, TENANT, BOT_ID, limit=2, before="c")]
    assert [] == commands_of(views, TENANT, BOT_ID, before="d")
    assert [] == commands_of(views, TENANT, BOT_ID, before="never was")
