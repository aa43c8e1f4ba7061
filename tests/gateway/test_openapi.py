"""What the gateway says of itself: complete, valid, and for people as well as for programs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest
from starlette.routing import Route

from gateway.answers import encode
from gateway.browsers import TOLD
from gateway.codes import PROBLEMS
from gateway.openapi import document, operations_in
from tests.gateway.contract import Contract
from tests.gateway.fakes import House

BY_THE_ROUTER = {"method_not_allowed"}
"""Where there is no operation there is none that could name it."""


@pytest.fixture
def api(house: House) -> dict[str, Any]:
    """With what it refers to among the answers in its place."""
    found: dict[str, Any] = house.call("GET", "/openapi.json", key="").json()
    shared = found["components"].pop("responses")
    for methods in found["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if "$ref" in answer:
                    operation["responses"][status] = shared[answer["$ref"].rpartition("/")[2]]
    return found


def test_every_handler_is_described(house: House) -> None:
    served = house.client.app.routes

    assert [] == [(path, method) for path, method, operation in operations_in(served) if operation is None]
    assert {route.path for route in served if isinstance(route, Route)} == {
        path for path, _, _ in operations_in(served)
    }


def test_an_answer_that_many_operations_give_is_said_once_and_nothing_is_lost_by_it(
    house: House, api: dict[str, Any]
) -> None:
    served = house.call("GET", "/openapi.json", key="")
    names = served.json()["components"]["responses"]

    assert msgspec.json.decode(encode(document(house.client.app.routes, "0.1.0")["paths"])) == api["paths"]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in names)
    assert len(served.content) < 450_000


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


def test_a_key_or_a_session_is_asked_for_with_any_of_its_scopes(api: dict[str, Any]) -> None:
    keys = api["paths"]["/api/keys"]

    assert [
        {"key": ["tenant"]},
        {"key": ["admin"]},
        {"session": ["tenant"]},
        {"session": ["admin"]},
    ] == keys["get"]["security"]
    assert {"session": ["admin"], "page": []} in keys["post"]["security"]
    assert [] == api["paths"]["/health/live"]["get"]["security"]


def test_what_the_document_says_of_keys_and_sessions_is_what_opens_each_operation(
    house: House, api: dict[str, Any]
) -> None:
    keys = {"tenant": house.key, "admin": house.admin_key}
    keys["analyst"] = house.call("POST", "/api/keys", {"scopes": ["analyst"]}, key=house.admin_key).json()["api_key"]
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            answers = {shown: opened_by(house, keys, shown, method, path) for shown in SHOWN}

            opened = {shown for shown, is_open in answers.items() if is_open}
            assert said_to_open(operation["security"]) == opened, f"{method} {path}"


SHOWN = [()] + [
    (*shown, scope)
    for scope in ("tenant", "analyst", "admin")
    for shown in (("key",), ("session",), ("page", "session"))
]
"""Nothing; a key of this scope, a session of it, and one with its proof of a page of ours."""


def said_to_open(security: list[dict[str, list[str]]]) -> set[tuple[str, ...]]:
    """Which of what is shown does, by the document: what more is shown than is asked for does no harm."""
    alternatives = security or [{}]
    return {
        shown
        for shown in SHOWN
        for one in alternatives
        if one.keys() <= set(shown) and all(not scopes or shown[-1] in scopes for scopes in one.values())
    }


def opened_by(house: House, keys: dict[str, str], shown: tuple[str, ...], method: str, path: str) -> bool:
    """Whether what comes of it is no refusal of the key, the session or the page."""
    headers = {}
    if "key" in shown:
        headers["Authorization"] = f"Bearer {keys[shown[-1]]}"
    if "session" in shown:
        begun = house.call("POST", "/auth/login", {"api_key": keys[shown[-1]]}, key="")
        headers["Cookie"] = begun.headers["Set-Cookie"].partition(";")[0]
        if "page" in shown:
            headers["X-CSRF-Token"] = begun.json()["csrf_token"]
    filled = re.sub(r"\{(\w+)\}", lambda found: NOBODY_S.get(found[1], "x"), path)
    # A body that nothing takes: who gets so far is let in and changes nothing.
    answer = house.call("HEAD" if method == "get" else method.upper(), filled, [], key="", headers=headers)
    return answer.status_code not in (401, 403)


NOBODY_S = {"bot_id": "7000009999", "method": "getMe", "code": "internal"}


@pytest.mark.parametrize("public_url", ["http://bots.example", "https://bots.example"])
def test_the_document_names_the_cookie_that_this_gateway_sets(build: Callable[..., House], public_url: str) -> None:
    house = build(public_url=public_url)
    told = house.call("GET", "/openapi.json", key="").json()["components"]["securitySchemes"]["session"]
    begun = house.call("POST", "/auth/login", {"api_key": house.key}, key="")

    assert begun.headers["Set-Cookie"].partition("=")[0] == told["name"]


def test_who_is_limited_learns_it_by_headers_that_the_document_names(api: dict[str, Any]) -> None:
    def of(path: str, method: str, status: str) -> set[str]:
        return {name for name in api["paths"][path][method]["responses"][status]["headers"] if "RateLimit" in name}

    assert "Retry-After" in api["paths"]["/api/bots"]["post"]["responses"]["429"]["headers"]
    assert 7 == len(of("/api/bots", "get", "200"))
    assert of("/api/bots", "get", "200") == of("/api/bots", "post", "409") == of("/webhook/{opaque}", "post", "429")
    assert set() == of("/webhook/{opaque}", "post", "200")


def test_a_page_of_another_origin_can_read_every_header_that_the_document_names(api: dict[str, Any]) -> None:
    named = {name for name in api["components"]["headers"] if not name.endswith("-always")}

    assert named - {"Set-Cookie", "WWW-Authenticate"} == set(TOLD)


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


@pytest.mark.parametrize(
    ("path", "headers", "fault"),
    [
        ("/health/live", {"Botloft-Secret": "1"}, "undocumented headers, ['botloft-secret']"),
        ("/health/live", {"RateLimit-Limit": "many"}, "ratelimit-limit is no whole number"),
        ("/api/bots", {"WWW-Authenticate": None}, "promised headers lack, ['www-authenticate']"),
    ],
)
def test_a_header_that_was_not_promised_or_lacks_is_seen(
    house: House, path: str, headers: dict[str, str | None], fault: str
) -> None:
    answer = house.call("GET", path, key="")
    for name, value in headers.items():
        answer.headers.pop(name, None)
        if value is not None:
            answer.headers[name] = value

    assert fault in said_against(Contract(house.client.app), answer)


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
