"""Every error is a problem of one form, and every code says what its reader can do."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from actors.acceptance import IN_FLIGHT
from domain.failure import CODES
from domain.rules.gates import REFUSED_AS
from gateway.codes import PROBLEMS
from gateway.problems import Problem, told
from tests.examples import BOT_ID
from tests.gateway.fakes import House

STATUS = {
    "invalid_request": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "csrf": 403,
    "not_found": 404,
    "unknown_method": 404,
    "method_not_allowed": 405,
    "before_retention": 410,
    "request_timeout": 408,
    "body_too_large": 413,
    "headers_too_large": 431,
    "method_refused": 422,
    "idempotency_mismatch": 422,
    "idempotency_in_flight": 409,
    "bot_exists": 409,
    "token_format": 422,
    "token_unauthorized": 409,
    "token_mismatch": 422,
    "token_unreachable": 503,
    "bot_suspended": 409,
    "bot_unverified": 409,
    "bot_verified": 409,
    "foreign_webhook": 409,
    "updates_pushed": 409,
    "updates_conflict": 409,
    "telegram_rejected": 422,
    "telegram_hold": 429,
    "rate_limited": 429,
    "too_many_streams": 429,
    "too_many_requests": 429,
    "breaker_open": 503,
    "overloaded": 503,
    "telegram_unreachable": 503,
    "deadline_exceeded": 503,
    "cancelled": 409,
    "not_cancellable": 409,
    "delivery_uncertain": 504,
    "delivery_unrecorded": 504,
    "shutting_down": 503,
    "store_unavailable": 503,
    "rebuild_runs": 409,
    "not_stopped_there": 409,
    "cannot_rotate": 409,
    "internal": 500,
}


def test_every_code_has_its_status() -> None:
    assert STATUS == {code: kind.status for code, kind in PROBLEMS.items()}


@pytest.mark.parametrize("code", STATUS)
def test_a_problem_has_a_title_a_sentence_and_a_page(house: House, code: str) -> None:
    response = told(Problem(code))
    kind = PROBLEMS[code]
    page = house.call("GET", f"/problems/{code}", key="")

    assert STATUS[code] == response.status_code
    assert "application/problem+json" == response.headers["content-type"]
    assert kind.title
    assert kind.advice.endswith(".")
    assert (200, {"code": code, "title": kind.title, "status": kind.status, "detail": kind.advice}) == (
        page.status_code,
        page.json(),
    )


@pytest.mark.parametrize("code", [code for code, status in STATUS.items() if status in {429, 503}])
def test_what_passes_says_when_to_come_back(code: str) -> None:
    assert "1" == told(Problem(code)).headers["Retry-After"]
    assert "4" == told(Problem(code, retry_after_s=3.01)).headers["Retry-After"]


def test_a_key_whose_command_is_under_way_says_when_to_ask_again(house: House) -> None:
    house.fleet.says = IN_FLIGHT
    answer = house.send(headers={"Idempotency-Key": "order-17"})

    assert_problem(answer, 409, "idempotency_in_flight")
    assert "1" == answer.headers["Retry-After"]
    assert 1.0 == answer.json()["retry_after_s"]


def test_what_no_waiting_helps_says_no_time() -> None:
    assert "Retry-After" not in told(Problem("bot_suspended")).headers


def test_every_code_that_a_command_can_end_with_is_known() -> None:
    of_failures = {code for codes in CODES.values() for code in codes.values() if code}

    assert of_failures | set(REFUSED_AS.values()) <= PROBLEMS.keys()


def test_all_pages_are_listed(house: House) -> None:
    assert [*PROBLEMS] == [page["code"] for page in house.call("GET", "/problems", key="").json()["problems"]]


def test_there_is_no_page_for_a_code_that_is_none(house: House) -> None:
    assert_problem(house.call("GET", "/problems/nonsense", key=""), 404, "not_found")


@pytest.mark.parametrize("path", ["/nowhere", "/api/bots/", "/api/bots/1/commands", "/health", "/openapi"])
def test_where_nothing_is_nothing_is_found(house: House, path: str) -> None:
    assert_problem(house.call("GET", path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/bots", "GET, POST, HEAD, OPTIONS"),
        ("POST", "/health/live", "GET, HEAD, OPTIONS"),
        ("GET", "/auth/register", "POST, OPTIONS"),
        ("TRACE", "/api/keys", "GET, POST, HEAD, OPTIONS"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(house: House, method: str, path: str, allowed: str) -> None:
    answer = house.call(method, path)

    assert_problem(answer, 405, "method_not_allowed")
    assert allowed == answer.headers["Allow"]


def test_options_names_the_methods_without_a_key(house: House) -> None:
    answer = house.call("OPTIONS", "/api/bots", key="")

    assert (204, "GET, POST, HEAD, OPTIONS") == (answer.status_code, answer.headers["Allow"])


def test_head_is_a_get_without_its_body(house: House) -> None:
    answer = house.call("HEAD", "/health/live", key="")

    assert (200, "17") == (answer.status_code, answer.headers["Content-Length"])


@pytest.mark.parametrize("path", ["/", "/api/bots", "/nowhere"])
def test_no_answer_is_kept_by_a_browser_or_may_load_anything_in_it(house: House, path: str) -> None:
    answer = house.call("GET", path)

    assert "no-store" == answer.headers["Cache-Control"]
    assert "default-src 'none'; frame-ancestors 'none'" == answer.headers["Content-Security-Policy"]


def test_what_nobody_expected_is_told_without_internals(house: House) -> None:
    house.fleet.says = RuntimeError("the secret is 7000000001:AAHexamples")
    with capture_logs() as lines:
        answer = house.call("POST", f"/api/bots/{BOT_ID}/resume")

    assert_problem(answer, 500, "internal")
    assert ["RuntimeError"] == [line["error"] for line in lines]
    assert answer.json()["request_id"] == lines[0]["request_id"]
    assert "secret" not in answer.text
    assert "secret" not in str(lines)


def test_a_failure_in_the_middle_of_a_command_is_told_the_same_way(house: House) -> None:
    house.fleet.says = ValueError("inner works")
    answer = house.send()

    assert_problem(answer, 500, "internal")
    assert "inner" not in answer.text


def assert_problem(answer: Any, status: int, code: str) -> None:
    assert "application/problem+json" == answer.headers["Content-Type"]
    assert (status, status, code, f"/problems/{code}", PROBLEMS[code].title) == (
        answer.status_code,
        *(answer.json()[name] for name in ("status", "code", "type", "title")),
    )
    assert answer.json()["detail"]
