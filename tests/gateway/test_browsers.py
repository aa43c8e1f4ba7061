"""Pages of other origins: none may call, unless the operator names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.examples import BOT_ID
from tests.gateway.fakes import House

CONSOLE = "https://console.example.com"
SENDING = f"/api/bots/{BOT_ID}/commands/sendMessage"


def preflight(house: House, origin: str = CONSOLE, path: str = SENDING, **wanted: str) -> Any:
    asked = {"Method": "POST", "Headers": "authorization, idempotency-key, content-type", **wanted}
    headers = {f"Access-Control-Request-{name}": value for name, value in asked.items()}
    return house.call("OPTIONS", path, key="", headers={"Origin": origin, **headers})


def told(answer: Any) -> list[str]:
    return [name for name in answer.headers if name.startswith("access-control")]


def test_unless_it_is_set_no_page_may_call(house: House) -> None:
    assert [] == told(preflight(house))
    assert [] == told(house.send(headers={"Origin": CONSOLE}))


@pytest.mark.parametrize("path", [SENDING, "/api/bots", "/admin/bots", "/nowhere"])
def test_a_named_page_may_ask_without_a_key_whether_it_may_call(build: Callable[..., House], path: str) -> None:
    answer = preflight(build(cors_origins=(CONSOLE,)), path=path)

    assert (200, CONSOLE) == (answer.status_code, answer.headers["Access-Control-Allow-Origin"])
    assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    ("origin", "wanted"),
    [
        ("https://evil.example", {}),
        ("null", {}),
        (f"{CONSOLE}.evil.example", {}),
        (f"{CONSOLE}:8443", {}),
        (CONSOLE, {"Method": "TRACE"}),
        (CONSOLE, {"Headers": "x-forwarded-for"}),
    ],
)
def test_no_other_page_may_and_none_may_ask_for_more(
    build: Callable[..., House], origin: str, wanted: dict[str, str]
) -> None:
    answer = preflight(build(cors_origins=(CONSOLE,)), origin, **wanted)

    assert 400 == answer.status_code
    assert (CONSOLE if origin == CONSOLE else None) == answer.headers.get("Access-Control-Allow-Origin")


def test_a_named_page_reads_answers_and_problems_and_their_headers(build: Callable[..., House]) -> None:
    house = build(cors_origins=(CONSOLE,))
    house.fleet.says = RuntimeError("nobody expected this")
    answers = [
        house.call("GET", "/health/live", headers={"Origin": CONSOLE}),
        house.call("GET", "/api/bots", key="", headers={"Origin": CONSOLE}),
        house.send(headers={"Origin": CONSOLE}),
    ]

    assert [200, 401, 500] == [answer.status_code for answer in answers]
    for answer in answers:
        assert CONSOLE == answer.headers["Access-Control-Allow-Origin"]
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
        assert "Origin" in answer.headers["Vary"]


def test_another_page_reads_nothing_although_its_request_is_answered(build: Callable[..., House]) -> None:
    answer = build(cors_origins=(CONSOLE,)).send(headers={"Origin": "https://evil.example"})

    assert "Access-Control-Allow-Origin" not in answer.headers
