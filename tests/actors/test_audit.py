"""What admins do leaves a trace before it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from actors.audit import AuditActor
from actors.messages import Act, SkipEvent
from actors.runtime import stopped
from domain.errors import StoreUnavailable
from domain.events import AdminActed, ProjectionEventSkipped
from domain.refusal import Refused
from tests.actors.waiting import until
from tests.doubles import ManualClock, MemoryJournal
from tests.examples import NOON

PAUSED = Act("projection.pause", "health", "a full disk", "operator", "k1")
SKIPPED = SkipEvent("health", 7, "command-delivered", "KeyError()", "a known bug", "operator", "k1")
ACT_OF_SKIPPING = AdminActed(
    occurred_at=NOON, tenant_id="operator", by="k1", reason="a known bug", action="projection.skip", target="health"
)


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

    assert 1 == answer_to(journal, PAUSED)
    assert [("admin/2026-07-01", 1)] == [(one.stream, one.version) for one in journal.log]
    assert [
        AdminActed(
            occurred_at=NOON,
            tenant_id="operator",
            by="k1",
            reason="a full disk",
            action="projection.pause",
            target="health",
        )
    ] == journal.events


def test_the_acts_of_a_day_follow_each_other() -> None:
    journal = MemoryJournal()

    assert [1, 2, 3] == [answer_to(journal, PAUSED) for _ in range(3)]
    assert [1, 2, 3] == [one.version for one in journal.log]


def test_a_skip_is_an_act_and_a_decision_about_its_projection() -> None:
    journal = MemoryJournal()

    assert 2 == answer_to(journal, SKIPPED)
    assert ["admin/2026-07-01", "projections/health"] == [one.stream for one in journal.log]
    assert [
        ACT_OF_SKIPPING,
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
