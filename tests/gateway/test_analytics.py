"""Analysts' questions over HTTP: who sees what, which ranges make sense, and answers shaped for charts."""

from __future__ import annotations

from typing import Any

import pytest

from domain.failure import Category
from domain.tenant import Scope
from tests.examples import BOT_ID, OTHER_BOT_ID, OTHER_TENANT, a_delivered, a_rejected, an_uncertain
from tests.gateway.fakes import House
from tests.projections.sample_events import attempt_failed

QUESTIONS = ("summary", "trends", "errors", "chats", "methods")
OF_THE_BOT = f"/api/bots/{BOT_ID}/analytics"


@pytest.fixture
def busy(house: House) -> House:
    """Three commands of `acme`'s bot, of which one was rejected, and one of `globex`'s; told to all who ask."""
    house.log.add(a_delivered("1"))
    house.log.add(a_rejected("2"))
    house.log.add(attempt_failed(command_id="3", category=Category.RATE_LIMIT, telegram_code=429))
    house.log.add(a_delivered("3"))
    at = house.log.add(an_uncertain("4", bot_id=OTHER_BOT_ID, tenant_id=OTHER_TENANT))
    assert house.client.loop.run(house.runner.wait_for(at, 10.0))
    return house


def analyst(house: House) -> str:
    return str(house.accounts.found("inc", "Inc", (Scope.ANALYST,)).api_key)


def told(house: House, path: str, **more: Any) -> Any:
    answer = house.call("GET", path, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_bot_s_summary_has_its_day_week_and_month(busy: House) -> None:
    summary = told(busy, f"{OF_THE_BOT}/summary")
    today = summary["today"]

    assert [3, 3, 3, 0] == [
        summary[period]["total_requests"] for period in ("today", "this_week", "this_month", "last_week")
    ]
    assert (2, 1, 1, 1) == tuple(
        today[f] for f in ("successful_requests", "rejected_requests", "rate_limited", "retries")
    )
    assert ("2026-07-01T00:00:00Z", "2026-07-01T13:00:00Z") == (today["from"], today["to"])
    assert (12, "wednesday") == (summary["most_active_hour"]["hour"], summary["most_active_weekday"]["weekday"])
    assert [("sendMessage", 3)] == [(row["method"], row["total_requests"]) for row in summary["top_methods"]]
    assert [("42", 3)] == [(row["chat"], row["total_requests"]) for row in summary["top_chats"]]


def test_what_a_caller_has_just_sent_is_counted(house: House) -> None:
    house.send()

    assert 1 == told(house, f"{OF_THE_BOT}/summary")["today"]["total_requests"]


def test_trends_are_points_for_a_chart(busy: House) -> None:
    days = told(busy, f"{OF_THE_BOT}/trends")
    hours = told(busy, f"{OF_THE_BOT}/trends?days=1")
    given = told(busy, f"{OF_THE_BOT}/trends?from=2026-06-01&to=2026-06-30&by=week")

    assert ("day", 7, [0, 0, 0, 0, 0, 0, 3]) == (
        days["by"],
        len(days["points"]),
        [point["total_requests"] for point in days["points"]],
    )
    assert ("hour", 13) == (hours["by"], len(hours["points"]))
    assert ["2026-06-01T00:00:00Z", "2026-06-29T00:00:00Z"] == [given["points"][n]["at"] for n in (0, -1)]
    assert ("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z") == (
        given["this_period"]["from"],
        given["this_period"]["to"],
    )


def test_errors_name_what_telegram_said_and_where(busy: House) -> None:
    errors = told(busy, f"{OF_THE_BOT}/errors")
    (error,) = errors["errors"]["rows"]

    assert ("rejected", "permanent", "telegram_rejected", 400, "Bad Request: chat not found", 1, 1.0) == tuple(
        error[name] for name in ("counted_as", "category", "code", "telegram_code", "description", "count", "share")
    )
    assert ["42"] == [chat["chat"] for chat in errors["chats"]]
    assert (1, 12) == (errors["rate_limits"]["count"], errors["rate_limits"]["peak_hour"])


def test_lists_come_in_pages(busy: House) -> None:
    busy.call("POST", f"/api/bots/{BOT_ID}/commands/getMe", {})
    first = told(busy, f"{OF_THE_BOT}/methods?limit=1")
    rest = told(busy, f"{OF_THE_BOT}/methods?limit=1&offset={first['next_offset']}")

    assert (["sendMessage"], ["getMe"], None) == (
        [row["method"] for row in first["methods"]],
        [row["method"] for row in rest["methods"]],
        rest["next_offset"],
    )


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_tenant_sees_its_own_and_nothing_else(busy: House, question: str) -> None:
    own = told(busy, f"/api/analytics/{question}")

    assert own == told(busy, f"{OF_THE_BOT}/{question}") == told(busy, f"/api/analytics/{question}?tenant_id=acme")
    assert 404 == busy.call("GET", f"/api/bots/{OTHER_BOT_ID}/analytics/{question}").status_code
    assert 403 == busy.call("GET", f"/api/analytics/{question}?tenant_id={OTHER_TENANT}").status_code
    nobody_s = told(busy, f"/api/analytics/{question}?bot_id=123")
    assert nobody_s == told(busy, f"/api/analytics/{question}?bot_id={OTHER_BOT_ID}")


def test_an_analyst_sees_the_fleet_and_any_part_of_it(busy: House) -> None:
    key = analyst(busy)

    def requests(path: str) -> int:
        return int(told(busy, path, key=key)["today"]["total_requests"])

    assert 4 == requests("/api/analytics/summary")
    assert 1 == requests(f"/api/analytics/summary?tenant_id={OTHER_TENANT}")
    assert 3 == requests(f"/api/analytics/summary?bot_id={BOT_ID}")
    assert 1 == requests(f"/api/bots/{OTHER_BOT_ID}/analytics/summary")
    assert 0 == requests(f"/api/analytics/summary?bot_id={BOT_ID}&tenant_id={OTHER_TENANT}")
    assert 404 == busy.call("GET", "/api/bots/123/analytics/summary", key=key).status_code


def test_tenants_are_ranked_for_analysts_and_a_tenant_finds_itself(busy: House) -> None:
    key = analyst(busy)
    ranked = told(busy, "/api/analytics/tenants", key=key)
    page = told(busy, "/api/analytics/tenants?limit=1&offset=1", key=key)
    own = told(busy, "/api/analytics/tenants")

    assert [(OTHER_TENANT, 1.0), ("acme", 0.0)] == [
        (row["tenant_id"], row["error_rate_rise"]) for row in ranked["tenants"]["rows"]
    ]
    assert ["acme"] == [row["tenant_id"] for row in own["tenants"]["rows"]]
    assert ["acme"] == [row["tenant_id"] for row in page["tenants"]["rows"]]
    assert ("2026-06-25T00:00:00Z", "2026-06-18T00:00:00Z") == (ranked["from"], ranked["previous_from"])


def test_a_former_owner_still_sees_what_was(busy: House) -> None:
    busy.call("DELETE", f"/api/bots/{BOT_ID}")

    assert 404 == busy.call("GET", f"/api/bots/{BOT_ID}").status_code
    assert 3 == told(busy, f"{OF_THE_BOT}/summary")["today"]["total_requests"]
    assert 404 == busy.call("GET", f"{OF_THE_BOT}/summary", key=busy.other_key).status_code


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("days=0", '"days" must be a whole number from 1 to 366.'),
        ("days=367", '"days" must be a whole number from 1 to 366.'),
        ("days=a+week", '"days" must be a whole number from 1 to 366.'),
        ("days=7&from=2026-06-01", 'Either "days", or "from" and "to".'),
        ("to=2026-06-01", '"to" needs a "from": from=2026-07-01&to=2026-07-07 is a week.'),
        ("from=yesterday", '"from" must be a day such as 2026-07-01.'),
        ("from=2026-06-31", '"from" must be a day such as 2026-07-01.'),
        ("from=2026-06-02&to=2026-06-01", '"to" is before "from".'),
        ("from=2026-07-02", '"from" is after today, 2026-07-01.'),
        ("from=2025-06-01&to=2026-06-30", "The range may have 366 days at most."),
        ("by=minute", '"by" must be one of hour, day, week, month.'),
        ("days=40&by=hour", "Hour by hour a range may have 31 days at most."),
    ],
)
def test_a_range_that_makes_no_sense_is_refused_in_a_sentence(house: House, query: str, detail: str) -> None:
    answer = house.call("GET", f"{OF_THE_BOT}/trends?{query}")

    assert (400, "invalid_request", detail) == (answer.status_code, answer.json()["code"], answer.json()["detail"])


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/analytics/chats?limit=101", 400, "invalid_request"),
        ("/api/analytics/chats?offset=100001", 400, "invalid_request"),
        ("/api/analytics/chats?sort=name", 400, "invalid_request"),
        ("/api/analytics/chats?tenant_id=", 400, "invalid_request"),
        (f"/api/analytics/chats?tenant_id={'t' * 65}", 400, "invalid_request"),
        ("/api/analytics/chats?bot_id=mine", 404, "not_found"),
        ("/api/bots/mine/analytics/chats", 404, "not_found"),
    ],
)
def test_other_nonsense_is_refused_too(house: House, path: str, status: int, code: str) -> None:
    answer = house.call("GET", path, key=house.admin_key)

    assert (status, code) == (answer.status_code, answer.json()["code"])


def test_to_after_today_ends_today(house: House) -> None:
    given = told(house, f"{OF_THE_BOT}/trends?from=2026-06-30&to=2026-12-31")

    assert ("2026-07-01T13:00:00Z", "hour") == (given["this_period"]["to"], given["by"])
