"""Days that are dropped: views rebuilt without them equal the live ones, and nothing goes that somebody still needs."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import events as e
from domain import streams
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from projections.all import all_projections
from projections.checkpoints import Checkpoints
from projections.past import BeforeRetention, Past
from projections.retention import NotNow, Plan, Retention
from projections.runner import Runner
from projections.views import Views
from tests.examples import BOT_ID, NOON, OTHER_TENANT, TENANT, a_delivered, a_started, after
from tests.projections.lives import lives
from tests.projections.sample_events import Dump, Log, attempt_failed, dump, registered

DAY_S = 86_400
TODAY = NOON.date()


class Kept:
    """A log, its live views, and retention over them."""

    def __init__(self, place: Path, views: Views, log: Log, every: int = 10) -> None:
        self.log, self.views = log, views
        checkpoints = Checkpoints(place / "checkpoints", all_projections(), every)
        self.runner = Runner(log.ledger, views, all_projections(), checkpoints)
        self.past = Past(log.ledger, views, checkpoints, all_projections())
        self.retention = Retention(log.ledger, self.past, all_projections())

    def run(self, kept_from: date, *, until: str = "the end") -> Plan:
        ledger = self.log.ledger
        plan = self.retention.plan(kept_from, self.runner.position())
        if not plan.last or until == "the plan":
            return plan
        for summary in self.retention.summaries(plan, after(40 * DAY_S)):
            append(ledger, streams.summary_stream(summary.day, summary.bot_id), summary)
        if until == "the summaries":
            return plan
        self.retention.keep_baseline(plan)
        if until == "the baseline":
            return plan
        ran = e.RetentionRan(
            occurred_at=after(40 * DAY_S),
            tenant_id="operator",
            up_to=plan.last,
            kept_from=kept_from.isoformat(),
            events=0,
            by="botloft",
        )
        append(ledger, streams.RETENTION, ran)
        self.retention.drop(plan)
        return plan


def append(ledger: Ledger, stream: str, event: e.Event) -> None:
    ledger.append([Entry(stream, ledger.last_version(stream) + 1, event)])


def rebuilt(log: Log) -> Dump:
    with TemporaryDirectory() as place, closing(Views(Path(place) / "views.db")) as views:
        Runner(log.ledger, views, all_projections()).catch_up()
        return told(views)


def told(views: Views) -> Dump:
    """Without what only says which event it was that made the row."""
    rows = dump(views)
    commands = [row[1:] for row in rows.pop("commands")]
    return {**{table: sorted(found, key=repr) for table, found in rows.items()}, "commands": commands}


def week() -> list[e.Event]:
    events: list[e.Event] = [registered()]
    for number in range(28):
        at, name = number * DAY_S / 4, f"command-{number}"
        events += [
            a_started(name, occurred_at=after(at), received_at=after(at)),
            attempt_failed(command_id=name, at=at + 0.5),
            a_delivered(name, occurred_at=after(at + 1), received_at=after(at), telegram_ms=7.3 * number),
        ]
    return events


@pytest.fixture
def kept(log: Log, views: Views, tmp_path: Path) -> Kept:
    kept = Kept(tmp_path, views, log)
    for event in week():
        log.append(event)
        kept.runner.catch_up()
    return kept


def day(number: int) -> date:
    return TODAY + timedelta(days=number)


def test_views_rebuilt_after_days_were_dropped_equal_the_live_ones(kept: Kept) -> None:
    for number in (2, 3, 5):
        kept.run(day(number))
        kept.runner.catch_up()

        assert told(kept.views) == rebuilt(kept.log)
    left = {streams.day_of(one.stream) for one in kept.log.ledger.read(0, 1000)}
    assert {None, day(5).isoformat(), day(6).isoformat(), day(7).isoformat()} == left


@pytest.mark.parametrize("until", ["the plan", "the summaries", "the baseline"])
def test_a_run_that_is_cut_off_anywhere_loses_nothing_and_is_made_good_by_the_next(kept: Kept, until: str) -> None:
    kept.run(day(3), until=until)
    kept.runner.catch_up()
    cut_off = told(kept.views), rebuilt(kept.log)
    kept.run(day(3))
    kept.runner.catch_up()

    assert cut_off[0] == {**cut_off[1], "commands": cut_off[0]["commands"]}
    assert told(kept.views) == rebuilt(kept.log)


@settings(max_examples=40, deadline=None)
@given(events=lives(max_size=60), cuts=st.lists(st.integers(-3, 3), max_size=3), spread=st.sampled_from([1, 300, 3000]))
def test_whatever_happened_a_rebuild_equals_the_live_views(events: list[e.Event], cuts: list[int], spread: int) -> None:
    with TemporaryDirectory() as place, closing(Views(Path(place) / "views.db")) as views:
        log = Log(Path(place) / "botloft.db")
        with closing(log.store):
            kept = Kept(Path(place), views, log, every=7)
            told_of = {getattr(event, "command_id", None) for event in events if hasattr(event, "received_at")}
            began: dict[str | None, datetime] = {}
            happened = [
                stretched(event, spread, began)
                for event in events
                # One of which nothing but failures is known has no time that tells when it came.
                if getattr(event, "command_id", None) in {None, *told_of}
            ]
            # A log is in order but for moments, and stretching makes hours of them.
            for event in happened if spread == 1 else sorted(happened, key=lambda event: event.occurred_at):
                log.append(event)
            kept.runner.catch_up()
            for cut in sorted(cuts):
                kept.run(day(cut))
                kept.runner.catch_up()

                assert told(views) == rebuilt(log)


def stretched(event: e.Event, times: int, began: dict[str | None, datetime]) -> e.Event:
    """So that what happened within minutes takes days; but a single command no longer than an hour."""
    command_id = getattr(event, "command_id", None)
    first = began.setdefault(command_id, event.occurred_at) if command_id else event.occurred_at
    moments = {
        name: NOON + (first - NOON) * times + min(getattr(event, name) - first, timedelta(hours=1))
        for name in ("occurred_at", "received_at")
        if getattr(event, name, None) is not None
    }
    return type(event)(**{**{n: getattr(event, n) for n in event.__struct_fields__}, **moments})


def test_a_summary_counts_what_it_stands_for(kept: Kept) -> None:
    plan = kept.retention.plan(day(2), kept.runner.position())
    summaries = kept.retention.summaries(plan, after(40 * DAY_S))

    counted = {"attempt-failed": 4, "command-delivered": 4, "command-started": 4}
    assert [(day(0).isoformat(), TENANT, dict.fromkeys(counted, 2)), (day(1).isoformat(), TENANT, counted)] == [
        (one.day, one.tenant_id, one.counts) for one in summaries if one.bot_id == BOT_ID
    ]


def test_days_with_an_event_that_everybody_skips_are_dropped_too(log: Log, views: Views, tmp_path: Path) -> None:
    log.append(*week())
    log.damage(3, *(projection.name for projection in all_projections()))
    kept = Kept(tmp_path, views, log)
    kept.runner.catch_up()
    plan = kept.run(day(2))
    kept.runner.catch_up()

    assert plan.last > 3
    assert (0, 0) == log.ledger.days_before(day(2).isoformat())
    assert told(views) == rebuilt(log)


def test_each_owner_of_a_day_has_a_summary_of_its_own(log: Log, views: Views, tmp_path: Path) -> None:
    log.append(
        registered(), a_delivered("c1"), registered(tenant_id=OTHER_TENANT), a_delivered("c2", tenant_id=OTHER_TENANT)
    )
    kept = Kept(tmp_path, views, log)
    kept.runner.catch_up()
    summaries = kept.retention.summaries(kept.retention.plan(day(1), kept.runner.position()), after(40 * DAY_S))

    assert {TENANT, OTHER_TENANT} == {one.tenant_id for one in summaries if one.bot_id == BOT_ID}
    assert 1 == sum(bool(one.rows) for one in summaries if one.bot_id == BOT_ID)


def test_nothing_is_dropped_that_a_projection_has_not_seen(kept: Kept) -> None:
    with pytest.raises(NotNow, match="A projection is at position 3 "):
        kept.retention.plan(day(3), 3)


def test_nothing_is_dropped_that_is_open(kept: Kept) -> None:
    kept.log.ledger.append([Entry("bot/1", 1, registered())], mark=lambda _: 20)
    kept.runner.catch_up()

    assert kept.retention.plan(day(1), kept.runner.position()).last < 20
    with pytest.raises(NotNow, match="still open"):
        kept.retention.plan(day(3), kept.runner.position())


def test_where_nothing_is_old_nothing_is_planned(kept: Kept) -> None:
    assert 0 == kept.retention.plan(day(0), kept.runner.position()).last


def test_a_moment_whose_events_are_gone_is_named_as_such(kept: Kept) -> None:
    plan = kept.run(day(3))

    with pytest.raises(BeforeRetention):
        kept.past.moment(plan.last - 1)
    with pytest.raises(BeforeRetention):
        kept.past.moment(after(DAY_S))
    assert plan.last == kept.past.moment(plan.last).position


def test_the_past_after_the_horizon_is_as_it_was(kept: Kept) -> None:
    head = kept.log.ledger.head()
    moments = range(head - 20, head, 3)

    def past_health() -> list[object]:
        told_then = []
        for position in moments:
            with kept.past.at(position, "health").reading() as connection:
                told_then.append(connection.execute("SELECT * FROM health").fetchall())
        return told_then

    before = past_health()
    kept.run(day(4))
    kept.runner.catch_up()

    assert before == past_health()


def test_checkpoints_of_moments_before_the_horizon_go_with_the_days(kept: Kept, tmp_path: Path) -> None:
    before = [int(path.stem) for path in (tmp_path / "checkpoints").glob("*.db")]
    plan = kept.run(day(4))
    left = [int(path.stem) for path in (tmp_path / "checkpoints").glob("*.db")]

    assert sorted(position for position in before if position >= plan.last) == sorted(left)
    assert min(before) < plan.last < max(before)


def test_an_event_that_is_itself_the_oldest_open_thing_is_not_dropped(kept: Kept) -> None:
    last = kept.retention.plan(day(3), kept.runner.position()).last
    kept.log.ledger.append([Entry("bot/1", 1, registered())], mark=lambda _: last)
    kept.runner.catch_up()

    with pytest.raises(NotNow, match="still open"):
        kept.retention.plan(day(3), kept.runner.position())


def test_nothing_is_dropped_that_a_projection_is_a_single_event_short_of(kept: Kept) -> None:
    last = kept.retention.plan(day(3), kept.runner.position()).last

    assert last == kept.retention.plan(day(3), last).last
    with pytest.raises(NotNow, match=f"has not seen all of it up to {last}"):
        kept.retention.plan(day(3), last - 1)


def test_days_go_in_as_many_parts_as_it_takes(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.retention.PAUSE_S", 0)
    monkeypatch.setattr("projections.retention.BATCH", 2)
    monkeypatch.setattr("domain.store.sqlite.DROPPED_AT_ONCE", 2)
    plan = kept.retention.plan(day(3), kept.runner.position())
    counted = sum(sum(one.counts.values()) for one in kept.retention.summaries(plan, after(40 * DAY_S)))
    kept.retention.drop(plan)

    assert 30 == counted
    assert day(3).isoformat() == min(
        filter(None, (streams.day_of(one.stream) for one in kept.log.ledger.read(0, 1000)))
    )
