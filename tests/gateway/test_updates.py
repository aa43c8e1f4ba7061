"""Updates and notices over HTTP: what is asked reaches the actors, and what they say the caller."""

from __future__ import annotations

import pytest

from actors.messages import (
    ConfigureBot,
    ListDeliveries,
    ListNotices,
    PullUpdates,
    ReplayDeliveries,
    SetNoticeEndpoint,
    StopPulling,
)
from domain.refusal import Refused
from tests.examples import BOT_ID, TENANT
from tests.gateway.fakes import House

UPDATES = f"/api/bots/{BOT_ID}/updates"


def test_updates_are_told_as_telegram_wrote_them(house: House) -> None:
    answer = house.call("GET", UPDATES, params={"offset": "5", "limit": "2", "timeout": "50"})
    (asked,) = house.delivery.asked

    assert '{"updates":[{"update_id":7,"message":{"text":"café"}}],"next_offset":13}' == answer.text
    assert isinstance(asked, PullUpdates)
    assert (BOT_ID, TENANT, 5, 2, 50) == (asked.bot_id, asked.tenant_id, asked.offset, asked.limit, asked.timeout_s)


def test_without_wishes_the_oldest_are_told_at_once(house: House) -> None:
    house.call("GET", UPDATES)
    (asked,) = house.delivery.asked

    assert (None, 100, 0) == (asked.offset, asked.limit, asked.timeout_s)


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"offset": "-1"}, 'A negative "offset" would forget'),
        ({"offset": "x"}, '"offset" must be a whole number'),
        ({"offset": "1" * 19}, '"offset" must be a whole number'),
        ({"limit": "0"}, '"limit" must be a whole number from 1 to 100'),
        ({"limit": "101"}, '"limit" must be a whole number from 1 to 100'),
        ({"timeout": "51"}, '"timeout" must be a whole number from 0 to 50'),
    ],
)
def test_nonsense_is_refused_in_a_sentence(house: House, query: dict[str, str], detail: str) -> None:
    answer = house.call("GET", UPDATES, params=query)

    assert (400, "invalid_request") == (answer.status_code, answer.json()["code"])
    assert answer.json()["detail"].startswith(detail)
    assert [] == house.delivery.asked


@pytest.mark.parametrize("code", ["updates_conflict", "updates_pushed"])
def test_a_conflict_is_told_as_one(house: House, code: str) -> None:
    house.delivery.says = Refused(code, "Because.")

    assert (409, code) == ((answer := house.call("GET", UPDATES)).status_code, answer.json()["code"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/updates", None),
        ("GET", "/deliveries", None),
        ("GET", "/callback", None),
        ("POST", "/deliveries/replay", {"from_update_id": 1, "to_update_id": 2}),
    ],
)
def test_another_tenant_s_bot_is_not_there(house: House, method: str, path: str, body: object) -> None:
    answer = house.call(method, f"/api/bots/{BOT_ID}{path}", body, key=house.other_key)

    assert (404, []) == (answer.status_code, house.delivery.asked)


def test_deliveries_are_asked_for_page_by_page(house: House) -> None:
    answer = house.call(
        "GET", f"/api/bots/{BOT_ID}/deliveries", params={"status": "waiting", "after": "7", "limit": "2"}
    )

    assert {"deliveries": [], "next": None} == answer.json()
    assert [ListDeliveries(BOT_ID, TENANT, is_failed=False, after=7, limit=3)] == house.delivery.asked


def test_a_replay_is_of_a_range(house: House) -> None:
    path = f"/api/bots/{BOT_ID}/deliveries/replay"
    answer = house.call("POST", path, {"from_update_id": 3, "to_update_id": 9})
    wrong = house.call("POST", path, {"from_update_id": 9, "to_update_id": 3})

    assert (202, {"updates": 3}, 400) == (answer.status_code, answer.json(), wrong.status_code)
    assert [ReplayDeliveries(BOT_ID, TENANT, 3, 9)] == house.delivery.asked


def test_a_callback_url_comes_with_a_secret_that_is_shown_once(house: House) -> None:
    url = "https://acme.example/updates"
    answer = house.call("PATCH", f"/api/bots/{BOT_ID}", {"callback_url": url})

    assert "whsec_c2VjcmV0" == answer.json()["callback_secret"]
    assert isinstance(house.fleet.asked[-1], ConfigureBot)
    assert {"callback_url": url} == house.fleet.asked[-1].change


@pytest.mark.parametrize(
    "url", ["http://acme.example/", "https://127.0.0.1/", "https://a:b@acme.example/", 7, ["https://acme.example/"]]
)
def test_a_callback_url_that_leads_nowhere_is_refused(house: House, url: object) -> None:
    answer = house.call("PATCH", f"/api/bots/{BOT_ID}", {"callback_url": url})

    assert (400, "invalid_request") == (answer.status_code, answer.json()["code"])
    assert answer.json()["detail"].startswith('"callback_url"')
    assert [] == house.fleet.asked


def test_an_admin_does_not_send_a_tenant_s_updates_elsewhere(house: House) -> None:
    body = {"callback_url": "https://operator.example/", "reason": "curious"}
    answer = house.call("PATCH", f"/admin/bots/{BOT_ID}", body, key=house.admin_key)

    assert (400, []) == (answer.status_code, house.fleet.asked)


def test_notices_are_the_newest_or_those_after_a_position(house: House) -> None:
    house.call("GET", "/api/notices")
    answer = house.call("GET", "/api/notices", params={"after": "7", "limit": "2"})

    assert {"notices": [], "next": 7} == answer.json()
    assert [ListNotices(TENANT, None, 50), ListNotices(TENANT, 7, 2)] == house.notices.asked


def test_a_notice_endpoint_is_set_with_a_secret_and_taken_away(house: House) -> None:
    url = "https://acme.example/notices"
    made = house.call("PUT", "/api/notices/endpoint", {"url": url})
    private = house.call("PUT", "/api/notices/endpoint", {"url": "https://[::1]/"})
    removed = house.call("DELETE", "/api/notices/endpoint")

    assert {"url": url, "secret": "whsec_c2VjcmV0"} == made.json()
    assert (400, 204) == (private.status_code, removed.status_code)
    assert [SetNoticeEndpoint(TENANT, url), SetNoticeEndpoint(TENANT, None)] == house.notices.asked


def test_a_caller_that_goes_away_frees_its_place(house: House) -> None:
    house.delivery.silent = True
    heard = [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]

    def stopped() -> None:
        if isinstance(house.delivery.asked[-1], StopPulling):
            house.delivery.futures[0].set(Refused("updates_conflict", ""))

    async def receive() -> dict[str, object]:
        return heard.pop(0)

    async def send(_: object) -> None: ...

    house.delivery.on_asked = stopped
    scope = {
        "type": "http",
        "method": "GET",
        "path": UPDATES,
        "query_string": b"timeout=50",
        "headers": [(b"authorization", f"Bearer {house.key}".encode())],
    }
    house.client.loop.run(house.client.app(scope, receive, send))
    pull, stop = house.delivery.asked

    assert StopPulling(BOT_ID, TENANT, pull.pull_id) == stop
