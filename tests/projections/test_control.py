"""A projection is paused, resumed, made to skip an event; how far each is behind; and the others never notice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from domain import events as e
from domain.errors import StoreUnavailable
from domain.store.mapper import Entry
from domain.streams import projection_stream
from projections import runner as runners
from projections.control import Control, Phase, RebuildRuns
from projections.runner import Runner
from projections.state import Pause, State, Stop
from projections.views import Views
from tests.doubles import ManualClock
from tests.examples import NOON, a_delivered, a_started, after
from tests.projections.runners import SOON_S, Counts, reached, running
from tests.projections.sample_events import Log, dump, registered, removed, suspended

PAUSE = Pause("a full disk", "k1", NOON)
CANNOT = Stop("ValueError('cannot fold this')", 2, "bot-suspended")


def a_skip(position: int, projection: str = "counts") -> e.ProjectionEventSkipped:
    return e.ProjectionEventSkipped(
        occurred_at=NOON,
        tenant_id="operator",
        by="k1",
        reason="a known bug",
        projection=projection,
        skipped_position=position,
        skipped_topic="bot-suspended",
        cause="ValueError()",
    )


def decide(log: Log, *skips: e.ProjectionEventSkipped) -> None:
    for skip in skips:
        stream = projection_stream(skip.projection)
        log.ledger.append([Entry(stream, log.ledger.last_version(stream) + 1, skip)])


def seen(views: Views, name: str = "counts") -> list[int]:
    return [int(str(row[0])) for row in dump(views)[name]]


# Paused


def test_a_paused_projection_stands_still_until_it_is_resumed_and_the_others_go_on(log: Log, views: Views) -> None:
    runner = Runner(log.ledger, views, [Counts("one"), Counts("other")])
    log.append(registered())
    runner.catch_up()
    runner.pause("one", PAUSE)
    log.append(a_started(), a_delivered())
    runner.catch_up()

    assert [State("one", 1, paused=PAUSE), State("other", 3)] == runner.states()
    runner.resume("one")
    runner.catch_up()

    assert [State("one", 3), State("other", 3)] == runner.states()
    assert [1, 2, 3] == seen(views, "one") == seen(views, "other")


def test_a_pause_survives_a_restart(log: Log, views: Views) -> None:
    Runner(log.ledger, views, [Counts()]).pause("counts", PAUSE)
    log.append(registered())
    again = Runner(log.ledger, views, [Counts()])
    again.catch_up()

    assert [State("counts", 0, paused=PAUSE)] == again.states()


def test_a_pause_comes_through_in_the_middle_of_a_long_catching_up(
    log: Log, views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "BATCH", 1)
    log.append(*[suspended() for _ in range(3000)])
    runner = Runner(log.ledger, views, [Counts()])
    with running(runner):
        assert reached(runner, 10)
        runner.pause("counts", PAUSE)
        at = runner.position()

    assert 10 <= at < 3000
    assert at == runner.position()


def test_nobody_waits_for_a_projection_that_stands_still(log: Log, views: Views) -> None:
    runner = Runner(log.ledger, views, [Counts("held"), Counts("stopped", e.BotSuspended), Counts("running")])
    runner.pause("held", PAUSE)
    log.append(registered(), suspended())
    runner.catch_up()

    def told_at_once(of: str | None) -> bool:
        forever = runner.wait_for(2, 1e6, of=of)
        return asyncio.run(asyncio.wait_for(forever, SOON_S))

    assert [False, False, False] == [told_at_once(of) for of in ("held", "stopped", None)]
    assert reached(runner, 2, of="running")
    assert reached(runner, 1, of="stopped")


@pytest.mark.parametrize("act", [lambda r: r.pause("x", PAUSE), lambda r: r.resume("x"), lambda r: r.obey_skips("x")])
def test_only_what_is_there_can_be_steered(runner: Runner, act: Callable[[Runner], None]) -> None:
    with pytest.raises(KeyError, match="x"):
        act(runner)


# Skipped


def test_a_projection_skips_on_purpose_what_it_cannot_fold(log: Log, views: Views) -> None:
    runner = Runner(log.ledger, views, [Counts(allergic_to=e.BotSuspended), Counts("other", e.BotSuspended)])
    log.append(registered(), suspended(), a_started(), suspended())
    runner.catch_up()

    assert [State("counts", 1, CANNOT), State("other", 1, CANNOT)] == runner.states()
    decide(log, a_skip(2))
    runner.obey_skips("counts")
    runner.catch_up()
    counts, other = runner.states()

    assert State("counts", 3, Stop(CANNOT.reason, 4, "bot-suspended"), skipped=(a_skip(2),)) == counts
    assert State("other", 1, CANNOT) == other
    assert [1, 3] == seen(views)


def test_a_skip_of_another_event_starts_nothing(log: Log, views: Views) -> None:
    runner = Runner(log.ledger, views, [Counts(allergic_to=e.BotSuspended)])
    log.append(registered(), suspended())
    runner.catch_up()
    decide(log, a_skip(7), a_skip(2, "another"))
    runner.obey_skips("counts")

    assert [State("counts", 1, CANNOT, skipped=(a_skip(7),))] == runner.states()


def test_a_skip_is_obeyed_after_a_restart_by_a_rebuild_and_by_views_that_start_over(log: Log, views: Views) -> None:
    allergic = Counts(allergic_to=e.BotSuspended)
    log.append(registered(), suspended(), a_started())
    decide(log, a_skip(2))
    Runner(log.ledger, views, [allergic]).catch_up()

    assert [1, 3, 4] == seen(views)
    views.start_over()
    runner = Runner(log.ledger, views, [allergic])
    runner.rebuild("counts")

    assert [1, 3, 4] == seen(views)
    assert [State("counts", 4, skipped=(a_skip(2),))] == runner.states()


def test_a_skipped_event_at_the_end_of_a_batch_is_behind_it(log: Log, views: Views) -> None:
    log.append(registered(), suspended())
    decide(log, a_skip(1), a_skip(2), a_skip(3), a_skip(4), a_skip(5))
    runner = Runner(log.ledger, views, [Counts(allergic_to=e.BotSuspended)])
    runner.catch_up()

    assert ([6, 7], 7) == (seen(views), runner.position())


def test_a_stopped_projection_meets_its_poison_again_when_it_is_resumed(log: Log, views: Views) -> None:
    allergic = Counts(allergic_to=e.BotSuspended)
    runner = Runner(log.ledger, views, [allergic])
    log.append(registered(), suspended(), a_started())
    runner.catch_up()
    runner.resume("counts")
    runner.catch_up()

    assert [State("counts", 1, CANNOT)] == runner.states()
    allergic.allergic_to = None
    runner.resume("counts")
    runner.catch_up()

    assert [State("counts", 3)] == runner.states()


def damage(log: Log, position: int, topic: str = "command-delivered", state: bytes = b"{") -> None:
    with log.store.writing() as cursor:
        cursor.execute("UPDATE events SET topic=?, state=? WHERE rowid=?", (topic, state, position))


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        ("command-delivered", b"{"),
        ("command-delivered", b"{}"),
        ("of-a-newer-version", b"{}"),
        ("bot-removed", b"\xff"),
    ],
)
def test_an_event_that_nobody_can_read_stops_everybody_before_it_and_can_be_skipped(
    log: Log, views: Views, topic: str, state: bytes
) -> None:
    log.append(registered(), a_started(), a_delivered())
    damage(log, 2, topic, state)
    runner = Runner(log.ledger, views, [Counts("one"), Counts("other")])
    runner.catch_up()
    one, other = runner.states()

    assert (1, 2, topic) == (one.position, one.error and one.error.position, one.error and one.error.topic)
    assert one.error == other.error
    decide(log, a_skip(2, "one"))
    runner.obey_skips("one")
    runner.catch_up()

    assert [4, 1] == [state.position for state in runner.states()]
    assert ([1, 3, 4], [1]) == (seen(views, "one"), seen(views, "other"))


# Catching up


class Reads:
    """A ledger that writes down what was read."""

    def __init__(self, log: Log) -> None:
        self._ledger = log.ledger
        self.head, self.stream, self.snapshot = log.ledger.head, log.ledger.stream, log.ledger.snapshot
        self.asked: list[int] = []

    def read(self, after: int, limit: int) -> object:
        self.asked.append(after)
        return self._ledger.read(after, limit)


def test_one_that_is_far_behind_catches_up_by_itself_and_the_others_read_nothing_twice(
    log: Log, views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "BATCH", 10)
    reads = Reads(log)
    runner = Runner(reads, views, [Counts("late"), Counts("punctual")])  # type: ignore[arg-type]  # what it needs of one
    runner.pause("late", PAUSE)
    log.append(*[suspended() for _ in range(100)])
    with running(runner):
        assert reached(runner, 100, of="punctual")
        reads.asked.clear()
        log.append(registered())
        runner.resume("late")

        assert reached(runner, 101)
    assert list(range(0, 100, 10)) == [after for after in reads.asked if after < 100]
    assert list(range(1, 102)) == seen(views, "late") == seen(views, "punctual")


def test_new_events_do_not_wait_for_one_that_catches_up(
    log: Log, views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "BATCH", 1)
    runner = Runner(log.ledger, views, [Counts("late"), Counts("punctual")])
    runner.pause("late", PAUSE)
    log.append(*[suspended() for _ in range(2000)])
    with running(runner):
        assert reached(runner, 2000, of="punctual")
        runner.resume("late")
        position = log.append(registered())
        runner.wake()

        assert reached(runner, position, of="punctual")
        late = runner.position("late")
    assert late < 1000


# Lag


@contextmanager
def controlled(log: Log, views: Views, *projections: Counts) -> Iterator[tuple[Runner, Control, ManualClock]]:
    clock = ManualClock()
    runner = Runner(log.ledger, views, projections)
    with closing(Control(runner, log.ledger, clock)) as control:
        yield runner, control, clock


def test_lag_is_the_age_of_the_oldest_event_that_was_not_seen(log: Log, views: Views) -> None:
    with controlled(log, views, Counts("held"), Counts("running")) as (runner, control, clock):
        log.append(registered())
        runner.catch_up()
        runner.pause("held", PAUSE)
        log.append(a_started(occurred_at=after(5)), a_started(occurred_at=after(7)))
        runner.catch_up()
        clock.move_to(1015)
        held, up = control.statuses()

        assert (Phase.PAUSED, 1, 10.0, 2) == (held.state, held.position, held.lag_s, held.events_behind)
        assert (Phase.RUNNING, 3, 0.0, 0) == (up.state, up.position, up.lag_s, up.events_behind)


def test_an_event_of_the_future_is_not_late(log: Log, views: Views) -> None:
    with controlled(log, views, Counts()) as (_, control, _):
        log.append(a_started(occurred_at=after(1000)))

        assert [(0.0, 1)] == [(status.lag_s, status.events_behind) for status in control.statuses()]


@pytest.mark.parametrize(
    ("state", "lag_s"), [(b'{"occurred_at":"2026-07-01T12:00:00Z"}', 3.0), (b"{", None), (b'{"occurred_at":1}', None)]
)
def test_an_event_that_cannot_be_read_still_tells_its_age_where_it_can(
    log: Log, views: Views, state: bytes, lag_s: float | None
) -> None:
    with controlled(log, views, Counts()) as (_, control, clock):
        log.append(registered())
        damage(log, 1, "of-a-newer-version", state)
        clock.move_to(1003)

        assert [(lag_s, 1)] == [(status.lag_s, status.events_behind) for status in control.statuses()]


def test_nobody_knows_the_lag_while_the_log_is_away(log: Log, views: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> int:
        raise StoreUnavailable

    with controlled(log, views, Counts()) as (_, control, _):
        monkeypatch.setattr(log.ledger, "head", away)

        assert [(None, None)] == [(status.lag_s, status.events_behind) for status in control.statuses()]


# Rebuilding


class Slow(Counts):
    """Its folds take as long as the test wants, from the second one on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def fold(self, *args: object) -> None:
        self.begun.set()
        assert self.go_on.wait(SOON_S)
        super().fold(*args)  # type: ignore[arg-type]  # as they came


def until_ended(control: Control) -> None:
    found = next(thread for thread in threading.enumerate() if thread.name == "rebuild")
    found.join(SOON_S)
    assert "running" != getattr(control.rebuilding(), "state", None)


def test_a_rebuild_goes_on_beside_and_tells_how_far_it_is(log: Log, views: Views) -> None:
    slow = Slow()
    with controlled(log, views, slow, Counts("other")) as (runner, control, clock):
        log.append(registered(), a_started(), a_delivered())
        runner.catch_up()
        slow.begun.clear()
        slow.go_on.clear()
        control.rebuild("counts")
        assert slow.begun.wait(SOON_S)
        during = control.rebuilding()
        states = [status.state for status in control.statuses()]
        with pytest.raises(RebuildRuns, match="counts"):
            control.rebuild("other")
        clock.move_to(1002)
        slow.go_on.set()
        until_ended(control)
        after_it = control.rebuilding()

        assert during is not None
        assert ("counts", "running", 0, 3) == (during.name, during.state, during.done, during.total)
        assert [Phase.REBUILDING, Phase.RUNNING] == states
        assert after_it is not None
        assert ("done", 3, 3, 2, None) == (
            after_it.state, after_it.done, after_it.total, after_it.rate_per_s, after_it.error
        )  # fmt: skip
        assert [Phase.RUNNING, Phase.RUNNING] == [status.state for status in control.statuses()]
        control.rebuild("other")


def test_a_rebuilt_view_is_never_behind_where_it_was(log: Log, views: Views) -> None:
    runner = Runner(log.ledger, views, [Counts()])
    log.append(registered())
    came: list[int] = []

    def meanwhile(_: int) -> None:
        if not came:
            came.append(log.append(a_started(), a_delivered()))
            runner.catch_up()

    runner.rebuild("counts", meanwhile)

    assert [runner.position()] == came
    assert [1, 2, 3] == seen(views)


def test_a_failed_rebuild_leaves_the_live_view_and_says_why(log: Log, views: Views) -> None:
    allergic = Counts()
    with controlled(log, views, allergic) as (runner, control, _):
        log.append(registered(), suspended())
        runner.catch_up()
        allergic.allergic_to = e.BotSuspended
        control.rebuild("counts")
        until_ended(control)
        found = control.rebuilding()

        assert found is not None
        assert ("failed", CANNOT) == (found.state, found.error)
        assert [State("counts", 2)] == runner.states()
        assert [1, 2] == seen(views)


def test_a_rebuild_of_a_paused_projection_leaves_it_paused(log: Log, views: Views) -> None:
    runner = Runner(log.ledger, views, [Counts("held"), Counts("rebuilt")])
    log.append(registered())
    for name in ("held", "rebuilt"):
        runner.pause(name, PAUSE)
        log.append(removed())
    runner.rebuild("rebuilt")
    log.append(removed())
    Runner(log.ledger, views, [Counts("held"), Counts("rebuilt")]).catch_up()

    assert ([], [1, 2, 3]) == (seen(views, "held"), seen(views, "rebuilt"))


def test_a_stop_does_not_wait_for_a_rebuild(log: Log, views: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "BATCH", 1)
    slow = Slow()
    with controlled(log, views, slow) as (runner, control, _):
        log.append(*[suspended() for _ in range(5000)])
        slow.go_on.clear()
        control.rebuild("counts")
        assert slow.begun.wait(SOON_S)
        closing_it = threading.Thread(target=control.close)
        closing_it.start()
        slow.go_on.set()
        closing_it.join(SOON_S)
        found = control.rebuilding()

        assert found is not None
        assert ("failed", True) == (found.state, found.done < 4000)
        assert [State("counts", 0)] == runner.states()
    assert [] == list(views.path.parent.glob(f"{views.path.name}.*"))


def test_only_what_is_there_is_rebuilt_and_the_next_one_may_begin(log: Log, views: Views) -> None:
    with controlled(log, views, Counts()) as (_, control, clock):
        with pytest.raises(KeyError, match="weather"):
            control.rebuild("weather")
        clock.move_to(1001)
        control.rebuild("counts")


def test_the_file_of_a_killed_rebuild_is_in_nobody_s_way(log: Log, views: Views) -> None:
    log.append(registered())
    Path(f"{views.path}.counts").write_bytes(b"half of it")
    runner = Runner(log.ledger, views, [Counts()])
    runner.rebuild("counts")

    assert [1] == seen(views)
