"""What callers may: each request belongs to one limit, what is over it changes nothing, and who is told what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from limits import RateLimitItem, parse
from starlette.routing import Route
from structlog.testing import capture_logs

from domain.rules.forwarded import networks_in
from gateway.allowance import Allowance
from gateway.counts import Counts
from gateway.limits import Kind, Limits, kind_of
from gateway.routing import Resource
from tests.examples import BOT_ID, NOON, TOKEN_TEXT
from tests.gateway.fakes import House

ACME, GLOBEX = "203.0.113.7", "203.0.113.8"
MISTYPED = "blk_of_somebody_else"
COMMAND = f"/api/bots/{BOT_ID}/commands/getMe"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def steady(self) -> float:
        return self.now_s

    def utc(self) -> datetime:
        return NOON + timedelta(seconds=self.now_s - 1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limited(build: Callable[..., House], clock: Clock) -> Callable[..., House]:
    """A house behind a proxy, with these limits alone: `bot_creation="5/hour"`."""

    def made(shared: Any = None, **rates: str) -> House:
        limits = Limits({Kind(name): parse(rate) for name, rate in rates.items()}, clock, shared)
        return build(
            limits, trusted_proxies=networks_in("127.0.0.1"), whitelist=networks_in("127.0.0.0/8, 192.0.2.0/24")
        )

    return made


def call(house: House, method: str, path: str, body: object = None, *, by: str = ACME, **more: Any) -> Any:
    return house.call(method, path, body, headers={"X-Forwarded-For": by}, **more)


def codes(answers: list[Any]) -> list[int]:
    return [answer.status_code for answer in answers]


# Which limit


EVERY_REQUEST = [
    ("GET", "/", Kind.PUBLIC),
    ("GET", "/health/live", Kind.PUBLIC),
    ("GET", "/health/ready", Kind.PUBLIC),
    ("GET", "/openapi.json", Kind.PUBLIC),
    ("GET", "/docs", Kind.PUBLIC),
    ("GET", "/problems", Kind.PUBLIC),
    ("GET", "/problems/{code}", Kind.PUBLIC),
    ("POST", "/auth/logout", Kind.PUBLIC),
    ("GET", "/auth/session", Kind.PUBLIC),
    ("GET", "/nosuchpath", Kind.PUBLIC),
    ("POST", "/auth/register", Kind.REGISTER),
    ("POST", "/auth/login", Kind.LOGIN),
    ("POST", "/api/bots", Kind.BOT_CREATION),
    ("GET", "/api/bots", Kind.MANAGEMENT),
    ("PATCH", "/api/bots/{bot_id}", Kind.MANAGEMENT),
    ("POST", "/api/bots/{bot_id}/commands/{method}", Kind.COMMANDS),
    ("GET", "/api/bots/{bot_id}/commands/{method}", Kind.MANAGEMENT),
    ("GET", "/api/bots/{bot_id}/commands", Kind.MANAGEMENT),
    ("GET", "/api/bots/{bot_id}/updates", Kind.COMMANDS),
    ("GET", "/api/commands/{command_id}", Kind.COMMANDS),
    ("DELETE", "/api/commands/{command_id}", Kind.COMMANDS),
    ("POST", "/webhook/{opaque}", Kind.WEBHOOKS),
    ("GET", "/admin/tenants", Kind.ADMIN),
    ("POST", "/admin/tenants/{tenant_id}/keys", Kind.ADMIN),
    ("POST", "/admin/system/retention", Kind.ADMIN),
]


@pytest.mark.parametrize(("method", "path", "expected"), EVERY_REQUEST)
def test_a_request_belongs_to_one_limit(method: str, path: str, expected: Kind) -> None:
    assert expected == kind_of(method, path)


def test_every_route_has_a_limit_and_those_of_the_public_are_named(house: House) -> None:
    public = {path for _, path, kind in EVERY_REQUEST if kind is Kind.PUBLIC} - {"/nosuchpath"}
    served = {
        (method, route.path)
        for route in house.client.app.routes
        if isinstance(route, Route)
        for method in (route.endpoint.allowed if isinstance(route.endpoint, Resource) else ("POST",))
    }

    assert public == {path for method, path in served if kind_of(method, path) is Kind.PUBLIC}
    for method, path in served:
        if path.startswith("/admin/"):
            assert Kind.ADMIN == kind_of(method, path)
        if path.startswith("/api/"):
            assert kind_of(method, path) in (Kind.MANAGEMENT, Kind.BOT_CREATION, Kind.COMMANDS)


# By address


def test_the_request_over_the_limit_changes_nothing_and_is_told_when_it_may_come_again(
    limited: Callable[..., House], clock: Clock
) -> None:
    house = limited(bot_creation="5/hour")
    for _ in range(5):
        clock.now_s += 60
        assert 409 == call(house, "POST", "/api/bots", {"token": TOKEN_TEXT}).status_code
    asked = len(house.fleet.asked)
    answer = call(house, "POST", "/api/bots", {"token": TOKEN_TEXT})

    assert 429 == answer.status_code
    assert {
        "type": "/problems/too_many_requests",
        "title": "Too many requests",
        "status": 429,
        "detail": "Nothing was done: more than 5 bot registrations in an hour.",
        "code": "too_many_requests",
        "limit": "bot_creation",
        "retry_after_s": 3360.0,
    } == answer.json()
    assert {
        "retry-after": "3360",
        "ratelimit-policy": "5;w=3600",
        "ratelimit-limit": "5",
        "ratelimit-remaining": "0",
        "ratelimit-reset": "3360",
        "x-ratelimit-limit": "5",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": str(int(NOON.timestamp()) + 300 + 3360),
    } == {name: value for name, value in answer.headers.items() if "ratelimit" in name or name == "retry-after"}
    assert asked == len(house.fleet.asked)


def test_one_more_is_free_as_soon_as_the_oldest_is_a_window_old(limited: Callable[..., House], clock: Clock) -> None:
    house = limited(management="2/minute")
    first = call(house, "GET", "/api/bots")
    clock.now_s += 30
    second, over = call(house, "GET", "/api/bots"), call(house, "GET", "/api/bots")
    clock.now_s += 30
    third, over_again = call(house, "GET", "/api/bots"), call(house, "GET", "/api/bots")

    assert [200, 200, 429, 200, 429] == codes([first, second, over, third, over_again])
    assert ["1", "0", "0"] == [one.headers["RateLimit-Remaining"] for one in (first, second, third)]


def test_each_client_behind_a_proxy_has_its_own_count_and_what_it_writes_itself_changes_nothing(
    limited: Callable[..., House],
) -> None:
    house = limited(management="2/minute")
    acme = [call(house, "GET", "/api/bots", by=f"198.51.100.{n}, {ACME}") for n in range(3)]
    globex = [call(house, "GET", "/api/bots", by=GLOBEX) for _ in range(2)]

    assert ([200, 200, 429], [200, 200]) == (codes(acme), codes(globex))


def test_addresses_of_one_64_are_counted_together(limited: Callable[..., House]) -> None:
    house = limited(management="2/minute")
    same = [call(house, "GET", "/api/bots", by=f"2001:db8:1:2::{n}") for n in range(3)]
    other = call(house, "GET", "/api/bots", by="2001:db8:1:3::1")

    assert [200, 200, 429, 200] == codes([*same, other])


def test_who_is_whitelisted_is_never_limited(limited: Callable[..., House]) -> None:
    house = limited(management="1/minute", commands="1/minute", failed_auth="1/minute")
    by = "192.0.2.5"
    answers = [call(house, "GET", "/api/bots", by=by) for _ in range(3)]
    answers += [call(house, "POST", COMMAND, {}, by=by) for _ in range(3)]
    failed = [call(house, "GET", "/api/bots", key=MISTYPED, by=by) for _ in range(3)]

    assert [200] * 6 == codes(answers)
    assert [401] * 3 == codes(failed)
    assert not any("RateLimit-Limit" in answer.headers for answer in answers)


def test_the_proxy_itself_is_limited_though_it_stands_on_the_whitelist(limited: Callable[..., House]) -> None:
    house = limited(management="1/minute")

    assert [200, 429] == codes([house.call("GET", "/api/bots") for _ in range(2)])


def test_limits_do_not_count_for_one_another(limited: Callable[..., House]) -> None:
    house = limited(management="1/minute", admin="1/minute", public="1/minute")
    answers = [
        call(house, "GET", "/api/bots"),
        call(house, "GET", "/admin/tenants", key=house.admin_key),
        call(house, "GET", "/health/live"),
    ]

    assert [200, 200, 200] == codes(answers)


# Failed keys


def test_who_has_shown_too_many_wrong_keys_is_refused_before_its_key_is_looked_at(
    limited: Callable[..., House], clock: Clock
) -> None:
    house = limited(failed_auth="5/15 minutes")
    failed = [call(house, "GET", "/api/bots", key=MISTYPED) for _ in range(4)]
    failed.append(call(house, "POST", COMMAND, {}, key=MISTYPED))
    right = [call(house, "GET", "/api/bots"), call(house, "POST", COMMAND, {})]
    elsewhere = call(house, "GET", "/api/bots", by=GLOBEX)
    clock.now_s += 900
    later = call(house, "GET", "/api/bots")

    assert ([401] * 5, [429, 429]) == (codes(failed), codes(right))
    assert "failed_auth" == right[0].json()["limit"]
    assert [] == house.fleet.commands
    assert [200, 200] == codes([elsewhere, later])


def test_wrong_keys_at_the_login_are_failures_too(limited: Callable[..., House]) -> None:
    house = limited(failed_auth="2/15 minutes")
    tried = [MISTYPED, MISTYPED, house.key]
    answers = [call(house, "POST", "/auth/login", {"api_key": text}, key="") for text in tried]
    elsewhere = call(house, "POST", "/auth/login", {"api_key": house.key}, key="", by=GLOBEX)

    assert [401, 401, 429, 200] == codes([*answers, elsewhere])


def test_right_keys_wrong_scopes_and_requests_without_a_key_are_no_failures(limited: Callable[..., House]) -> None:
    house = limited(failed_auth="1/15 minutes")
    answers = [call(house, "GET", "/api/bots", key="") for _ in range(3)]
    answers += [call(house, "GET", "/admin/tenants") for _ in range(3)]
    answers += [call(house, "GET", "/api/bots") for _ in range(3)]

    assert [401] * 3 + [403] * 3 + [200] * 3 == codes(answers)


# By key and by path


def test_commands_are_counted_by_key_wherever_they_come_from(limited: Callable[..., House]) -> None:
    house = limited(commands="2/minute")
    answers = [call(house, "POST", COMMAND, {}, by=by) for by in (ACME, GLOBEX, ACME)]
    other = call(house, "POST", COMMAND, {}, key=house.other_key)
    story = call(house, "GET", "/api/commands/nosuchcommand")
    pulled = call(house, "GET", f"/api/bots/{BOT_ID}/updates")

    assert [200, 200, 429, 404, 429, 429] == codes([*answers, other, story, pulled])
    assert ("commands", "not_sent") == (answers[2].json()["limit"], answers[2].json()["outcome"])
    assert "Nothing was done: more than 2 commands with one key in a minute." == answers[2].json()["detail"]
    assert 3 == len(house.fleet.commands)


def test_a_command_without_a_key_is_the_public_s_request(limited: Callable[..., House]) -> None:
    house = limited(public="1/minute", commands="1/minute")

    assert [401, 429] == codes([call(house, "POST", COMMAND, {}, key="") for _ in range(2)])


def test_updates_are_counted_by_path_and_wrong_ones_by_address(limited: Callable[..., House]) -> None:
    house = limited(webhooks="2/minute")
    secret = {"X-Telegram-Bot-Api-Secret-Token": "secret"}

    def brought(path: str, by: str) -> int:
        headers = {**secret, "X-Forwarded-For": by}
        body = {"update_id": 1, "message": {"chat": {"id": 5}}}
        return int(house.call("POST", f"/webhook/{path}", body, key="", headers=headers).status_code)

    wrong = [brought("nosuchpath", ACME) for _ in range(3)]
    right = [brought("opaque", by) for by in (ACME, GLOBEX, ACME)]

    assert ([404, 404, 429], [200, 200, 429]) == (wrong, right)
    assert 2 == len(house.doors.doorstep.brought)  # type: ignore[attr-defined]


# Who is told


def test_an_admin_sees_the_limits_and_how_often_they_refused(limited: Callable[..., House]) -> None:
    house = limited(management="1/minute", commands="6000/minute")
    for _ in range(3):
        call(house, "GET", "/api/bots")

    assert {
        "enabled": True,
        "storage": "memory",
        "shared": False,
        "limits": [
            {"limit": "management", "rate": "1 per 1 minute", "refused": 2},
            {"limit": "commands", "rate": "6000 per 1 minute", "refused": 0},
        ],
    } == call(house, "GET", "/admin/system/rate-limiter", key=house.admin_key).json()["callers"]


def test_a_refusal_is_logged_with_its_address_once_a_minute_and_without_the_key(
    limited: Callable[..., House], clock: Clock
) -> None:
    house = limited(commands="1/minute", management="1/minute")
    with capture_logs() as logs:
        for _ in range(4):
            call(house, "POST", COMMAND, {})
            call(house, "GET", "/api/bots", by="2001:db8::7")
        clock.now_s += 30
        call(house, "POST", COMMAND, {})

    told = [(one["limit"], one["address"]) for one in logs if one["event"] == "caller_limited"]
    assert [("commands", ACME), ("management", "2001:db8::7")] == told
    assert house.key not in str(logs)


# Together with other processes


class Elsewhere:
    """What Redis says, and None while it is away."""

    storage = "redis"

    def __init__(self) -> None:
        self.is_there = True
        self.says: list[Allowance | None] = []
        self.asked: list[tuple[RateLimitItem, tuple[str, ...]]] = []

    async def taken(self, rate: RateLimitItem, *who: str) -> Allowance | None:
        self.asked.append((rate, who))
        return self.says.pop(0)


def test_what_others_have_used_up_is_refused_here_too_and_does_not_count_here(limited: Callable[..., House]) -> None:
    elsewhere, rate = Elsewhere(), parse("2/minute")
    elsewhere.says = [Allowance(rate, 0, 7.2, is_over=True)] * 3 + [Allowance(rate, 1, 60.0, is_over=False)]
    house = limited(elsewhere, management="2/minute")
    answers = [call(house, "GET", "/api/bots") for _ in range(4)]

    assert [429, 429, 429, 200] == codes(answers)
    assert ("8", "1") == (answers[0].headers["Retry-After"], answers[3].headers["RateLimit-Remaining"])
    assert [(rate, ("management", ACME))] * 4 == elsewhere.asked


def test_while_redis_is_away_this_process_goes_on_with_what_it_has_counted(limited: Callable[..., House]) -> None:
    elsewhere, rate = Elsewhere(), parse("2/minute")
    elsewhere.says = [Allowance(rate, 1, 60.0, is_over=False), None]
    house = limited(elsewhere, management="2/minute")

    assert [200, 200, 429] == codes([call(house, "GET", "/api/bots") for _ in range(3)])


def test_wrong_keys_shown_to_others_count_from_the_first_one_here(limited: Callable[..., House]) -> None:
    elsewhere = Elsewhere()
    elsewhere.says = [Allowance(parse("5/hour"), 0, 60.0, is_over=True)]
    house = limited(elsewhere, failed_auth="5/hour")

    assert [401, 429] == codes([call(house, "GET", "/api/bots", key=MISTYPED), call(house, "GET", "/api/bots")])


# The counts themselves


def test_what_is_out_of_its_window_is_forgotten(clock: Clock) -> None:
    counts = Counts(clock.steady)
    for n in range(1000):
        clock.now_s += 1
        counts.acquire_entry(f"client {n}", 5, 60)

    assert 60 == len(counts)


def test_however_many_clients_there_are_no_more_are_remembered_than_may_be(clock: Clock) -> None:
    counts = Counts(clock.steady, keys_max=10)
    for n in range(1000):
        counts.acquire_entry(f"client {n}", 1, 60)

    assert 10 == len(counts)
    assert [False, True] == [counts.acquire_entry(f"client {n}", 1, 60) for n in (999, 0)]
