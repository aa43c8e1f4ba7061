"""What an answer to getMe says about a token, and when a token has its turn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.failure import Category, Failure, lost_answer, never_left, read_answer
from domain.rules.validation import ADVICE, CONCLUSIVE, DAY_S, VERDICTS, Verdict, Word, is_due, spacing_s, verdict


def told(status: int, description: str) -> Failure:
    answer = read_answer(status, b'{"ok":false,"error_code":%d,"description":"%s"}' % (status, description.encode()))
    assert isinstance(answer, Failure)
    return answer


@pytest.mark.parametrize(
    ("said", "new", "worked_before"),
    [
        (Word.MALFORMED, "INVALID_FORMAT", "INVALID_FORMAT"),
        (Word.ITSELF, "VALID", "VALID"),
        (Word.ANOTHER, "UNKNOWN_ERROR", "UNKNOWN_ERROR"),
        (told(401, "Unauthorized"), "UNAUTHORIZED", "REVOKED"),
        (told(404, "Not Found"), "UNAUTHORIZED", "UNKNOWN_ERROR"),
        (told(400, "Logged out"), "UNAUTHORIZED", "UNKNOWN_ERROR"),
        (told(429, "Too Many Requests"), "UNKNOWN_ERROR", "UNKNOWN_ERROR"),
        (told(500, "Internal Server Error"), "UNKNOWN_ERROR", "UNKNOWN_ERROR"),
        (told(502, "Bad Gateway"), "NETWORK_ERROR", "NETWORK_ERROR"),
        (never_left("the host name was not found"), "NETWORK_ERROR", "NETWORK_ERROR"),
        (lost_answer("connection lost"), "NETWORK_ERROR", "NETWORK_ERROR"),
        (never_left("no connection in time", timed_out=True), "TIMEOUT", "TIMEOUT"),
        (lost_answer("no answer in time", timed_out=True), "TIMEOUT", "TIMEOUT"),
    ],
)
def test_each_answer_has_its_word(said: Word | Failure, new: str, worked_before: str) -> None:
    assert (new, worked_before) == (verdict(said, was_valid=False), verdict(said, was_valid=True))


def test_the_table_knows_every_answer_and_the_advice_every_word() -> None:
    assert {*Word, *Category} == VERDICTS.keys()
    assert {*Verdict} == ADVICE.keys()


def test_only_a_plain_401_of_a_token_that_worked_is_reason_to_stop_a_bot() -> None:
    revoking = [said for said, (_, worked_before) in VERDICTS.items() if worked_before is Verdict.REVOKED]

    assert [Category.UNAUTHORIZED] == revoking
    assert (Verdict.VALID, Verdict.REVOKED) == CONCLUSIVE


@pytest.mark.parametrize(
    ("ago", "due"), [(0.0, False), (DAY_S - 1, False), (DAY_S, True), (DAY_S + 1, True), (-1.0, True)]
)
def test_a_token_is_due_a_day_after_and_when_a_wrong_clock_said_when(ago: float, due: bool) -> None:
    assert due is is_due(1e9, 1e9 + ago)


@given(bots=st.integers(0, 10**6), most_rps=st.floats(0.01, 5))
def test_a_days_tokens_fit_into_the_day_unless_that_were_too_fast(bots: int, most_rps: float) -> None:
    spacing = spacing_s(bots, most_rps)

    assert spacing >= 1 / most_rps
    assert bots * spacing <= DAY_S or spacing == 1 / most_rps
