"""What admins do leaves a trace before it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from actors.audit import AuditActor
from actors.messages import Act, ActRefused, OnRecord, SkipEvent
from actors.runtime import stopped
from domain.errors import StoreUnavailable
from domain.events import AdminActed, AdminActRefused, ProjectionEventSkipped
from domain.refusal import Refused
from tests.actors.waiting import until
from tests.doubles import ManualClock, MemoryJournal
from tests.examples import NOON

PAUSED = Act("projection.pause", "health", "a full disk", "operator", "k1", "192.0.2.7")
DAY = "admin/2026-07-01"
SKIPPED = SkipEvent("health", 7, "command-delivered", "KeyError()", "a known bug", "operator", "k1")


def answer_to(journal: MemoryJournal, message: object, before_commit: Callable[[], None] = lambda: None) -> Any:
    async def told() -> Any:
        actor = AuditActor.start(journal, ManualClock())
        asked: Any = actor.ask(message, block=False)
        await until(lambda: journal.taken)
        assert not asked.done()
        before_commit()
        await until(lambda: asked.done() or journal.commit())
        await until(asked.done)
        await stopped(actor)
        return asked.get()

    return asyncio.run(told())


def test_an_act_is_answered_when_it_is_on_disk() -> None:
    journal = MemoryJournal()

    assert OnRecord(1, DAY) == answer_to(journal, PAUSED)
    assert [("admin/2026-07-01", 1)] == [(one.stream, one.version) for one in journal.log]
    assert [
        AdminActed(
            occurred_at=NOON,
            tenant_id="operator",
            by="k1",
            reason="a full disk",
            action="projection.pause",
            target="health",
            client="192.0.2.7",
        )
    ] == journal.events


def test_the_acts_of_a_day_follow_each_other() -> None:
    journal = MemoryJournal()

    assert [OnRecord(number, DAY) for number in (1, 2, 3)] == [answer_to(journal, PAUSED) for _ in range(3)]
    assert [1, 2, 3] == [one.version for one in journal.log]


def test_that_it_was_refused_stands_beside_its_act_also_on_the_next_day() -> None:
    journal = MemoryJournal()

    assert 1 == answer_to(journal, ActRefused(OnRecord(7, "admin/2026-06-30"), "operator", "not_found"))
    assert ["admin/2026-06-30"] == [one.stream for one in journal.log]
    assert [AdminActRefused(occurred_at=NOON, tenant_id="operator", act_position=7, code="not_found")] == journal.events


def test_a_skip_is_a_decision_about_its_projection() -> None:
    journal = MemoryJournal()

    assert 1 == answer_to(journal, SKIPPED)
    assert ["projections/health"] == [one.stream for one in journal.log]
    assert [
        ProjectionEventSkipped(
            occurred_at=NOON,
            tenant_id="operator",
            by="k1",
            reason="a known bug",
            projection="health",
            skipped_position=7,
            skipped_topic="command-delivered",
            cause="KeyError()",
        ),
    ] == journal.events


def test_an_act_that_cannot_be_recorded_is_refused() -> None:
    class Gone(MemoryJournal):
        def _written(self, append: Any) -> Any:  # noqa: ARG002  as it is called
            return StoreUnavailable("gone")

    refused = answer_to(Gone(), PAUSED)

    assert isinstance(refused, Refused)
    assert "store_unavailable" == refused.code
