"""When something was wrong with a bot, from when to when, and why: from events and their times alone."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import events as e
from domain.rules.health import Health
from projections.health import HealthProjection, health_of
from projections.history import HistoryProjection, Incident, Kind, incidents
from projections.runner import Runner
from projections.span import Span
from projections.views import Views
from tests.examples import BOT_ID, OTHER_BOT_ID, OTHER_TENANT, TENANT, a_delivered, a_rejected, after, an_uncertain
from tests.projections.sample_events import Log, breaker_events, recorded, registered, removed, resumed, suspended

EVER = Span(after(-86_400), after(864_000), 300)
Seen = tuple[str, datetime, datetime | None, str]


class Told:
    """What is told of incidents after these events, oldest first."""

    def __init__(self, log: Log, runner: Runner, views: Views) -> None:
        self._log, self._runner, self._views = log, runner, views

    def __call__(self, *events: e.Event, now: datetime = EVER.end, **wanted: object) -> list[Seen]:
        return [(one.kind, one.start, one.end, one.cause) for one in self.all(*events, now=now, **wanted)]

    def all(self, *events: e.Event, now: datetime = EVER.end, **wanted: object) -> list[Incident]:
        if events:
            self._log.append(*events)
        self._runner.catch_up()
        return incidents(self._views, EVER, now, **wanted).incidents[::-1]


@pytest.fixture
def told(log: Log, runner: Runner, views: Views) -> Told:
    return Told(log, runner, views)


def failed(seconds: float, **changes: object) -> e.CommandUncertain:
    return an_uncertain(f"u{seconds}", occurred_at=after(seconds), **changes)


def went_well(seconds: float, **changes: object) -> e.CommandDelivered:
    return a_delivered(f"d{seconds}", occurred_at=after(seconds), **changes)


def many_went_well(number: int, seconds: float = 0) -> list[e.Event]:
    return [a_delivered(f"many{seconds}-{n}", occurred_at=after(seconds)) for n in range(number)]


def test_too_high_an_error_rate_begins_with_the_failure_that_makes_it_so_and_ends_with_a_good_command(
    told: Told,
) -> None:
    events = [registered(), went_well(0), went_well(1), failed(2), failed(3), went_well(4)]

    assert [("unhealthy", after(3), after(4), "2 of 4 commands failed within 15 minutes")] == told(*events)


def test_five_failures_in_a_row_end_only_when_something_is_delivered(told: Told) -> None:
    told(registered(), *many_went_well(100), *[failed(n) for n in range(1, 6)])

    assert [("unhealthy", after(5), None, "5 failures in a row")] == told()
    assert [("unhealthy", after(5), after(90_000), "5 failures in a row")] == told(went_well(90_000))


@pytest.mark.parametrize(
    ("now", "end"),
    [(after(61), None), (after(899.9), None), (after(900), after(900)), (after(9000), after(900))],
    ids=str,
)
def test_the_incident_of_a_silent_bot_ends_when_its_failures_have_left_the_window(
    told: Told, now: datetime, end: datetime | None
) -> None:
    events = [registered(), *many_went_well(2), failed(1), failed(2)]

    assert [("unhealthy", after(2), end, "2 of 4 commands failed within 15 minutes")] == told(*events, now=now)


@pytest.mark.parametrize("seconds", [900, 930, 5000])
def test_what_comes_after_that_end_does_not_move_it(told: Told, seconds: float) -> None:
    told(registered(), failed(1))

    assert [("unhealthy", after(1), after(900), "1 of 1 commands failed within 15 minutes")] == told(went_well(seconds))


def test_a_further_failure_moves_the_end_and_is_no_new_incident(told: Told) -> None:
    told(registered(), failed(1), failed(600))

    assert [("unhealthy", after(1), after(1500), "1 of 1 commands failed within 15 minutes")] == told()


def test_a_failure_after_the_end_begins_another(told: Told) -> None:
    told(registered(), failed(1), failed(1000))

    assert [(after(1), after(900)), (after(1000), after(1860))] == [one[1:3] for one in told()]


def test_a_tenant_s_mistakes_are_no_incident(told: Told) -> None:
    assert [] == told(registered(), *[a_rejected(str(n)) for n in range(10)])


def test_a_breaker_that_is_not_closed_is_an_incident_from_its_opening_to_its_closing(told: Told) -> None:
    opened, half_open, closed = breaker_events()
    forced = e.BreakerForced(occurred_at=after(100), bot_id=BOT_ID, tenant_id=TENANT, reason="a flood")

    assert [("breaker", after(0), None, "5 in a row")] == told(registered(), opened, half_open)
    assert [
        ("breaker", after(0), after(61), "5 in a row"),
        ("breaker", after(100), None, "forced open: a flood"),
    ] == told(closed, forced)


def test_a_suspension_is_an_incident_until_it_is_lifted(told: Told) -> None:
    assert [("suspended", after(0), None, "holiday (by tenant)")] == told(registered(), suspended(), suspended())
    assert [("suspended", after(0), after(0), "holiday (by tenant)")] == told(resumed())


def test_kinds_are_told_side_by_side(told: Told) -> None:
    told(registered(), failed(1), suspended(), breaker_events()[0])

    assert ["unhealthy", "suspended", "breaker"] == [one[0] for one in told(now=after(2))]
    assert ["breaker"] == [one[0] for one in told(kind=Kind.BREAKER)]


def test_a_removed_bot_has_no_open_incident_and_a_new_registration_none_at_all(told: Told) -> None:
    gone = e.BotRemoved(occurred_at=after(50), bot_id=BOT_ID, tenant_id=TENANT)
    told(registered(), *[failed(n) for n in range(5)], suspended(), breaker_events()[0], gone)
    told(registered(seconds=60), went_well(61))

    assert [after(50)] * 3 == [one[2] for one in told()]


def test_a_former_owner_s_commands_say_nothing_about_the_bot(told: Told) -> None:
    late = failed(3)
    told(registered(), removed(), registered(tenant_id=OTHER_TENANT), late)

    assert [] == told()
    assert [(OTHER_TENANT, late.occurred_at)] == [
        (one.tenant_id, one.start) for one in told.all(failed(3, tenant_id=OTHER_TENANT))
    ]


def test_only_what_reaches_into_the_range_is_told(told: Told, views: Views) -> None:
    told(registered(), failed(1), failed(5000))

    def starts(begin: float, end: float) -> list[datetime]:
        return [one.start for one in incidents(views, Span(after(begin), after(end), 300), after(9000)).incidents]

    assert [after(5000), after(1)] == starts(0, 9000)
    assert [after(1)] == starts(899, 5000)
    assert [] == starts(900, 5000)
    assert [] == starts(-100, 1)
    assert [after(5000)] == starts(900, 5001)


def test_incidents_come_in_pages_newest_first(told: Told, views: Views) -> None:
    told(registered(), registered(OTHER_BOT_ID), *[failed(n * 2000) for n in range(5)], failed(1, bot_id=OTHER_BOT_ID))
    first = incidents(views, EVER, EVER.end, limit=4, bot_id=BOT_ID)
    rest = incidents(views, EVER, EVER.end, limit=4, bot_id=BOT_ID, before=first.next)

    assert [after(8000), after(6000), after(4000), after(2000)] == [one.start for one in first.incidents]
    assert [after(0)] == [one.start for one in rest.incidents]
    assert rest.next is None
    assert [3, 4, 5, 6, 7, 8] == [one.incident_id for one in told.all()]


outcomes = st.lists(st.tuples(st.integers(0, 400), st.booleans()), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(steps=outcomes)
def test_an_open_incident_and_the_health_view_never_disagree(steps: list[tuple[int, bool]]) -> None:
    seconds, log, after_failure = 0, [registered()], []
    for wait, is_good in steps:
        seconds += wait
        log.append(went_well(seconds) if is_good else failed(seconds))
        if not is_good:
            after_failure.append((len(log), after(seconds)))
    with TemporaryDirectory() as place, closing(Views(Path(place) / "views.db")) as views:
        projections = (HealthProjection(), HistoryProjection())
        views.prepare(projections)
        folded = 0
        for until, now in [*after_failure, (len(log), after(seconds))]:
            with views.writing() as connection:
                for projection in projections:
                    projection.fold(recorded(log)[folded:until], connection)
            folded = until

            assert (health_of(views, BOT_ID, now).status is Health.UNHEALTHY) >= is_open(views, now)
            if (until, now) in after_failure:
                assert (health_of(views, BOT_ID, now).status is Health.UNHEALTHY) == is_open(views, now)
        minutes = [after(seconds - seconds % 60 + 60 * minute) for minute in range(1, 20)]
        opened = [is_open(views, now) for now in minutes]
        unhealthy = [health_of(views, BOT_ID, now).status is Health.UNHEALTHY for now in minutes]

    assert opened == sorted(opened, reverse=True)
    assert all(unhealthy[: sum(opened)])
    assert not opened[-1] or is_five_in_a_row(steps)
    assert sum(opened) in (0, len(opened)) or not unhealthy[sum(opened)]


def is_open(views: Views, now: datetime) -> bool:
    return any(one.end is None for one in incidents(views, EVER, now, kind=Kind.UNHEALTHY).incidents)


def is_five_in_a_row(steps: list[tuple[int, bool]]) -> bool:
    return len(steps) >= 5 and not any(is_good for _, is_good in steps[-5:])
