"""What a replay says about days that are easily told."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import events
from domain.config import BreakerConfig, Config
from domain.rules.breaker import BreakerPolicy
from domain.rules.pacing import PacePolicy
from domain.whatif.question import Nonsense, NothingThere
from tests.domain.whatif.days import UNLIMITED, an_attempt, asked, failed, log_of, refused, sent
from tests.doubles import BLOCKED, LOST, REFUSED_CONNECTION, REVOKED, a_registration, flood
from tests.examples import BOT_ID, OTHER_BOT_ID, OTHER_TENANT, TENANT, a_delivered, a_started, after

FIVE = replace(UNLIMITED, breaker=BreakerPolicy(failures=5, cooldown_s=60))
THEIRS = {"bot_id": OTHER_BOT_ID, "tenant_id": OTHER_TENANT}


def test_a_breaker_that_opens_earlier_refuses_what_came_then() -> None:
    log = log_of(*(failed(n, 10.0 * n, LOST) for n in range(4)), sent(9, 45))
    report = asked(log, FIVE, breaker_failures=3)

    assert {"delivered": 1, "rejected": 0, "not_sent": 0, "uncertain": 4} == report.today.outcomes
    assert {"delivered": 0, "rejected": 0, "not_sent": 2, "uncertain": 3} == report.other.outcomes
    assert {"uncertain, not_sent": 1, "delivered, not_sent": 1} == report.difference.outcomes_changed
    assert (0, 1, 3579.9) == (
        report.today.breaker_openings, report.other.breaker_openings, report.other.breaker_open_s,
    )  # fmt: skip


def test_what_telegram_never_answered_is_assumed_and_counted() -> None:
    """Refused by an open breaker in the midst of an outage: with a patient breaker it would have met the outage."""
    down = [failed(n, float(n), LOST) for n in range(5)]
    opened = events.BreakerOpened(occurred_at=after(4.1), bot_id=BOT_ID, tenant_id=TENANT, until=after(64.1), cause="")
    log = log_of(*down, [opened], refused(6, 6, "breaker_open"), sent(7, 500), refused(8, 490, "breaker_open"))
    report = asked(log, FIVE, breaker_failures=100)

    assert ({"breaker_open": 2}, 0) == (report.recorded.not_sent_because, report.recorded.assumed_answers)
    assert (6, 2) == (report.other.outcomes["uncertain"], report.other.outcomes["delivered"])
    assert (2, 2) == (report.other.assumed_answers, report.other.assumed_outcomes)
    assert "nearest" == report.assumption
    assert any("2 attempts of the other policy were never made" in said for said in report.cannot_know)


def test_a_refusal_or_a_429_is_no_word_on_how_telegram_was() -> None:
    log = log_of(sent(1, 0), failed(2, 9.0, BLOCKED, chat="43"), refused(3, 10.0, "breaker_open", chat="44"))
    report = asked(log, bot_rps=9)

    assert (2, 1) == (report.other.outcomes["delivered"], report.other.assumed_outcomes)


def test_a_slower_bot_delivers_later() -> None:
    log = log_of(*(sent(n, 0.0, chat=str(n)) for n in range(10)))
    report = asked(log, bot_rps=2)

    assert (9, 0) == (report.difference.later, report.difference.sooner)
    assert (2.5, 4.5) == (report.difference.later_by_s.p50, report.difference.later_by_s.p99)
    assert (0.0, 4500.0) == (report.today.waited_ms.p50, report.other.waited_ms.p99)


def test_a_faster_bot_delivers_sooner() -> None:
    slow = replace(UNLIMITED, pace=PacePolicy(1, 0, 0))
    log = log_of(*(sent(n, 0.0, chat=str(n), waited_s=float(n)) for n in range(5)))
    report = asked(log, slow, bot_rps=2)

    assert (0, 0) == (report.model_error.later, report.model_error.sooner)
    assert (0, 4) == (report.difference.later, report.difference.sooner)
    assert 2.0 == report.difference.sooner_by_s.p99


@given(
    st.lists(st.tuples(st.floats(0, 20), st.sampled_from("abc"), st.floats(0.01, 2)), min_size=1, max_size=30),
    st.sampled_from([(1, 2), (2, 5), (5, 25), (25, 0)]),
)
def test_a_faster_bot_never_delivers_anything_later_where_nothing_else_binds(
    arrivals: list[tuple[float, str, float]], rates: tuple[float, float]
) -> None:
    told = [sent(n, at, took, chat=f"{chat}{n}") for n, (at, chat, took) in enumerate(arrivals)]
    patient = replace(UNLIMITED, pace=PacePolicy(rates[0], 0, 0), max_in_flight=1000)
    report = asked(log_of(*told), patient, bot_rps=rates[1])

    assert 0 == report.difference.later


def test_a_chat_keeps_its_order_at_any_pace() -> None:
    """The second of a chat waits for the first, which now takes its place in the bot's pace."""
    report = asked(log_of(sent(1, 0.0, took_s=5.0), sent(2, 1.0, waited_s=4.0)), chat_rps=3)

    assert (4000.0, 4000.0) == (report.today.waited_ms.p99, report.other.waited_ms.p99)


def test_a_recorded_429_is_kept_with_its_hold() -> None:
    met = flood(7)
    told = [
        *(sent(n, 0.1 * n, chat=str(n)) for n in range(20)),
        [
            a_started(command_id="c0050", occurred_at=after(2.0), received_at=after(2.0), chat="x"),
            an_attempt(50, 2.1, met, again_after_s=0.0, chat="x"),
            a_delivered("c0050", received_at=after(2.0), occurred_at=after(9.2), chat="x", attempts=2, queue_ms=0.0),
        ],
    ]
    report = asked(log_of(*told), bot_rps=2)

    assert (1, 1, 1) == (report.recorded.floods, report.today.floods, report.other.floods)
    assert (0, 1) == (report.today.floods_below, report.other.floods_below)
    assert any("of the 1 met, 1 were met below" in said for said in report.cannot_know)


def test_more_retries_than_were_made_meet_an_assumed_answer() -> None:
    told = [
        a_started(command_id="c0001", occurred_at=after(1), received_at=after(1), method="getChat"),
        an_attempt(1, 1.1, LOST, method="getChat"),
        msgspec.structs.replace(failed(1, 1.0, LOST)[-1], method="getChat"),
    ]
    once = replace(UNLIMITED, retry=replace(UNLIMITED.retry, retries=0))
    report = asked(log_of(told, sent(2, 1.3, chat="43")), once, retries=2)

    assert (1, 1, 1) == (report.recorded.outcomes["uncertain"], report.today.outcomes["uncertain"], 1)
    assert (2, 1, 1) == (
        report.other.outcomes["delivered"], report.other.retries, report.other.assumed_outcomes,
    )  # fmt: skip


def test_the_same_luck_as_recorded_decides_each_back_off() -> None:
    """It was half of one second; under a base of 4 s it is half of four."""
    told = [
        a_started(command_id="c0001", occurred_at=after(0), received_at=after(0)),
        an_attempt(1, 0.1, REFUSED_CONNECTION, again_after_s=0.5),
        a_delivered("c0001", occurred_at=after(0.8), attempts=2, queue_ms=0.0, telegram_ms=200.0),
    ]
    report = asked(log_of(told), retry_base_s=4.0)

    assert (0, 800.0) == (report.model_error.later, report.today.delivered_after_ms.p50)
    assert (1.5, 2300.0) == (report.difference.later_by_s.p50, report.other.delivered_after_ms.p50)


def test_a_bot_s_own_settings_of_that_time_are_honoured() -> None:
    configured = events.BotConfigured(
        occurred_at=after(-1), bot_id=BOT_ID, tenant_id=TENANT, by="tenant",
        config=Config(breaker=BreakerConfig(failures=1)),
    )  # fmt: skip
    log = log_of([configured], failed(1, 1, LOST), sent(2, 30))
    report = asked(log, FIVE, bot_rps=5)

    assert {"breaker_open": 1} == report.today.not_sent_because


def test_a_pace_that_was_changed_has_nobody_wait_for_as_long_as_the_former_one() -> None:
    def paced(at_s: float, config: Config) -> events.BotConfigured:
        return events.BotConfigured(
            occurred_at=after(at_s), bot_id=BOT_ID, tenant_id=TENANT, config=config, by="tenant"
        )

    log = log_of([paced(-1, Config(bot_rps=0.01)), paced(2, Config())], sent(1, 1), sent(2, 3, chat="43"))
    report = asked(log, replace(UNLIMITED, pace=PacePolicy(25, 0, 0)), retries=1)

    assert (0, 2) == (report.model_error.later, report.today.outcomes["delivered"])


def test_what_was_suspended_stays_so_under_any_policy() -> None:
    suspended = events.BotSuspended(occurred_at=after(5), bot_id=BOT_ID, tenant_id=TENANT, reason="r", by="tenant")
    resumed = events.BotResumed(occurred_at=after(9), bot_id=BOT_ID, tenant_id=TENANT, by="tenant")
    report = asked(log_of([suspended, resumed], sent(1, 4), refused(2, 6, "bot_suspended"), sent(3, 10)), bot_rps=5)

    assert {"bot_suspended": 1} == report.other.not_sent_because
    assert 2 == report.other.outcomes["delivered"]


def test_an_admin_s_hand_on_a_breaker_is_replayed() -> None:
    forced = events.BreakerForced(occurred_at=after(5), bot_id=BOT_ID, tenant_id=TENANT, reason="r")
    reset = events.BreakerClosed(occurred_at=after(9), bot_id=BOT_ID, tenant_id=TENANT, reason="r")
    report = asked(log_of([forced, reset], refused(1, 6, "breaker_open"), sent(2, 10)), breaker_failures=50)

    assert {"breaker_open": 1} == report.other.not_sent_because
    assert (4.0, 4.0) == (report.recorded.breaker_open_s, report.other.breaker_open_s)


def removed_and_registered(at_s: float) -> tuple[events.Event, events.Event]:
    """Two seconds later."""
    removed = events.BotRemoved(occurred_at=after(at_s), bot_id=BOT_ID, tenant_id=TENANT)
    return removed, msgspec.structs.replace(a_registration(), occurred_at=after(at_s + 2))


def test_what_an_admin_forced_open_is_so_when_the_bot_is_removed_and_registered_again() -> None:
    forced = events.BreakerForced(occurred_at=after(5), bot_id=BOT_ID, tenant_id=TENANT, reason="r")
    again = events.BreakerForced(occurred_at=after(12), bot_id=BOT_ID, tenant_id=TENANT, reason="r")
    reset = events.BreakerClosed(occurred_at=after(20), bot_id=BOT_ID, tenant_id=TENANT, reason="r")
    life = [forced, *removed_and_registered(10), again, reset]
    report = asked(log_of(sent(1, 1), life, refused(2, 15, "breaker_open"), sent(3, 25)), breaker_failures=50)

    assert {"breaker_open": 1} == report.other.not_sent_because
    assert {} == report.model_error.outcomes_changed
    assert (15.0, 15.0) == (report.recorded.breaker_open_s, report.other.breaker_open_s)


def test_what_opened_by_itself_is_closed_when_the_bot_is_removed_and_registered_again() -> None:
    opened = events.BreakerOpened(occurred_at=after(1.1), bot_id=BOT_ID, tenant_id=TENANT, until=after(61), cause="")
    log = log_of(failed(1, 1.0, REVOKED), [opened, *removed_and_registered(10)], sent(2, 13))
    report = asked(log, bot_rps=5)

    assert {} == report.model_error.outcomes_changed
    assert (8.9, 8.9) == (report.recorded.breaker_open_s, report.today.breaker_open_s)


def test_a_suspension_ends_what_sleeps_behind_a_hold_and_a_resumed_bot_does_not_send_it() -> None:
    suspended = events.BotSuspended(occurred_at=after(5), bot_id=BOT_ID, tenant_id=TENANT, reason="r", by="tenant")
    resumed = events.BotResumed(occurred_at=after(6), bot_id=BOT_ID, tenant_id=TENANT, by="tenant")
    asleep = refused(2, 1, "bot_suspended", waited_s=4.0)
    report = asked(log_of(failed(1, 0, flood(20)), asleep, [suspended, resumed]), retries=0)

    assert {"telegram_hold": 1, "bot_suspended": 1} == report.today.not_sent_because
    assert report.today.not_sent_because == report.other.not_sent_because


def test_what_comes_back_from_telegram_to_a_suspended_bot_ends_there_and_a_resumed_one_does_not_send_it() -> None:
    suspended = events.BotSuspended(occurred_at=after(0.05), bot_id=BOT_ID, tenant_id=TENANT, reason="r", by="tenant")
    resumed = events.BotResumed(occurred_at=after(0.3), bot_id=BOT_ID, tenant_id=TENANT, by="tenant")
    told = [
        a_started(command_id="c0001", occurred_at=after(0), received_at=after(0)),
        an_attempt(1, 0.1, REFUSED_CONNECTION, again_after_s=0.5),
        *refused(1, 0, "bot_suspended", waited_s=0.1, attempts=1),
    ]
    report = asked(log_of(told, [suspended, resumed], sent(2, 1.0, chat="43")), bot_rps=5)

    assert {"bot_suspended": 1} == report.recorded.not_sent_because
    assert {} == report.model_error.outcomes_changed
    assert {"bot_suspended": 1} == report.other.not_sent_because


def test_a_token_that_works_after_all_closes_the_breaker_of_its_401() -> None:
    opened = events.BreakerOpened(occurred_at=after(1.1), bot_id=BOT_ID, tenant_id=TENANT, until=after(61), cause="")
    closed = events.BreakerClosed(occurred_at=after(1.4), bot_id=BOT_ID, tenant_id=TENANT)
    report = asked(log_of(failed(1, 1.0, REVOKED), [opened, closed], sent(2, 5.0)), bot_rps=5)

    assert {} == report.model_error.outcomes_changed
    assert (1, 0.3) == (report.today.breaker_openings, report.today.breaker_open_s)


def test_the_time_that_a_start_took_to_the_disk_is_kept() -> None:
    told = [
        a_started(command_id="c0001", occurred_at=after(0), received_at=after(0)),
        a_delivered("c0001", occurred_at=after(0.112), queue_ms=12.0, telegram_ms=100.0),
    ]
    report = asked(log_of(told), bot_rps=5)

    assert (12.0, 112.0) == (report.other.waited_ms.p50, report.other.delivered_after_ms.p50)


def test_retries_of_many_bots_share_the_fleet_s_budget() -> None:
    once = replace(UNLIMITED, retry=replace(UNLIMITED.retry, retries=0))
    told = [failed(n, 0.01 * n, REFUSED_CONNECTION, bot_id=BOT_ID + n, tenant_id=TENANT, took_s=0.1) for n in range(40)]

    assert 30 == asked(log_of(*told), once, retries=1).other.retries


def test_a_permit_that_is_not_used_is_the_next_one_s_at_once() -> None:
    fleet = replace(UNLIMITED, fleet_rps=1)
    told = [sent(1, 0.0), refused(2, 0.1, "cancelled", waited_s=0.4, chat="43"), sent(3, 0.2, waited_s=0.8, **THEIRS)]
    report = asked(log_of(*told), fleet, bot_rps=5)

    assert (0, 0) == (report.model_error.later, report.model_error.sooner)
    assert 800.0 == report.today.waited_ms.p99


def test_a_command_that_was_cancelled_is_cancelled_if_it_still_waits() -> None:
    busy = sent(1, 0.0, took_s=10.0)
    report = asked(log_of(busy, refused(2, 1.0, "cancelled", waited_s=3.0)), bot_rps=5)

    assert {"cancelled": 1} == report.other.not_sent_because
    assert 0 == report.other.assumed_answers


@pytest.mark.parametrize("code", ["store_unavailable", "shutting_down", "internal"])
def test_what_our_own_trouble_ended_is_copied(code: str) -> None:
    report = asked(log_of(sent(1, 0), refused(2, 1, code)), bot_rps=5)

    assert ({code: 1}, 1) == (report.other.not_sent_because, report.not_replayed)


def test_only_what_was_asked_about_is_counted_but_the_fleet_is_as_busy() -> None:
    """Its neighbour's commands take permits of the same fleet."""
    fleet = replace(UNLIMITED, fleet_rps=1.0)
    theirs = [sent(n, 0.0, chat=str(n), waited_s=float(n), **THEIRS) for n in range(5)]
    log = log_of(*theirs, sent(9, 0.5, waited_s=1.5))
    report = asked(log, fleet, bot_id=BOT_ID, bot_rps=5)

    assert (1, 1, 5) == (report.commands, report.bots, report.also_replayed)
    assert 1500.0 == report.other.waited_ms.p50
    assert 5 == asked(log, fleet, tenant_id=OTHER_TENANT, bot_rps=5).commands


def test_another_fleet_limit_is_shared_fairly() -> None:
    """One round at most, however much the other has queued."""
    theirs = [sent(n, 0.0, chat=str(n), **THEIRS) for n in range(10)]
    report = asked(log_of(*theirs, sent(99, 0.01)), bot_id=BOT_ID, fleet_rps=1)

    assert 1990.0 == report.other.waited_ms.p50


def test_the_two_minutes_before_are_replayed_and_not_counted() -> None:
    log = log_of(*(failed(n, -50 + n, LOST) for n in range(5)), refused(9, 5, "breaker_open"))
    report = asked(log, FIVE, bot_rps=9)

    assert (1, 5) == (report.commands, report.also_replayed)
    assert {"breaker_open": 1} == report.today.not_sent_because


def test_a_bot_with_too_much_waiting_refuses_more() -> None:
    log = log_of(*(sent(n, 0.0, waited_s=0.1 * n, chat="42") for n in range(6)))
    report = asked(log, replace(UNLIMITED, max_in_flight=1), max_waiting=2)

    assert {"overloaded": 3} == report.other.not_sent_because


def test_a_command_without_an_end_is_in_no_column() -> None:
    started = a_started(command_id="c0007", occurred_at=after(3), received_at=after(3))
    report = asked(log_of(sent(1, 0), [started]), bot_rps=5)

    assert (1, 1) == (report.commands, report.still_open)


def test_an_empty_time_has_no_answer() -> None:
    with pytest.raises(NothingThere):
        asked(log_of(sent(1, 5000.0)), bot_rps=5)
    with pytest.raises(NothingThere):
        asked(log_of(sent(1, 5.0)), bot_id=OTHER_BOT_ID, bot_rps=5)


def test_a_question_without_a_range_or_a_change_is_nonsense() -> None:
    with pytest.raises(Nonsense, match="before"):
        asked(log_of(sent(1, 5.0)), seconds=0, bot_rps=5)
    with pytest.raises(Nonsense, match="change"):
        asked(log_of(sent(1, 5.0)))


def test_an_answer_that_would_come_after_the_deadline_is_no_answer() -> None:
    """Delivered after 20 s of its 30; when it leaves 15 s later its caller has gone."""
    log = log_of(sent(1, 0.0, took_s=1.0, chat="1"), sent(2, 0.0, took_s=20.0, chat="2"))
    report = asked(log, bot_rps=0.06)

    assert {"delivered, uncertain": 1} == report.difference.outcomes_changed


@pytest.mark.parametrize(("leaves_after_s", "changed"), [(29.4, {}), (29.6, {"delivered, not_sent": 1})])
def test_what_would_leave_too_late_for_its_answer_would_not_be_sent(
    leaves_after_s: float, changed: dict[str, int]
) -> None:
    report = asked(log_of(sent(1, 0.0, chat="1"), sent(2, 0.0, chat="2")), bot_rps=1 / leaves_after_s)

    assert changed == report.difference.outcomes_changed
