"""Browser sessions: what a login opens, how it ends, and what another page cannot do with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.app import create_app
from gateway.sessions import Session, Sessions
from tests.examples import BOT_ID, NOON, after
from tests.gateway.fakes import ADMIN_TEXT, HELLO, Client, House

HERE = "http://botloft.test"
COOKIE = "botloft_session"
PUBLIC = "https://bots.example"


class Browser:
    """Logged in, on a page of ours."""

    def __init__(self, house: House, key: str | None = None, **headers: str) -> None:
        self.house = house
        self.answer = house.call("POST", "/auth/login", {"api_key": key or house.key}, key="", headers=headers)
        self.told = self.answer.json()
        self.cookie, _, self.attributes = self.answer.headers.get("set-cookie", "").partition("; ")

    def call(self, method: str, path: str, json: object = None, *, token: bool = True, **headers: str) -> Any:
        proof = {"X-CSRF-Token": self.told["csrf_token"]} if token else {}
        return self.house.call(method, path, json, key="", headers={"Cookie": self.cookie, **proof, **headers})

    def is_in(self) -> bool:
        return bool(self.call("GET", "/api/bots").is_success)


def test_a_session_opens_what_its_key_opens_and_nothing_else(house: House) -> None:
    tenant, admin = Browser(house), Browser(house, house.admin_key)

    assert [200, 403, 200] == [
        tenant.call("GET", "/api/bots").status_code,
        tenant.call("GET", "/admin/system/stats").status_code,
        admin.call("GET", "/admin/system/stats").status_code,
    ]
    assert "This takes a key with the scope tenant; yours has admin." == admin.call("GET", "/api/bots").json()["detail"]


def test_a_command_goes_by_session_too(house: House) -> None:
    browser, path = Browser(house), f"/api/bots/{BOT_ID}/commands/sendMessage"

    assert ["csrf", None] == [
        browser.call("POST", path, HELLO, token=token).json().get("code") for token in (False, True)
    ]
    assert 1 == len(house.fleet.commands)


def test_a_login_says_what_was_opened_until_when_and_never_the_key(house: House) -> None:
    browser = Browser(house)

    assert {
        "tenant_id": "acme",
        "key_id": house.key.split("_")[1],
        "scopes": ["tenant"],
        "expires_at": "2026-07-02T00:00:00Z",
        "csrf_token": browser.told["csrf_token"],
    } == browser.told
    assert house.key.split("_")[2] not in f"{browser.answer.text} {browser.answer.headers}"
    assert browser.told == browser.call("GET", "/auth/session").json()


def test_the_cookie_is_for_our_own_pages_and_no_script(house: House) -> None:
    assert "HttpOnly; Max-Age=43200; Path=/; SameSite=strict" == Browser(house).attributes
    assert Browser(house).cookie.startswith(f"{COOKIE}=")


def test_behind_https_the_cookie_goes_over_nothing_else(build: Callable[..., House]) -> None:
    browser = Browser(build(public_url=PUBLIC))

    assert "HttpOnly; Max-Age=43200; Path=/; SameSite=strict; Secure" == browser.attributes
    assert browser.cookie.startswith("__Host-botloft_session=")
    assert browser.is_in()
    browser.cookie = browser.cookie.removeprefix("__Host-")
    assert not browser.is_in()


def test_a_session_ends_by_itself_after_twelve_hours(house: House) -> None:
    browser = Browser(house)
    told = []
    for hours in (11.999, 12):
        house.clock.is_set(NOON + timedelta(hours=hours))
        told.append(browser.is_in())

    assert [True, False] == told
    assert (
        "The session is over. Log in again with POST /auth/login." == browser.call("GET", "/api/bots").json()["detail"]
    )


def test_a_session_ends_when_its_key_expires(house: House) -> None:
    browser = Browser(house, house.call("POST", "/api/keys", {"expires_in_s": 60}).json()["api_key"])
    told = []
    for moment in (after(59), after(60)):
        house.clock.is_set(moment)
        told.append(browser.is_in())

    assert ("2026-07-01T12:01:00Z", [True, False]) == (browser.told["expires_at"], told)
    assert "Max-Age=60;" in browser.attributes


def test_a_session_ends_when_its_key_is_revoked_or_rotated_at_once(house: House) -> None:
    first, second = (house.call("POST", "/api/keys", {}).json() for _ in range(2))
    browsers = [Browser(house, made["api_key"]) for made in (first, second)]
    house.call("DELETE", f"/api/keys/{first['key_id']}")
    house.call("POST", f"/api/keys/{second['key_id']}/rotate", {"overlap_s": 0})

    assert [False, False] == [browser.is_in() for browser in browsers]


def test_a_session_ends_with_the_overlap_that_was_left_to_its_key(house: House) -> None:
    browser = Browser(house)
    house.call("POST", f"/api/keys/{house.key.split('_')[1]}/rotate", {"overlap_s": 60})
    told = []
    for moment in (after(59), after(60)):
        house.clock.is_set(moment)
        told.append(browser.is_in())

    assert [True, False] == told


def test_logging_out_ends_every_session_of_the_key_and_a_new_one_can_begin(house: House) -> None:
    browser, stolen, other = Browser(house), Browser(house), Browser(house, house.other_key)
    answer = browser.call("POST", "/auth/logout")

    assert (204, f'{COOKIE}=""; HttpOnly; Max-Age=0; Path=/; SameSite=strict') == (
        answer.status_code,
        answer.headers["set-cookie"],
    )
    assert [False, False, True, True] == [one.is_in() for one in (browser, stolen, other, Browser(house))]


def test_the_admin_of_the_settings_logs_in_and_out(house: House) -> None:
    browser = Browser(house, ADMIN_TEXT)
    was_in = browser.call("GET", "/admin/tenants").is_success
    browser.call("POST", "/auth/logout")

    assert (None, True, 401) == (browser.told["key_id"], was_in, browser.call("GET", "/admin/tenants").status_code)


def test_the_bearer_wins_over_the_session(house: House) -> None:
    browser = Browser(house)
    bearer = {"Authorization": f"Bearer {house.other_key}"}

    assert 201 == browser.call("POST", "/api/keys", {}, token=False, **bearer).status_code
    assert "globex" == house.accounts.asked[-1].tenant_id
    assert 401 == browser.call("GET", "/api/bots", Authorization="Bearer nonsense").status_code


def test_a_session_of_the_settings_key_ends_with_the_process_and_others_go_on(house: House) -> None:
    of_settings, of_a_key = Browser(house, ADMIN_TEXT), Browser(house, house.admin_key)
    house.client = Client(create_app(house.doors), house.client.loop)

    assert [401, 200] == [one.call("GET", "/admin/tenants").status_code for one in (of_settings, of_a_key)]


def test_closed_registration_takes_an_admin_s_session(build: Callable[..., House]) -> None:
    house = build(open_registration=False)
    statuses = [
        Browser(house, key).call("POST", "/auth/register", {"name": "New"}).status_code
        for key in (house.key, house.admin_key)
    ]

    assert [403, 201] == statuses


# Forgery


@pytest.mark.parametrize(
    ("method", "token", "headers", "status"),
    [
        ("GET", False, {}, 200),
        ("HEAD", False, {}, 200),
        ("POST", False, {}, 403),
        ("POST", True, {}, 201),
        ("POST", True, {"Origin": HERE}, 201),
        ("POST", True, {"Origin": "https://evil.example"}, 403),
        ("POST", True, {"Origin": "http://botloft.test.evil.example"}, 403),
        ("POST", True, {"Origin": "http://botloft.test:81"}, 403),
        ("POST", True, {"Origin": "null"}, 403),
        ("POST", True, {"Sec-Fetch-Site": "same-origin"}, 201),
        ("POST", True, {"Sec-Fetch-Site": "none"}, 201),
        ("POST", True, {"Sec-Fetch-Site": "same-site"}, 403),
        ("POST", True, {"Sec-Fetch-Site": "cross-site", "Origin": HERE}, 403),
        # Reading is safe, but for updates: a GET confirms them.
        ("GET", False, {"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_a_page_of_ours_is_told_from_others(
    house: House, method: str, token: bool, headers: dict[str, str], status: int
) -> None:
    answer = Browser(house).call(method, "/api/keys", {} if method == "POST" else None, token=token, **headers)

    assert status == answer.status_code
    assert status != 403 or "csrf" == answer.json()["code"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_whatever_changes_something_takes_the_token(house: House, method: str) -> None:
    path = {"POST": "/api/keys", "PUT": "/api/notices/endpoint"}.get(method, f"/api/bots/{BOT_ID}")

    assert "csrf" == Browser(house).call(method, path, {}, token=False).json()["code"]


def test_the_token_of_another_session_is_none(house: House) -> None:
    browser, other = Browser(house), Browser(house)
    browser.told = other.told

    assert 403 == browser.call("POST", "/api/keys", {}).status_code


@pytest.mark.parametrize("public_url", [PUBLIC, f"{PUBLIC}:443", f"{PUBLIC}/loft", "https://Bots.example"])
def test_the_public_address_is_ours_too(build: Callable[..., House], public_url: str) -> None:
    browser = Browser(build(public_url=public_url))

    assert 403 == browser.call("POST", "/api/keys", {}, Origin="https://bots.example:8443").status_code
    assert 201 == browser.call("POST", "/api/keys", {}, Origin=PUBLIC).status_code


def test_another_page_cannot_log_its_reader_in(house: House) -> None:
    browser = Browser(house, Origin="https://evil.example")

    assert (403, "csrf", "") == (browser.answer.status_code, browser.told["code"], browser.cookie)


@pytest.mark.parametrize("key", ["", "blk_", "nonsense", "x" * 600])
def test_a_login_with_what_is_no_key_fails_like_any_other_request(house: House, key: str) -> None:
    told = house.call("POST", "/auth/login", {"api_key": key}, key="")

    assert (401, "unauthenticated") == (told.status_code, told.json()["code"])


# The cookie's text

SESSIONS = Sessions([b"new", b"old"], None)
SESSION = Session("5e55", "key000000001", "0", 1_800_000_000)


def cookie_of(sessions: Sessions, session: Session = SESSION) -> str:
    return str(sessions._cookies.dumps(session))  # noqa: SLF001  a browser would keep it


def test_the_newest_key_signs_and_what_an_older_one_has_signed_is_still_ours() -> None:
    believed = [SESSIONS.read(cookie_of(Sessions([key], None))) for key in (b"new", b"old", b"a stranger's")]

    assert [SESSION, SESSION, None] == believed
    assert SESSION == Sessions([b"new"], None).read(cookie_of(SESSIONS))


@given(st.one_of(st.text(max_size=300), st.text(".-_abcXYZ019", max_size=300)))
@example("")
@example("..")
@example(cookie_of(Sessions([b"a stranger's"], None)))
@settings(max_examples=200, deadline=None)
def test_no_text_is_a_session_that_we_have_not_begun(text: str) -> None:
    assert None is SESSIONS.read(text)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_changed_cookie_says_nothing_else(data: st.DataObject) -> None:
    cookie = cookie_of(SESSIONS)
    at = data.draw(st.integers(0, len(cookie) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=255).filter(lambda c: c != cookie[at]))
    read = SESSIONS.read(cookie[:at] + other + cookie[at + 1 :])

    # A signature has more than one spelling in Base64; what it signs has one.
    assert read is None if at < cookie.rindex(".") else read in (None, SESSION)
