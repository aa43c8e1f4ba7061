"""Telegram's side of the gateway, with a doorstep that says what it is told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.errors import StoreUnavailable
from tests.examples import BOT_ID
from tests.gateway.fakes import House

PATH = "/webhook/opaque"
UPDATE = {"update_id": 7, "message": {"chat": {"id": 5}, "text": "hello"}}


def bring(house: House, update: object = UPDATE, path: str = PATH, secret: str = "secret") -> Any:
    return house.call("POST", path, update, key="", headers={"X-Telegram-Bot-Api-Secret-Token": secret})


def test_what_is_on_disk_is_taken_with_an_empty_answer(house: House) -> None:
    answer = bring(house)

    assert (200, b"") == (answer.status_code, answer.content)
    assert 1 == len(house.doors.doorstep.brought)  # type: ignore[attr-defined]  # the double's


def test_what_was_there_before_is_taken_too(house: House) -> None:
    house.doors.doorstep.says = 0  # type: ignore[attr-defined]

    assert 200 == bring(house).status_code


@pytest.mark.parametrize(
    ("says", "code"), [(None, "overloaded"), (StoreUnavailable(), "store_unavailable")], ids=["full", "away"]
)
def test_what_could_not_be_recorded_is_brought_again(house: House, says: object, code: str) -> None:
    house.doors.doorstep.says = says  # type: ignore[attr-defined]
    answer = bring(house)

    assert (503, code, "2") == (answer.status_code, answer.json()["code"], answer.headers["retry-after"])


def test_an_unknown_path_and_a_wrong_secret_get_the_same_answer(house: House) -> None:
    unknown, wrong = bring(house, path="/webhook/other"), bring(house, secret="other")

    assert 404 == unknown.status_code
    assert (unknown.status_code, unknown.content, unknown.headers) == (wrong.status_code, wrong.content, wrong.headers)
    assert [] == house.doors.doorstep.brought  # type: ignore[attr-defined]


def test_the_body_of_a_stranger_is_not_looked_at(house: House) -> None:
    headers = {"X-Telegram-Bot-Api-Secret-Token": "other"}
    answers = [house.call("POST", PATH, key="", headers=headers, content=body) for body in (b"{", b"x" * 2_000_000)]

    assert [404, 404] == [answer.status_code for answer in answers]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"update_id":1}', b'{"update_id":"1","message":{}}', b"\xff"])
def test_what_is_no_update_is_refused(house: House, body: bytes) -> None:
    headers = {"X-Telegram-Bot-Api-Secret-Token": "secret"}
    answer = house.call("POST", PATH, key="", headers=headers, content=body)

    assert (400, "invalid_request") == (answer.status_code, answer.json()["code"])


def test_only_a_post_brings_anything(house: House) -> None:
    answer = house.call("GET", PATH, key="")

    assert (405, "POST, OPTIONS") == (answer.status_code, answer.headers["allow"])


@pytest.mark.parametrize("place", ["api", "admin"])
def test_a_webhook_needs_a_public_address(build: Callable[..., House], place: str) -> None:
    house = build()
    wish = {"updates": "webhook"} | ({"reason": "asked to"} if place == "admin" else {})
    key = house.admin_key if place == "admin" else house.key
    answer = house.call("PATCH", f"/{place}/bots/{BOT_ID}", wish, key=key)

    assert 400 == answer.status_code
    assert "BOTLOFT_PUBLIC_URL" in answer.json()["detail"]


@pytest.mark.parametrize("wish", ["polling", "webhook", "auto", "off", None])
def test_each_way_to_hear_can_be_asked_for(build: Callable[..., House], wish: str | None) -> None:
    house = build(public_url="https://bots.example.com")

    assert 200 == house.call("PATCH", f"/api/bots/{BOT_ID}", {"updates": wish}).status_code


def test_another_way_to_hear_is_refused_by_name(house: House) -> None:
    answer = house.call("PATCH", f"/api/bots/{BOT_ID}", {"updates": "telepathy"})

    assert (400, '"updates" cannot be "telepathy".') == (answer.status_code, answer.json()["detail"])


def test_what_was_refused_at_the_door_is_in_the_stats(house: House) -> None:
    stats = house.call("GET", "/admin/system/stats", key=house.admin_key).json()

    assert {"unknown_paths": 3} == stats["webhooks"]


def test_another_tenant_s_webhook_cannot_be_rotated(house: House) -> None:
    answer = house.call("POST", f"/api/bots/{BOT_ID}/webhook/rotate", key=house.other_key)

    assert (404, "not_found") == (answer.status_code, answer.json()["code"])
