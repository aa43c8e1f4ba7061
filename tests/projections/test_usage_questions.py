"""What analysts are answered: periods beside each other, habits, the busiest chats, and whose errors rose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import events as e
from domain.failure import Category
from projections import usage
from projections.usage import busiest
from projections.usage.spans import DAY_S, START, WEEKDAYS, before, last_days, so_far, starts, weekday
from projections.views import Views
from tests.examples import NOON, OTHER_BOT_ID, OTHER_TENANT, TENANT, a_delivered, a_rejected, an_uncertain
from tests.projections.sample_events import attempt_failed
from tests.projections.usage_told import ALL, OF_THE_FLEET, WEEK, UsageTold

DAY = timedelta(days=1)
NAMES = iter(range(1_000_000))


def many(event: e.Event, times: int, **changes: object) -> list[e.Event]:
    return [type(event)(**{**_fields(event), **changes, "command_id": f"c{next(NAMES)}"}) for _ in range(times)]


def _fields(event: e.Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


def second(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("by", "at", "start"),
    [
        ("hour", "2026-07-01T12:59:59", "2026-07-01T12:00"),
        ("day", "2026-07-01T23:59:59", "2026-07-01"),
        ("week", "2026-07-01", "2026-06-29"),
        ("week", "2026-07-05T23:59:59", "2026-06-29"),
        ("week", "2026-07-06", "2026-07-06"),
        ("month", "2026-07-31T23:59:59", "2026-07-01"),
        ("month", "2024-02-29", "2024-02-01"),
    ],
)
def test_where_a_part_of_time_begins(by: str, at: str, start: str) -> None:
    assert second(start) == START[usage.By(by)](second(at))


@given(hours=st.integers(0, 800_000), days=st.integers(1, 366), by=st.sampled_from(usage.By))
def test_parts_of_a_span_cover_it_without_a_gap(hours: int, days: int, by: usage.By) -> None:
    span = last_days(days, datetime(2000, 1, 1, tzinfo=UTC) + timedelta(hours=hours))
    parts = list(starts(span, by))

    assert span.end - span.start == days * DAY_S
    assert parts == sorted({START[by](hour) for hour in range(span.start, span.end, 3600)})


def test_a_weekday_has_the_calendar_s_name() -> None:
    assert [NOON.strftime("%A").lower()] == [WEEKDAYS[weekday(int(NOON.timestamp()))]] == ["wednesday"]


def test_what_is_not_over_is_held_against_as_much_of_the_one_before() -> None:
    span = last_days(2, NOON)
    earlier = before(span, NOON)

    assert earlier.end - earlier.start == so_far(span, NOON).end - span.start == (24 + 13) * 3600
    assert span.start - earlier.start == 2 * DAY_S


def test_this_week_stands_beside_as_much_of_last_week(told_usage: UsageTold) -> None:
    told_usage.after(
        *many(a_delivered(), 6),
        *many(an_uncertain(), 2, occurred_at=NOON),
        *many(a_delivered(), 3, occurred_at=NOON - 7 * DAY),
        *many(an_uncertain(), 1, occurred_at=NOON - 7 * DAY),
        *many(a_delivered(), 50, occurred_at=NOON - 5 * DAY),
    )
    told = told_usage.summary()

    assert (8, 4) == (told.this_week.total_requests, told.last_week.total_requests)
    assert (100.0, 0.0) == (told.change.total_requests_pct, told.change.error_rate_pct)
    assert (datetime(2026, 6, 29, tzinfo=UTC), datetime(2026, 7, 1, 13, tzinfo=UTC)) == (
        told.this_week.start,
        told.this_week.end,
    )
    assert (8, 8) == (told.today.total_requests, told.this_month.total_requests)


def test_a_change_from_nothing_is_no_percentage(told_usage: UsageTold) -> None:
    change = told_usage.after(a_delivered()).summary().change

    assert (None, None, None) == (change.total_requests_pct, change.error_rate_pct, change.avg_response_ms_pct)


def test_the_habits_of_four_weeks_name_the_most_active_hour_and_weekday(told_usage: UsageTold) -> None:
    told_usage.after(
        *many(a_delivered(), 3, occurred_at=NOON),
        *many(a_delivered(), 2, occurred_at=NOON - 3 * DAY + timedelta(hours=6)),
        *many(a_delivered(), 2, occurred_at=NOON - 10 * DAY + timedelta(hours=6)),
        *many(a_delivered(), 9, occurred_at=NOON - 28 * DAY),
    )
    told = told_usage.summary()

    assert (18, 4) == (told.most_active_hour.hour, told.most_active_hour.total_requests)
    assert ("sunday", 4) == (told.most_active_weekday.weekday, told.most_active_weekday.total_requests)


def test_nothing_has_no_most_active_hour(told_usage: UsageTold) -> None:
    told = told_usage.summary()

    assert (None, None, [], []) == (
        told.most_active_hour,
        told.most_active_weekday,
        told.top_methods,
        told.top_chats,
    )
    assert (0, 0.0, None, None) == (
        told.today.total_requests,
        told.today.error_rate,
        told.today.avg_response_ms,
        told.today.p50_ms,
    )


def test_a_trend_has_a_point_for_each_day_also_for_those_without_anything(told_usage: UsageTold) -> None:
    told_usage.after(*many(a_delivered(), 2), *many(an_uncertain(), 1, occurred_at=NOON - 6 * DAY))
    told = told_usage.trends()

    assert [1, 0, 0, 0, 0, 0, 2] == [point.total_requests for point in told.points]
    assert datetime(2026, 6, 25, tzinfo=UTC) == told.points[0].at
    assert 3 == told.this_period.total_requests == sum(hour.total_requests for hour in told.hours)
    assert {"thursday": 1, "wednesday": 2} == {d.weekday: d.total_requests for d in told.weekdays if d.total_requests}
    assert 24 == len(told.hours)


def test_a_trend_by_week_or_month_puts_days_together(told_usage: UsageTold) -> None:
    told_usage.after(*many(a_delivered(), 2), *many(a_delivered(), 3, occurred_at=NOON - DAY))

    assert [0, 5] == [point.total_requests for point in told_usage.trends(by=usage.By.WEEK).points]
    assert [3, 2] == [point.total_requests for point in told_usage.trends(by=usage.By.MONTH).points]


def test_methods_come_with_the_most_used_first_and_in_pages(told_usage: UsageTold) -> None:
    told_usage.after(*many(a_delivered(), 2), *many(a_delivered(), 3, method="getMe", chat=None))
    first = told_usage.ask(usage.methods, OF_THE_FLEET, WEEK, usage.Slice(1))
    second_ = told_usage.ask(usage.methods, OF_THE_FLEET, WEEK, usage.Slice(1, first.next_offset))

    assert [("getMe", 3)] == [(row.method, row.total_requests) for row in first.rows]
    assert [("sendMessage", 2)] == [(row.method, row.total_requests) for row in second_.rows]
    assert (1, None) == (first.next_offset, second_.next_offset)


def test_chats_that_cause_errors_are_told_with_all_their_requests(told_usage: UsageTold) -> None:
    told_usage.after(
        *many(a_delivered(), 8, chat="good"),
        *many(a_delivered(), 3, chat="bad", occurred_at=NOON - DAY),
        *many(a_rejected(), 2, chat="bad"),
        *many(an_uncertain(), 1, chat="worse", occurred_at=NOON),
        *many(an_uncertain(), 2, chat="worse", occurred_at=NOON - 2 * DAY),
    )
    errors = told_usage.errors()

    assert [("worse", 3, 1.0), ("bad", 5, 0.0)] == [(c.chat, c.total_requests, c.error_rate) for c in errors.chats]
    assert ["good", "bad", "worse"] == [chat.chat for chat in told_usage.chats()]
    assert {"failed": 3, "rejected": 2} == {share.name: share.count for share in errors.by_outcome}
    assert [(None, 3), ("400", 2)] == [(share.name, share.count) for share in errors.by_telegram_code]
    assert {"ambiguous": 0.6, "permanent": 0.4} == {share.name: share.share for share in errors.by_category}


def test_answers_429_are_told_by_hour_of_day_and_by_chat(told_usage: UsageTold) -> None:
    limited = attempt_failed(category=Category.RATE_LIMIT, telegram_code=429)
    told_usage.after(
        *many(limited, 3, chat="flood", occurred_at=NOON),
        *many(limited, 2, chat="flood", occurred_at=NOON - DAY),
        *many(limited, 4, chat="other", occurred_at=NOON - 8 * timedelta(hours=1)),
        *many(attempt_failed(), 9, chat="unreachable"),
    )
    told = told_usage.errors().rate_limits

    assert (9, 12) == (told.count, told.peak_hour)
    assert {12: 5, 4: 4} == {hour: count for hour, count in enumerate(told.by_hour_of_day) if count}
    assert [("flood", 5), ("other", 4)] == [(chat.chat, chat.rate_limited) for chat in told.chats]


def test_tenants_are_told_by_how_much_their_error_rate_rose(told_usage: UsageTold) -> None:
    last_week = NOON - 7 * DAY
    told_usage.after(
        *many(a_delivered(), 9, occurred_at=last_week),
        *many(an_uncertain(), 1, occurred_at=last_week),
        *many(a_delivered(), 7),
        *many(an_uncertain(), 3, occurred_at=NOON),
        *many(a_delivered(), 2, tenant_id=OTHER_TENANT, bot_id=OTHER_BOT_ID, occurred_at=last_week),
        *many(an_uncertain(), 2, tenant_id=OTHER_TENANT, bot_id=OTHER_BOT_ID, occurred_at=last_week),
        *many(a_delivered(), 5, tenant_id=OTHER_TENANT, bot_id=OTHER_BOT_ID),
        *many(an_uncertain(), 5, tenant_id="new", bot_id=5, occurred_at=NOON),
    )
    told = told_usage.ask(usage.tenants, OF_THE_FLEET, WEEK, ALL).tenants.rows

    assert ["new", TENANT, OTHER_TENANT] == [row.tenant_id for row in told]
    assert [(None, 1.0), (0.1, 0.3), (0.5, 0.0)] == [(row.previous_error_rate, row.error_rate) for row in told]
    assert [1.0, 0.2, -0.5] == [round(row.error_rate_rise, 9) for row in told]
    assert [None, 200.0, -100.0] == [row.error_rate_change_pct for row in told]
    assert [TENANT] == [
        row.tenant_id for row in told_usage.ask(usage.tenants, usage.Whose(TENANT), WEEK, ALL).tenants.rows
    ]


@pytest.fixture(scope="module")
def empty() -> Iterator[Views]:
    with TemporaryDirectory() as place, closing(Views(Path(place) / "views.db")) as views:
        views.prepare([usage.UsageProjection()])
        yield views


# Few chats and dense days: so that one can be first of all without being first on any day.
CHATS = [("a", 1, "1"), ("a", 1, "2"), ("a", 2, "1"), *[("b", 1, str(chat)) for chat in range(5)]]
A_DAY = st.lists(st.one_of(st.integers(0, 5), st.integers(0, 14)), min_size=len(CHATS), max_size=len(CHATS))
ROWS = st.lists(A_DAY, min_size=2, max_size=4).map(
    lambda days: {
        (day, *chat): times for day, row in enumerate(days) for chat, times in zip(CHATS, row, strict=True) if times
    }
)


FORTNIGHT = usage.Span(WEEK.start, WEEK.start + 14 * DAY_S)
Rows = dict[tuple[int, str, int, str], int]


def fill(views: Views, rows: Rows) -> None:
    with views.writing() as connection:
        connection.execute("DELETE FROM usage_chats")
        connection.execute("DELETE FROM usage_hours")
        connection.executemany(
            "INSERT INTO usage_chats VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0)",
            [(WEEK.start + day * DAY_S, *chat, times) for (day, *chat), times in rows.items()],
        )
        # So that it is known which tenants had which bot.
        hours = [(bot, tenant, WEEK.start, *[0] * 10, b"\x80") for _, tenant, bot, _ in rows]
        connection.executemany(f"INSERT OR IGNORE INTO usage_hours VALUES ({', '.join('?' * 14)})", hours)


def first_of(views: Views, read: int, whose: usage.Whose, cut: usage.Slice) -> tuple[list[tuple[object, int]], bool]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(busiest, "READ_A_DAY", read)
        page = usage.chats(views, whose, FORTNIGHT, cut)
    return [((r.tenant_id, r.bot_id, r.chat), r.total_requests) for r in page.rows], page.next_offset is not None


@settings(max_examples=200, deadline=None)
@given(
    rows=ROWS,
    read=st.integers(1, 6),
    limit=st.integers(1, 3),
    offset=st.integers(0, 2),
    whose=st.builds(usage.Whose, st.sampled_from([None, "a"]), st.sampled_from([None, 1])),
)
def test_the_busiest_chats_are_those_that_adding_all_up_finds(
    empty: Views, rows: Rows, read: int, limit: int, offset: int, whose: usage.Whose
) -> None:
    fill(empty, rows)
    sums: Counter[tuple[str, int, str]] = Counter()
    for (_, tenant, bot, chat), times in rows.items():
        if whose.tenant_id in (None, tenant) and whose.bot_id in (None, bot):
            sums[tenant, bot, chat] += times
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    shown = ordered[offset : offset + limit]

    assert (shown, len(ordered) > offset + limit) == first_of(empty, read, whose, usage.Slice(limit, offset))


def test_a_chat_that_is_among_the_first_of_one_day_only_may_be_among_the_first_of_all(empty: Views) -> None:
    first, second_ = {"a": 1000, "x": 300}, {"a": 1000, "b": 340, "c": 340, "d": 100, "x": 100}
    fill(empty, {(day, "t", 1, chat): n for day, row in enumerate((first, second_)) for chat, n in row.items()})
    told, _ = first_of(empty, 4, OF_THE_FLEET, usage.Slice(2))

    assert [(("t", 1, "a"), 2000), (("t", 1, "x"), 400)] == told


def test_a_chat_that_is_never_busy_may_be_the_first_of_all(empty: Views) -> None:
    steady = {(day, "t", 1, "steady"): 3 for day in range(14)}
    fill(empty, {**steady, **{(day, "t", 1, chat): 20 for day in range(2) for chat in "ab"}})
    told, _ = first_of(empty, 100, OF_THE_FLEET, usage.Slice(1))

    assert [(("t", 1, "steady"), 42)] == told


def test_the_busiest_chats_of_steep_days_are_found_without_adding_all_up(empty: Views) -> None:
    fill(empty, {(day, "t", 1, str(chat)): 1000 // chat for day in range(7) for chat in range(1, 200)})
    with empty.reading() as connection:
        found = busiest.candidates(connection, OF_THE_FLEET, WEEK, 5)
        flat = busiest.candidates(connection, OF_THE_FLEET, WEEK, 300)

    assert {"1", "2", "3", "4", "5"} == {chat.chat for chat in found or ()}
    assert flat is None
