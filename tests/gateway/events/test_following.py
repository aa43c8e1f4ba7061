"""`GET /api/events/stream`: what happens, as it happens; nothing lost, nothing twice, however often one comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from actors.messages import EndSessions
from gateway.events import replay, sending
from tests.examples import OTHER_TENANT, a_delivered, a_hold, a_started, after
from tests.gateway.events.following import reading
from tests.gateway.fakes import House

STREAM = "/api/events/stream"
RECORDED = 600


def test_what_is_recorded_is_told_at_once_and_nothing_from_before(house: House) -> None:
    async def follows() -> list[int]:
        async with reading(house, STREAM) as reader:
            await reader.until(lambda: reader.body.startswith(b": position"))
            told = [house.log.add(a_started()), house.log.add(a_hold())]
            await reader.until(lambda: len(reader.positions) == 2)
            assert told == reader.positions
            told.append(house.log.add(a_delivered()))
            await reader.until(lambda: len(reader.positions) == 3)
            assert told == reader.positions
        assert "text/event-stream" in reader.headers["content-type"]
        return told

    assert 3 == len(house.client.loop.run(follows()))


def test_it_is_woken_by_the_commit_and_not_by_a_poll(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "HEARTBEAT_S", 1000.0)

    async def follows() -> None:
        async with reading(house, STREAM) as reader:
            await reader.until(lambda: reader.chunks == 1)
            told = await asyncio.to_thread(house.log.add, a_started())
            await reader.until(lambda: len(reader.positions) == 1)
            assert [told] == reader.positions

    house.client.loop.run(follows())


@pytest.mark.parametrize(
    ("query", "headers", "expected"),
    [
        ("?after=0", {}, 0),
        ("?after=2", {}, 2),
        ("", {"last_event_id": "3"}, 3),
        ("?after=0", {"last_event_id": "3"}, 3),
    ],
)
def test_it_goes_on_after_the_position_that_its_reader_names(
    house: House, query: str, headers: dict[str, str], expected: int
) -> None:
    async def follows() -> None:
        head = house.runner.newest()
        async with reading(house, STREAM + query, house.admin_key, **headers) as reader:
            await reader.until(lambda: bool(reader.positions) and reader.positions[-1] == head)
            assert list(range(expected + 1, head + 1)) == reader.positions

    house.client.loop.run(follows())


def test_filters_and_scopes_hold_for_a_stream_too(house: House) -> None:
    async def follows() -> None:
        async with reading(house, f"{STREAM}?topics=hold-placed") as reader:
            await reader.until(lambda: reader.chunks == 1)
            house.log.add(a_started())
            house.log.add(a_hold(tenant_id=OTHER_TENANT, bot_id=5))
            own = house.log.add(a_hold())
            await reader.until(lambda: bool(reader.positions))
            assert [own] == reader.positions

    house.client.loop.run(follows())


@pytest.mark.parametrize("value", ["99999", "minus", "9" * 30])
def test_an_id_that_the_log_never_gave_is_refused(house: House, value: str) -> None:
    answer = house.call("GET", STREAM, headers={"Last-Event-ID": value})

    assert (400, "invalid_request") == (answer.status_code, answer.json()["code"])


def test_a_range_is_nothing_for_a_stream(house: House) -> None:
    assert 400 == house.call("GET", f"{STREAM}?until=3").status_code


def test_a_quiet_stream_says_now_and_then_where_it_is(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "HEARTBEAT_S", 0.01)

    async def follows() -> None:
        async with reading(house, f"{STREAM}?topics=bot-removed") as reader:
            position = house.log.add(a_started())
            await reader.until(lambda: b"\n\n: position %d\n\n" % position in reader.body)
            assert [] == reader.positions

    house.client.loop.run(follows())


def test_coming_back_while_much_is_recorded_loses_nothing_and_doubles_nothing(house: House) -> None:
    def records() -> None:
        for number in range(RECORDED):
            house.log.add(a_started(f"command {number}"))

    async def follows() -> list[int]:
        found: list[int] = []
        last = house.runner.newest()
        recording = asyncio.create_task(asyncio.to_thread(records))
        while len(found) < RECORDED:
            async with reading(house, STREAM, house.admin_key, last_event_id=str(last)) as reader:
                # It goes after a different number of events each time.
                enough = min(1 + len(found) % 37, RECORDED - len(found))
                await reader.until(lambda reader=reader, enough=enough: len(reader.positions) >= enough)
            found += reader.positions
            last = found[-1]
        await recording
        return found

    before = house.runner.newest()
    assert list(range(before + 1, before + RECORDED + 1)) == house.client.loop.run(follows())


def test_a_slow_reader_lags_and_misses_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "PIECE", 10)

    async def follows() -> None:
        async with reading(house, STREAM) as reader:
            await reader.until(lambda: reader.chunks == 1)
            reader.taking.clear()
            told = [house.log.add(a_started(f"command {number}")) for number in range(95)]
            reader.taking.set()
            await reader.until(lambda: len(reader.positions) == 95)
            assert told == reader.positions

    house.client.loop.run(follows())


# Ends


def test_a_stop_ends_it_well_and_the_last_is_told(house: House) -> None:
    async def follows() -> None:
        async with reading(house, STREAM) as reader:
            await reader.until(lambda: reader.chunks == 1)
            told = house.log.add(a_started())
            house.doors.replay.stop()
            await reader.until(lambda: reader.is_complete)
            assert [told] == reader.positions

    house.client.loop.run(follows())


def test_a_stop_does_not_wait_for_a_reader_that_takes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LAST_S", 0.01)

    async def follows() -> None:
        async with reading(house, STREAM) as reader:
            await reader.until(lambda: reader.chunks == 1)
            reader.taking.clear()
            house.log.add(a_started())
            house.doors.replay.stop()
            await reader.until_returned()
            assert not reader.is_complete

    house.client.loop.run(follows())


def test_a_reader_that_takes_nothing_for_long_is_cut_off(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "STALLED_S", 0.01)

    async def follows() -> None:
        async with reading(house, STREAM) as reader:
            await reader.until(lambda: reader.chunks == 1)
            reader.taking.clear()
            house.log.add(a_started())
            await reader.until_returned()
            assert not reader.is_complete

    house.client.loop.run(follows())


def test_a_key_that_is_revoked_hears_no_more(house: House) -> None:
    async def follows() -> None:
        async with reading(house, STREAM) as reader:
            await reader.until(lambda: reader.chunks == 1)
            house.accounts.keys.clear()
            house.log.add(a_started())
            house.log.add(a_started())
            await reader.until(lambda: reader.is_complete)
            assert len(reader.positions) <= 1

    house.client.loop.run(follows())


@pytest.mark.parametrize("by_session", [False, True])
def test_a_key_that_expires_hears_no_more(house: House, by_session: bool) -> None:
    key = house.call("POST", "/api/keys", {"expires_in_s": 60}).json()["api_key"]
    cookie = house.call("POST", "/auth/login", {"api_key": key}, key="").headers["set-cookie"].partition(";")[0]
    shown = {"key": "", "Cookie": cookie} if by_session else {"key": key}

    async def follows() -> None:
        async with reading(house, STREAM, **shown) as reader:
            await reader.until(lambda: reader.chunks == 1)
            house.clock.is_set(after(60))
            house.log.add(a_started())
            house.log.add(a_started())
            await reader.until(lambda: reader.is_complete)
        assert 200 == reader.status

    house.client.loop.run(follows())


def test_a_session_that_is_ended_hears_no_more(house: House) -> None:
    cookie = house.call("POST", "/auth/login", {"api_key": house.key}, key="").headers["set-cookie"].partition(";")[0]

    async def follows() -> None:
        async with reading(house, STREAM, "", Cookie=cookie) as reader:
            await reader.until(lambda: reader.chunks == 1)
            house.accounts.ask(EndSessions("acme", house.key.split("_")[1]), block=False)
            house.log.add(a_started())
            await reader.until(lambda: reader.is_complete)
        assert 200 == reader.status

    house.client.loop.run(follows())


# How many


def test_one_key_has_so_many_streams_and_no_more(build: Callable[..., House]) -> None:
    house = build(max_event_streams_per_key=2)

    async def opens() -> None:
        async with reading(house, STREAM) as first, reading(house, STREAM) as second:
            await first.until(lambda: first.chunks == 1)
            await second.until(lambda: second.chunks == 1)
            async with reading(house, STREAM) as third:
                await third.until(lambda: third.is_complete)
            assert (429, b"too_many_streams" in third.body) == (third.status, True)
            assert "5" == third.headers["retry-after"]
            async with reading(house, STREAM, house.other_key) as other:
                await other.until(lambda: other.chunks == 1)
            assert 200 == other.status
        async with reading(house, STREAM) as again:
            await again.until(lambda: again.chunks == 1)
        assert 200 == again.status

    house.client.loop.run(opens())


def test_the_gateway_has_so_many_and_no_more(build: Callable[..., House]) -> None:
    house = build(max_event_streams=1)

    async def opens() -> None:
        async with reading(house, STREAM) as first:
            await first.until(lambda: first.chunks == 1)
            async with reading(house, "/api/events", house.other_key) as other:
                await other.until(lambda: other.is_complete)
            assert (503, b"overloaded" in other.body) == (other.status, True)

    house.client.loop.run(opens())


def test_positions_rise(house: House) -> None:
    async def follows() -> list[int]:
        async with reading(house, f"{STREAM}?after=0", house.admin_key) as reader:
            await reader.until(lambda: len(reader.positions) >= house.runner.newest())
            return reader.positions

    assert all(one < two for one, two in pairwise(house.client.loop.run(follows())))
