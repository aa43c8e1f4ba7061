"""What Telegram's word on a webhook means, and how long to wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules.webhooks import (
    Conflict,
    Info,
    Verdict,
    beats_of_polling,
    conflict_in,
    judged,
    pause_s,
    rival_pause_s,
)

URL = "https://bots.example.com/webhook/opaque"


@pytest.mark.parametrize(
    ("info", "before", "is_ours", "came", "verdict"),
    [
        (Info("", 0, None), Info(URL, 0, None), False, False, Verdict.GONE),
        (Info("https://other", 0, None), Info(URL, 0, None), False, False, Verdict.STOLEN),
        (Info(URL, 0, None), Info(URL, 0, None), True, False, Verdict.WELL),
        (Info(URL, 7, None), Info(URL, 0, None), True, False, Verdict.WELL),
        (Info(URL, 7, 100), Info(URL, 0, None), True, False, Verdict.DARK),
        (Info(URL, 7, 400), Info(URL, 7, 100), True, False, Verdict.DARK),
        (Info(URL, 7, 100), Info(URL, 7, 100), True, False, Verdict.WELL),
        (Info(URL, 0, 100), Info(URL, 7, None), True, False, Verdict.WELL),
        (Info(URL, 7, 100), Info(URL, 0, None), True, True, Verdict.WELL),
        (Info(URL, 7, 100), None, True, False, Verdict.WELL),
    ],
    ids=[
        "gone",
        "stolen",
        "well",
        "busy",
        "a first error",
        "a newer error",
        "an old error",
        "nothing waits",
        "some come through",
        "the first look",
    ],
)
def test_a_webhook_is_dark_when_it_fails_anew_and_brings_nothing(
    info: Info, before: Info | None, is_ours: bool, came: bool, verdict: Verdict
) -> None:
    assert verdict == judged(info, before, is_ours=is_ours, came=came)


@pytest.mark.parametrize(
    ("description", "conflict"),
    [
        (
            "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            Conflict.RIVAL,
        ),
        (
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook",
            Conflict.WEBHOOK,
        ),
        ("Conflict: terminated by setWebhook request", Conflict.WEBHOOK),
    ],
)
def test_the_two_conflicts_are_told_apart(description: str, conflict: Conflict) -> None:
    assert conflict is conflict_in(description)


def test_failed_polls_wait_twice_as_long_up_to_a_minute() -> None:
    assert [1, 2, 4, 8, 16, 32, 60, 60] == [pause_s(failures, 0.0) for failures in range(1, 9)]


@given(st.integers(1, 10_000), st.floats(0, 0.999))
def test_chance_takes_at_most_half_of_a_pause(failures: int, jitter: float) -> None:
    assert pause_s(failures, 0.0) / 2 <= pause_s(failures, jitter) <= pause_s(failures, 0.0)


def test_a_rival_is_left_alone_for_longer_each_time_up_to_an_hour() -> None:
    assert [60, 120, 240, 480, 960, 1920, 3600, 3600] == [rival_pause_s(rivals) for rivals in range(1, 9)]


def test_a_webhook_that_only_seemed_to_work_is_tried_less_often() -> None:
    assert [3, 6, 12, 24, 48, 48] == [beats_of_polling(3, relapses) for relapses in range(6)]
