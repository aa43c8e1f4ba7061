"""Questions about an earlier moment: a position, or a time."""

from __future__ import annotations

import pytest

from domain.errors import StoreUnavailable
from projections.past import Past
from tests.doubles import ManualClock
from tests.examples import BOT_ID, TOKEN_TEXT, a_delivered, after
from tests.gateway.fakes import House

ADMIN_PATHS = [
    f"/admin/system/bot-health/{BOT_ID}",
    "/admin/system/bot-health/summary",
    "/admin/system/bot-health/unhealthy",
    "/admin/system/circuit-breakers/summary",
]
OWN_PATHS = [f"/api/bots/{BOT_ID}/health", f"/api/bots/{BOT_ID}", "/api/bots"]


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these tests tell of has happened by now."""
    monkeypatch.setattr(ManualClock, "utc", lambda _: after(3600))


def test_health_is_told_as_it_was_at_a_position_and_at_a_time(house: House) -> None:
    positions = [house.log.add(a_delivered(f"c{n}", occurred_at=after(60 * n))) for n in range(1, 4)]
    path = f"/admin/system/bot-health/{BOT_ID}"

    def requests(as_of: object) -> int:
        told: int = house.call("GET", f"{path}?as_of={as_of}", key=house.admin_key).json()["total_requests"]
        return told

    assert [1, 2, 3] == [requests(position) for position in positions]
    assert [0, 1, 1, 2, 3] == [
        requests(after(seconds).isoformat().replace("+00:00", "Z")) for seconds in (59, 60, 119, 120, 500)
    ]
    assert 2 == requests(after(150).isoformat())  # with a plus that was not escaped


def test_the_answer_names_the_position_that_it_is_about(house: House) -> None:
    at = house.log.add(a_delivered("c1", occurred_at=after(60)))
    house.log.add(a_delivered("c2", occurred_at=after(120)))
    answer = house.call("GET", f"/api/bots/{BOT_ID}/health?as_of={after(90).isoformat()}")

    assert str(at) == answer.headers["Botloft-Position"]


@pytest.mark.parametrize("path", ADMIN_PATHS + OWN_PATHS)
def test_every_question_about_bots_can_be_asked_of_the_past(house: House, path: str) -> None:
    key = house.admin_key if path in ADMIN_PATHS else house.key
    then = house.call("GET", path, key=key)
    at = then.headers["Botloft-Position"]
    house.call("POST", f"/api/bots/{BOT_ID}/suspend", {"reason": "a while"})
    house.log.add(a_delivered("c1", occurred_at=after(60)))

    known_then = {name: value for name, value in then.json().items() if name != "updates"}
    assert known_then == house.call("GET", f"{path}?as_of={at}", key=key).json()


@pytest.mark.parametrize(
    ("as_of", "detail"),
    [
        ("0", '"as_of" must be a position from 1 on, or a time like 2026-07-01T12:00:00Z.'),
        ("-3", '"as_of" must be a position from 1 on, or a time like 2026-07-01T12:00:00Z.'),
        ("yesterday", '"as_of" must be a position from 1 on, or a time like 2026-07-01T12:00:00Z.'),
        ("999999", '"as_of": The log has not come to that position.'),
        ("1999-01-01T00:00:00Z", '"as_of": The log began later than that.'),
        ("9999-12-31T23:59:59-14:00", '"as_of" must be a position from 1 on, or a time like 2026-07-01T12:00:00Z.'),
        ("0001-01-01T00:00:00+14:00", '"as_of" must be a position from 1 on, or a time like 2026-07-01T12:00:00Z.'),
        ("2126-01-01T00:00:00Z", '"as_of" lies in the future: nothing has happened there yet.'),
        ("1&at_least=1", '"as_of" asks about the past and "at_least" waits: take one of them.'),
    ],
)
def test_a_moment_that_is_none_is_refused(house: House, as_of: str, detail: str) -> None:
    answer = house.call("GET", f"/api/bots/{BOT_ID}/health?as_of={as_of}")

    assert (400, detail) == (answer.status_code, answer.json()["detail"])


@pytest.mark.parametrize("call", ["moment", "at"])
def test_a_log_that_is_away_is_a_problem_of_the_moment(
    house: House, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(Past, call, away)
    answer = house.call("GET", f"/api/bots/{BOT_ID}/health?as_of=1")

    assert (503, "store_unavailable", "1") == (
        answer.status_code,
        answer.json()["code"],
        answer.headers["Retry-After"],
    )


def test_a_bot_s_past_is_told_to_whoever_had_it_then_and_to_nobody_else(house: House) -> None:
    sent = house.send().json()["position"]
    house.call("DELETE", f"/api/bots/{BOT_ID}")
    registered = house.call("POST", "/api/bots", {"token": TOKEN_TEXT}, key=house.other_key).json()

    def codes(path: str, as_of: int) -> list[int]:
        return [
            house.call("GET", f"/api/bots/{BOT_ID}{path}?as_of={as_of}", key=key).status_code
            for key in (house.key, house.other_key)
        ]

    for path in ("", "/health", "/history"):
        assert [200, 404] == codes(path, sent), path
        assert [404, 200] == codes(path, registered["position"]), path


def test_how_a_bot_hears_is_told_of_now_alone(house: House) -> None:
    at = house.send().json()["position"]

    assert "updates" in house.call("GET", f"/api/bots/{BOT_ID}").json()
    assert "updates" not in house.call("GET", f"/api/bots/{BOT_ID}?as_of={at}").json()


@pytest.mark.parametrize(
    ("path", "by_admin"),
    [
        (f"/api/bots/{BOT_ID}/commands", False),
        ("/api/commands/nosuchcommand", False),
        (f"/admin/system/circuit-breakers/{BOT_ID}", True),
    ],
)
def test_what_is_known_of_now_alone_refuses_to_be_asked_about_then(house: House, path: str, by_admin: bool) -> None:
    answer = house.call("GET", f"{path}?as_of=1", key=house.admin_key if by_admin else house.key)

    assert 400 == answer.status_code
    assert answer.json()["detail"].startswith('There is no parameter "as_of" here.')
