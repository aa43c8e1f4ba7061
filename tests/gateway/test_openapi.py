"""What the gateway says of itself: complete, valid, and for people as well as for programs."""

from __future__ import annotations

from typing import Any

import httpx
import jsonschema_rs
import pytest
from starlette.routing import Route

from gateway.codes import PROBLEMS
from gateway.openapi import operations_in
from tests.gateway.contract import Contract
from tests.gateway.fakes import House

BY_THE_ROUTER = {"method_not_allowed"}
"""Where there is no operation there is none that could name it."""


@pytest.fixture
def api(house: House) -> dict[str, Any]:
    found: dict[str, Any] = house.call("GET", "/openapi.json", key="").json()
    return found


def test_every_handler_is_described(house: House) -> None:
    served = house.client.app.routes

    assert [] == [(path, method) for path, method, operation in operations_in(served) if operation is None]
    assert {route.path for route in served if isinstance(route, Route)} == {
        path for path, _, _ in operations_in(served)
    }


def test_every_schema_is_one(api: dict[str, Any]) -> None:
    for name, schema in api["components"]["schemas"].items():
        whole = {**schema, "components": api["components"]}

        assert jsonschema_rs.meta.is_valid(whole), name
        assert jsonschema_rs.Draft202012Validator(whole), name


def test_every_operation_can_be_told_apart(api: dict[str, Any]) -> None:
    ids = [operation["operationId"] for methods in api["paths"].values() for operation in methods.values()]

    assert len(ids) == len(set(ids))


def test_every_problem_code_is_of_some_operation(api: dict[str, Any]) -> None:
    said = {code for methods in api["paths"].values() for one in methods.values() for code in codes_of(one)}

    assert PROBLEMS.keys() - BY_THE_ROUTER == said


def codes_of(operation: dict[str, Any]) -> list[str]:
    contents = [answer.get("content", {}) for answer in operation["responses"].values()]
    of_problems = [one["application/problem+json"] for one in contents if "application/problem+json" in one]
    return [code for one in of_problems for code in one["schema"]["properties"]["code"]["enum"]]


def test_a_key_is_asked_for_with_any_of_its_scopes(api: dict[str, Any]) -> None:
    assert [{"key": ["tenant"]}, {"key": ["admin"]}] == api["paths"]["/api/keys"]["get"]["security"]
    assert [] == api["paths"]["/health/live"]["get"]["security"]


def test_a_parameter_says_what_it_may_be(api: dict[str, Any]) -> None:
    parameters = {one["name"]: one for one in api["paths"]["/api/bots/{bot_id}/commands"]["get"]["parameters"]}

    assert {"type": "integer", "minimum": 1, "maximum": 100, "default": 50} == parameters["limit"]["schema"]
    assert (True, "path") == (parameters["bot_id"]["required"], parameters["bot_id"]["in"])


def test_what_stands_below_a_field_is_told(api: dict[str, Any]) -> None:
    attempts = api["components"]["schemas"]["BotHealth"]["properties"]["uncertain_requests"]

    assert "Of the failed ones." == attempts["description"]


def test_the_page_for_people_has_every_operation_and_fetches_nothing(house: House, api: dict[str, Any]) -> None:
    page = house.call("GET", "/docs", key="")

    assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["Content-Type"])
    for methods in api["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text
    assert "src=" not in page.text


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
        ("application/json, text/html", "application/json"),
        ("*/*", "application/json"),
        ("", "application/json"),
    ],
)
@pytest.mark.parametrize("path", ["/problems", "/problems/bot_suspended"])
def test_a_browser_gets_a_page_about_a_problem_and_a_program_json(
    house: House, path: str, accept: str, media_type: str
) -> None:
    answer = house.call("GET", path, key="", headers={"Accept": accept})

    assert media_type == answer.headers["Content-Type"].partition(";")[0]
    assert PROBLEMS["bot_suspended"].title in answer.text


@pytest.mark.parametrize(
    ("status", "content", "fault"),
    [
        (418, {"status": "live"}, "an undocumented status"),
        (200, {"status": 1}, "is not of type"),
        (200, {}, "is a required property"),
        (200, {"status": "live", "since": 1}, "Additional properties"),
        (200, None, "an undocumented content type"),
    ],
)
def test_an_answer_that_was_not_promised_is_seen(house: House, status: int, content: object, fault: str) -> None:
    request = httpx.Request("GET", "http://botloft.test/health/live")
    answer = (
        httpx.Response(status, json=content, request=request)
        if content is not None
        else httpx.Response(status, text="live", request=request)
    )

    assert fault in said_against(Contract(house.client.app), answer)


def test_a_problem_that_was_not_promised_is_seen(house: House) -> None:
    answer = house.call("GET", "/api/bots", key="")
    other = answer.content.replace(b'"code":"unauthenticated"', b'"code":"rate_limited"')
    seen = httpx.Response(401, content=other, headers=answer.headers, request=answer.request)

    assert "rate_limited" in said_against(Contract(house.client.app), seen)


def said_against(contract: Contract, answer: httpx.Response) -> str:
    with pytest.raises(AssertionError) as caught:
        contract.check(answer)
    return str(caught.value)


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("limt=5", 'There is no parameter "limt" here. Did you mean "limit"?'),
        ("x=1", 'There is no parameter "x" here. It takes limit, before, at_least.'),
        ("%0A=1", 'There is no parameter "…" here. It takes limit, before, at_least.'),
    ],
)
def test_a_misspelt_parameter_is_not_ignored(house: House, query: str, detail: str) -> None:
    answer = house.call("GET", f"/api/bots/7000000001/commands?{query}")

    assert (400, "invalid_request", detail) == (answer.status_code, answer.json()["code"], answer.json()["detail"])


def test_what_anybody_may_ask_takes_whatever_a_balancer_adds(house: House) -> None:
    assert 200 == house.call("GET", "/health/ready?probe=7", key="").status_code
