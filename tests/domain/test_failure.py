"""Telegram's answers, row by row: what each means for the command that got it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.failure import (
    MAX_DESCRIPTION,
    MAX_RETRY_AFTER_S,
    TREATMENT,
    Category,
    Delivered,
    Failure,
    Final,
    OnBreaker,
    Strategy,
    Treatment,
    code_of,
    lost_answer,
    never_left,
    read_answer,
)
from tests.examples import TOKEN_TEXT


def refusal(code: int, description: str, parameters: str = "") -> bytes:
    more = f', "parameters": {parameters}' if parameters else ""
    return f'{{"ok": false, "error_code": {code}, "description": "{description}"{more}}}'.encode()


HTML = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body></html>"

PERMANENT, UNKNOWN, AMBIGUOUS = Category.PERMANENT, Category.UNKNOWN, Category.AMBIGUOUS
RATE_LIMIT, SERVER_ERROR = Category.RATE_LIMIT, Category.SERVER_ERROR
REJECTED, NOT_SENT, UNCERTAIN = Final.REJECTED, Final.NOT_SENT, Final.UNCERTAIN
CERTAIN, PERHAPS = True, False

# status, body → category, final outcome, certain that nothing was executed
ANSWERS: list[tuple[int, bytes, Category, Final, bool]] = [
    (401, refusal(401, "Unauthorized"), Category.UNAUTHORIZED, REJECTED, CERTAIN),
    (403, refusal(403, "Forbidden: bot was blocked by the user"), PERMANENT, REJECTED, CERTAIN),
    (403, refusal(403, "Forbidden: bot was kicked from the supergroup chat"), PERMANENT, REJECTED, CERTAIN),
    (403, refusal(403, "Forbidden: user is deactivated"), PERMANENT, REJECTED, CERTAIN),
    (403, refusal(403, "Forbidden: bot is not a member of the channel chat"), PERMANENT, REJECTED, CERTAIN),
    (403, refusal(403, "Forbidden: bot can't initiate conversation with a user"), PERMANENT, REJECTED, CERTAIN),
    (404, refusal(404, "Not Found: method not found"), PERMANENT, REJECTED, CERTAIN),
    (404, refusal(404, "Not Found"), PERMANENT, REJECTED, CERTAIN),
    (400, refusal(400, "Bad Request: chat not found"), PERMANENT, REJECTED, CERTAIN),
    (400, refusal(400, "Bad Request: message text is empty"), PERMANENT, REJECTED, CERTAIN),
    (400, refusal(400, "Bad Request: can't parse entities: Can't find end tag"), PERMANENT, REJECTED, CERTAIN),
    (400, refusal(400, "Bad Request: message is not modified"), PERMANENT, REJECTED, CERTAIN),
    (400, refusal(400, "Bad Request: group chat was upgraded to a supergroup chat"), PERMANENT, REJECTED, CERTAIN),
    (400, refusal(400, "Logged out"), PERMANENT, REJECTED, CERTAIN),
    (413, refusal(413, "Request Entity Too Large"), PERMANENT, REJECTED, CERTAIN),
    (413, b"<html>413 Request Entity Too Large</html>", PERMANENT, REJECTED, CERTAIN),
    (
        400,
        refusal(400, "Bad Request: group chat was upgraded", '{"migrate_to_chat_id": -1001234567890123}'),
        Category.MIGRATED,
        REJECTED,
        CERTAIN,
    ),
    (429, refusal(429, "Too Many Requests: retry after 5", '{"retry_after": 5}'), RATE_LIMIT, NOT_SENT, CERTAIN),
    (429, b"<html>429 Too Many Requests</html>", RATE_LIMIT, NOT_SENT, CERTAIN),
    (500, refusal(500, "Internal Server Error: restart"), SERVER_ERROR, NOT_SENT, CERTAIN),
    (500, refusal(500, "Internal Server Error"), SERVER_ERROR, UNCERTAIN, PERHAPS),
    (500, HTML, SERVER_ERROR, UNCERTAIN, PERHAPS),
    (500, b"please restart", SERVER_ERROR, UNCERTAIN, PERHAPS),
    (503, refusal(503, "Service Unavailable"), SERVER_ERROR, UNCERTAIN, PERHAPS),
    (503, b"", SERVER_ERROR, UNCERTAIN, PERHAPS),
    (502, HTML, AMBIGUOUS, UNCERTAIN, PERHAPS),
    (502, refusal(502, "Bad Gateway"), AMBIGUOUS, UNCERTAIN, PERHAPS),
    (502, b'{"ok": true, "result": true}', AMBIGUOUS, UNCERTAIN, PERHAPS),
    (504, b"", AMBIGUOUS, UNCERTAIN, PERHAPS),
    (504, refusal(504, "Gateway Timeout"), AMBIGUOUS, UNCERTAIN, PERHAPS),
    (200, b"", AMBIGUOUS, UNCERTAIN, PERHAPS),
    (200, HTML, AMBIGUOUS, UNCERTAIN, PERHAPS),
    (200, b'{"ok": true, "result": {"message_id": 1', AMBIGUOUS, UNCERTAIN, PERHAPS),
    (200, b'{"ok": true, "result": {"message_id":}}', AMBIGUOUS, UNCERTAIN, PERHAPS),
    (200, b'{"result": {"message_id": 1}}', AMBIGUOUS, UNCERTAIN, PERHAPS),
    (200, b"[]", AMBIGUOUS, UNCERTAIN, PERHAPS),
    (200, b'{"ok": true, "result": ' + b"[" * 100_000, AMBIGUOUS, UNCERTAIN, PERHAPS),
    (409, refusal(409, "Conflict: terminated by other getUpdates request"), UNKNOWN, UNCERTAIN, PERHAPS),
    (418, refusal(418, "I'm a teapot"), UNKNOWN, UNCERTAIN, PERHAPS),
    (200, refusal(299, "Strange"), UNKNOWN, UNCERTAIN, PERHAPS),
    (200, b'{"ok": false}', UNKNOWN, UNCERTAIN, PERHAPS),
    (201, b'{"ok": true, "result": true}', UNKNOWN, UNCERTAIN, PERHAPS),
    (302, b"", UNKNOWN, UNCERTAIN, PERHAPS),
    (403, HTML, UNKNOWN, UNCERTAIN, PERHAPS),
]


@pytest.mark.parametrize(
    ("status", "body", "category", "final", "certain"),
    [pytest.param(*row, id=f"{row[0]} {row[1].decode()[:70]}") for row in ANSWERS],
)
def test_what_an_answer_means(status: int, body: bytes, category: Category, final: Final, certain: bool) -> None:
    failure = read_answer(status, body)

    assert isinstance(failure, Failure)
    assert (category, final, certain) == (failure.category, failure.final, failure.certain)


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (b'{"ok":true,"result":true}', b"true"),
        (b'{"ok": true, "result": {"message_id": 7, "text": "\\u00fc"}}', b'{"message_id": 7, "text": "\\u00fc"}'),
        (b'{"result":[1, 2],"ok":true,"description":"Webhook was set"}', b"[1, 2]"),
        (b'{"ok":true}', b"true"),
    ],
)
def test_telegram_s_result_passes_through_byte_for_byte(body: bytes, result: bytes) -> None:
    assert Delivered(result) == read_answer(200, body)


def test_the_body_s_code_counts_and_not_that_of_a_proxy() -> None:
    failure = read_answer(200, refusal(403, "Forbidden: bot was blocked by the user"))

    assert isinstance(failure, Failure)
    assert (Category.PERMANENT, 403) == (failure.category, failure.code)


def test_without_a_code_in_the_body_the_status_counts() -> None:
    failure = read_answer(404, b'{"ok": false, "description": "Not Found"}')

    assert Failure(Category.PERMANENT, "Not Found", 404, certain=True) == failure


def test_a_moved_chat_says_where_it_is_now() -> None:
    failure = read_answer(400, refusal(400, "Bad Request: upgraded", '{"migrate_to_chat_id": -1001234567890123}'))

    assert isinstance(failure, Failure)
    assert -1001234567890123 == failure.migrate_to


PLAIN_429 = refusal(429, "Too Many Requests")


@pytest.mark.parametrize(
    ("body", "header", "seconds"),
    [
        (refusal(429, "Too Many Requests", '{"retry_after": 35}'), None, 35.0),
        (refusal(429, "Too Many Requests", '{"retry_after": 35}'), "7", 35.0),
        (refusal(429, "Too Many Requests", '{"retry_after": 0}'), None, 0.0),
        (refusal(429, "Too Many Requests", '{"retry_after": 1.5}'), None, 1.5),
        (refusal(429, "Too Many Requests", '{"retry_after": -3}'), None, 0.0),
        (refusal(429, "Too Many Requests", '{"retry_after": 99999999}'), None, MAX_RETRY_AFTER_S),
        (PLAIN_429, "7", 7.0),
        (PLAIN_429, " 7 ", 7.0),
        (PLAIN_429, None, 1.0),
        (PLAIN_429, "Wed, 21 Oct 2026 07:28:00 GMT", 1.0),
        (PLAIN_429, "", 1.0),
        (PLAIN_429, "²", 1.0),
        (PLAIN_429, "9" * 400, MAX_RETRY_AFTER_S),
        (refusal(429, "Too Many Requests", '{"retry_after": "soon"}'), "7", 7.0),
        (b"<html>", "7", 7.0),
        (b"<html>", None, 1.0),
    ],
)
def test_a_429_says_how_long_to_wait_and_where_it_does_not_a_second(
    body: bytes, header: str | None, seconds: float
) -> None:
    failure = read_answer(429, body, header)

    assert isinstance(failure, Failure)
    assert (Category.RATE_LIMIT, seconds) == (failure.category, failure.retry_after_s)


@pytest.mark.parametrize("status", [200, 400, 500, 502])
def test_nothing_but_a_429_is_waited_for(status: int) -> None:
    failure = read_answer(status, refusal(status, "no"), "60")

    assert isinstance(failure, Failure)
    assert 0.0 == failure.retry_after_s


def test_a_call_that_never_left_was_certainly_not_executed() -> None:
    failure = never_left("connection refused")

    assert (Category.UNREACHABLE, Final.NOT_SENT, True) == (failure.category, failure.final, failure.certain)


def test_a_lost_answer_leaves_it_uncertain() -> None:
    failure = lost_answer("timeout after 60 s")

    assert (Category.AMBIGUOUS, Final.UNCERTAIN, False) == (failure.category, failure.final, failure.certain)


@pytest.mark.parametrize(
    "failure",
    [
        read_answer(400, refusal(400, f"Bad Request: no host in /bot{TOKEN_TEXT}/sendMessage")),
        read_answer(500, refusal(500, f"{TOKEN_TEXT} failed")),
        read_answer(400, refusal(400, "x" * (MAX_DESCRIPTION - 20) + " " + TOKEN_TEXT)),
        never_left(f"Cannot connect to https://api.telegram.org/bot{TOKEN_TEXT}/getMe"),
        lost_answer(f"reset: https://api.telegram.org/bot{TOKEN_TEXT}/getMe"),
    ],
    ids=["400", "500", "cut", "never left", "lost"],
)
def test_no_description_tells_a_token(failure: Failure) -> None:
    assert TOKEN_TEXT.partition(":")[2][:8] not in repr(failure)


def test_a_description_has_a_limit() -> None:
    for failure in (read_answer(400, refusal(400, "x" * 9999)), never_left("x" * 9999), lost_answer("x" * 9999)):
        assert isinstance(failure, Failure)
        assert MAX_DESCRIPTION == len(failure.description)


@given(
    st.sampled_from([200, 201, 204, 302, 400, 401, 403, 404, 409, 413, 418, 429, 500, 502, 503, 504, 599]),
    st.one_of(
        st.binary(max_size=60),
        st.builds(
            refusal,
            st.integers(-10, 999),
            st.sampled_from(["", "no", "restart"]),
            st.sampled_from(["", "null", "{}", "[]", '{"retry_after": 1e9}', '{"migrate_to_chat_id": 1}', "7"]),
        ),
    ),
    st.one_of(st.none(), st.text(max_size=5), st.integers(0, 10**6).map(str)),
)
@example(429, b"", "²")
@settings(max_examples=200, deadline=None)
def test_every_answer_whatever_means_something(status: int, body: bytes, header: str | None) -> None:
    answer = read_answer(status, body, header)

    assert isinstance(answer, (Delivered, Failure))
    if isinstance(answer, Failure):
        assert answer.certain or answer.final is Final.UNCERTAIN
        assert (answer.migrate_to is not None) == (answer.category is Category.MIGRATED)


# The table of design section 2


@pytest.mark.parametrize("category", Category)
def test_every_category_has_a_treatment(category: Category) -> None:
    assert isinstance(TREATMENT[category], Treatment)


EXPECTED = {
    Category.RATE_LIMIT: Treatment(3, Strategy.AT_ONCE, OnBreaker.NOTHING, False, NOT_SENT),
    Category.UNREACHABLE: Treatment(2, Strategy.EXPONENTIAL, OnBreaker.COUNTS, True, NOT_SENT),
    Category.AMBIGUOUS: Treatment(2, Strategy.EXPONENTIAL, OnBreaker.COUNTS, True, UNCERTAIN),
    Category.SERVER_ERROR: Treatment(2, Strategy.EXPONENTIAL, OnBreaker.COUNTS, True, UNCERTAIN),
    Category.PERMANENT: Treatment(0, Strategy.AT_ONCE, OnBreaker.NOTHING, False, REJECTED),
    Category.UNAUTHORIZED: Treatment(0, Strategy.AT_ONCE, OnBreaker.OPENS, True, REJECTED),
    Category.MIGRATED: Treatment(1, Strategy.AT_ONCE, OnBreaker.NOTHING, False, REJECTED),
    Category.UNKNOWN: Treatment(2, Strategy.LINEAR, OnBreaker.COUNTS, True, UNCERTAIN),
}


def test_the_treatments_are_those_of_the_design() -> None:
    assert EXPECTED == TREATMENT


def test_a_tenant_s_mistake_neither_stops_the_bot_nor_makes_it_ill() -> None:
    treatment = TREATMENT[Category.PERMANENT]

    assert OnBreaker.NOTHING is treatment.on_breaker
    assert not treatment.is_failure


@pytest.mark.parametrize("category", [None, *Category])
@pytest.mark.parametrize("final", Final)
def test_every_end_has_a_problem_code_for_its_caller(final: Final, category: Category | None) -> None:
    expected = {
        (Final.REJECTED, Category.UNAUTHORIZED): "token_unauthorized",
        (Final.NOT_SENT, Category.RATE_LIMIT): "telegram_hold",
    }
    ordinary = {
        Final.DELIVERED: "",
        Final.REJECTED: "telegram_rejected",
        Final.NOT_SENT: "telegram_unreachable",
        Final.UNCERTAIN: "delivery_uncertain",
    }

    assert expected.get((final, category), ordinary[final]) == code_of(final, category)
