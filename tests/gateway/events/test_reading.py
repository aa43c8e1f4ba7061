"""`GET /api/events`: what is asked for and nothing else, to those who may have it, however slowly they take it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from domain.errors import StoreUnavailable
from domain.store.ledger import Ledger
from domain.tenant import Scope
from gateway.events import replay
from tests.examples import BOT_ID, NOON, OTHER_BOT_ID, OTHER_TENANT, TENANT, a_hold, a_rejected, a_started, after
from tests.gateway.events.following import reading
from tests.gateway.fakes import ADMIN_TEXT, House


@pytest.fixture
def busy(house: House) -> House:
    """Two tenants' bots have done something: a minute between two events."""
    others = {"bot_id": OTHER_BOT_ID, "tenant_id": OTHER_TENANT}
    for minute, event in enumerate([a_started(), a_rejected(**others), a_hold(), a_started(**others)]):
        house.log.add(msgspec.structs.replace(event, occurred_at=after(60 * minute)))
    return house


def lines(house: House, query: str = "", key: str | None = None) -> list[dict[str, Any]]:
    answer = house.call("GET", f"/api/events{query}", key=house.admin_key if key is None else key)
    assert (200, "application/x-ndjson") == (answer.status_code, answer.headers["content-type"])
    return [msgspec.json.decode(line) for line in answer.content.splitlines()]


def topics(found: list[dict[str, Any]]) -> list[str]:
    return [line["topic"] for line in found]


def test_an_admin_reads_the_whole_log_in_its_order(busy: House) -> None:
    found = lines(busy)

    assert list(range(1, busy.runner.newest() + 1)) == [line["position"] for line in found]
    assert {TENANT, OTHER_TENANT, "operator"} == {line["tenant_id"] for line in found}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"bot_id={OTHER_BOT_ID}", ["command-rejected", "command-started"]),
        (f"bot_id={OTHER_BOT_ID},{BOT_ID}&topics=command-started", ["command-started", "command-started"]),
        (f"bot_id={OTHER_BOT_ID}&bot_id={BOT_ID}&topics=hold-placed", ["hold-placed"]),
        ("topics=hold-placed,command-rejected", ["command-rejected", "hold-placed"]),
        ("topics=hold-placed&topics=command-rejected", ["command-rejected", "hold-placed"]),
        (f"tenant_id={TENANT}&topics=command-started", ["command-started"]),
        ("tenant_id=nobody", []),
        ("from=2026-07-01T12:01:00Z", ["command-rejected", "hold-placed", "command-started"]),
        ("from=2026-07-01T12:01:00Z&to=2026-07-01T12:03:00Z", ["command-rejected", "hold-placed"]),
        ("from=2026-07-01T14:01:00%2B02:00&limit=1", ["command-rejected"]),
        ("from=2026-07-01T14:01:00+02:00&limit=1", ["command-rejected"]),
        ("from=2026-07-01 12:03", ["command-started"]),
        ("to=2026-07-01", []),
        ("from=2026-07-02", []),
        ("from=0001-01-02&to=9999-12-30&topics=hold-placed", ["hold-placed"]),
        ("topics=command-started&limit=1", ["command-started"]),
        ("limit=0", []),
    ],
)
def test_filters_say_what_is_wanted(busy: House, query: str, expected: list[str]) -> None:
    assert expected == topics(lines(busy, f"?{query}"))


def test_a_reader_goes_on_after_its_last_line(busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "PIECE", 3)
    everything = lines(busy)
    found = lines(busy, "?limit=5")
    found += lines(busy, f"?after={found[-1]['position']}&until=8")
    found += lines(busy, f"?after={found[-1]['position']}")

    assert everything == found


@pytest.mark.parametrize(("query", "expected"), [("", "head"), ("?until=3", "3"), ("?until=999", "head")])
def test_the_header_says_up_to_where_this_is_all(busy: House, query: str, expected: str) -> None:
    head = str(busy.runner.newest())

    for method in ("GET", "HEAD"):
        answer = busy.call(method, f"/api/events{query}", key=busy.admin_key)
        assert (head if expected == "head" else expected) == answer.headers["Botloft-Position"]


def test_a_head_is_answered_without_reading_the_log(busy: House) -> None:
    answer = busy.call("HEAD", "/api/events", key=busy.admin_key)

    assert (200, b"") == (answer.status_code, answer.content)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("bot=7", 'There is no parameter "bot" here. Did you mean "bot_id"?'),
        ("topics=hold-placd", 'There is no topic "hold-placd". Did you mean "hold-placed"?'),
        ("topics=", '"topics" is empty'),
        ("bot_id=seven", '"bot_id" must be the number of a bot'),
        ("bot_id=" + "9" * 19, '"bot_id" must be the number of a bot'),
        ("bot_id=" + ",".join(["7"] * 501), "at most 500"),
        ("tenant_id=" + "x" * 101, "too long"),
        ("from=yesterday", '"from" must be a time like'),
        ("to=9999-12-31T23:00:00-05:00", '"to" must be a time like'),
        ("from=0001-01-01", '"from" must be a time like'),
        ("from=2026-07-02&to=2026-07-02", '"from" must be earlier than "to".'),
        ("after=-1", '"after" must be a whole number'),
        ("limit=many", '"limit" must be a whole number'),
        ("after=1000", '"after" is a position that the log has not come to'),
    ],
)
def test_nonsense_is_refused_in_a_sentence(busy: House, query: str, said: str) -> None:
    answer = busy.call("GET", f"/api/events?{query}", key=busy.admin_key)

    assert (400, "invalid_request") == (answer.status_code, answer.json()["code"])
    assert said in answer.json()["detail"]


# Who may read what


def analyst(house: House) -> str:
    return str(house.accounts.found("inc", "Inc", (Scope.ANALYST,)).api_key)


def of_acme(house: House) -> str:
    return house.key


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        (analyst, {TENANT, OTHER_TENANT, "operator", "inc"}),
        (lambda house: house.admin_key, {TENANT, OTHER_TENANT, "operator"}),
        (lambda _: ADMIN_TEXT, {TENANT, OTHER_TENANT, "operator"}),
        (of_acme, {TENANT}),
        (lambda house: house.other_key, {OTHER_TENANT}),
    ],
)
def test_a_key_sees_the_tenants_that_it_may_see(busy: House, who: Callable[[House], str], sees: set[str]) -> None:
    found = lines(busy, key=who(busy))

    assert sees == {line["tenant_id"] for line in found}


def test_a_tenant_may_name_itself_and_no_other(busy: House) -> None:
    refused = busy.call("GET", f"/api/events?tenant_id={OTHER_TENANT}")

    assert (403, "forbidden") == (refused.status_code, refused.json()["code"])
    assert lines(busy, key=busy.key) == lines(busy, f"?tenant_id={TENANT}", busy.key)


def test_a_tenant_that_asks_for_another_s_bot_finds_nothing(busy: House) -> None:
    assert [] == lines(busy, f"?bot_id={OTHER_BOT_ID}", busy.key)


def test_a_tenant_sees_its_own_keys_made_and_never_their_hashes(busy: House) -> None:
    answer = busy.call("GET", "/api/events?topics=key-issued")
    hashes = [key.secret_hash for key in busy.accounts.keys.values()]

    assert ["key-issued"] == [msgspec.json.decode(line)["topic"] for line in answer.content.splitlines()]
    assert [] == [one for one in hashes if one in answer.text]


# As slow as its reader, and never half in disguise


def test_no_more_is_read_than_its_reader_takes(busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "PIECE", 1)
    looks: list[int] = []
    ahead: list[int] = []
    select = Ledger.select
    monkeypatch.setattr(Ledger, "select", lambda *asked: looks.append(1) or select(*asked))

    async def slowly() -> None:
        async with reading(busy, "/api/events", busy.admin_key) as reader:
            reader.on_taken = lambda: ahead.append(len(looks) - reader.chunks)
            await reader.until(lambda: reader.is_complete)
            assert max(ahead) <= 1
            assert list(range(1, busy.runner.newest() + 1)) == [line["position"] for line in reader.lines]

    busy.client.loop.run(slowly())


def test_a_reader_that_goes_away_ends_the_work_and_frees_its_place(
    build: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "PIECE", 1)
    house = build(max_event_streams=1)

    async def goes_away() -> None:
        async with reading(house, "/api/events", house.admin_key) as reader:
            await reader.until(lambda: reader.chunks == 1)
            reader.taking.clear()
        assert not reader.is_complete

    house.client.loop.run(goes_away())
    assert 200 == house.call("GET", "/api/events").status_code


def test_what_fails_in_the_middle_is_cut_and_not_ended(busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "PIECE", 2)
    select = Ledger.select

    def away(ledger: Ledger, selection: Any, position: int, *more: Any) -> Any:
        if position >= 4:
            raise StoreUnavailable
        return select(ledger, selection, position, *more)

    monkeypatch.setattr(Ledger, "select", away)

    async def is_cut() -> None:
        async with reading(busy, "/api/events", busy.admin_key) as reader:
            await reader.until(lambda: len(reader.body.splitlines()) == 4)
        assert (200, False) == (reader.status, reader.is_complete)

    busy.client.loop.run(is_cut())


def test_an_event_that_cannot_be_read_cuts_it_too(busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "select", lambda *_: 1 / 0)

    async def is_cut() -> None:
        async with reading(busy, "/api/events", busy.admin_key) as reader:
            await reader.until(lambda: reader.status == 200)
        assert not reader.is_complete

    busy.client.loop.run(is_cut())


def test_a_store_that_is_away_is_a_problem_as_long_as_nothing_was_sent(
    busy: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Ledger) -> int:
        raise StoreUnavailable

    monkeypatch.setattr(Ledger, "head", away)

    for path in ("/api/events", "/api/events/stream"):
        answer = busy.call("GET", path)
        assert (503, "store_unavailable") == (answer.status_code, answer.json()["code"])


def test_a_stop_cuts_an_export_that_is_under_way(busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "PIECE", 1)

    async def is_cut() -> None:
        async with reading(busy, "/api/events", busy.admin_key) as reader:
            await reader.until(lambda: reader.chunks == 1)
            busy.doors.replay.stop()
        assert not reader.is_complete

    busy.client.loop.run(is_cut())


def test_noon_is_noon(busy: House) -> None:
    (first,) = lines(busy, "?topics=command-started&limit=1")

    assert f"{NOON:%Y-%m-%dT%H:%M:%S}Z" == first["occurred_at"]
