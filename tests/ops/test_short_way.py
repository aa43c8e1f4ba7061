"""Updates on their short way through a real server, over real sockets, and all that must not go it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from limits import RateLimitItemPerMinute
from structlog.testing import capture_logs

from domain.errors import StoreError, StoreUnavailable
from domain.hearing import Door, Whose
from domain.updates import read
from gateway.clients import Clients
from gateway.intake import Intake
from gateway.limits import Kind, Limits
from ops.connections import guarded
from ops.crowd import Crowd
from ops.short_way import ShortWay, with_short_way
from tests.actors.waiting import a_turn, until
from tests.doubles import ManualClock
from tests.ops.test_connections import SHORT, STEP_S, App, Dial, Line, served, status

UPDATE = b'{"update_id":7,"message":{"chat":{"id":5}}}'
HEAD = b"POST /webhook/opaque HTTP/1.1\r\nHost: here\r\nX-Telegram-Bot-Api-Secret-Token: secret\r\n"
GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
TAKEN = b"HTTP/1.1 200 OK\r\nx-from: the server\r\ncache-control: no-store\r\n"


def post(body: bytes = UPDATE, head: bytes = HEAD) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Doorstep:
    """One address; what it was brought is on disk when a test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[int | StoreError], None]] = []
        self.brought: list[bytes] = []
        self.opaque, self.nobodys = (Door(Whose(bot_id, "tn_1"), b"") for bot_id in (1, 0))
        self.nobodys.stands = False
        self.is_full = False
        self.trouble: Exception | None = None

    def door(self, path: str, secret: str) -> Door:
        return self.opaque if (path, secret) == ("opaque", "secret") and self.opaque.stands else self.nobodys

    def whose(self, path: str, secret: str) -> Whose | None:
        raise AssertionError((path, secret))

    def bring(self, whose: Whose, body: bytes, then: Callable[[int | StoreError], None]) -> bool:
        assert whose.bot_id == 1
        if self.trouble is not None:
            raise self.trouble
        read(body)
        if not self.is_full:
            self.brought.append(body)
            self.waiting.append(then)
        return not self.is_full

    def counted(self) -> dict[str, int]:
        raise AssertionError("nobody asks here")

    async def records(self, result: int | StoreError = 1) -> None:
        await until(lambda: bool(self.waiting))
        self.waiting.pop(0)(result)


@asynccontextmanager
async def short(app: App, doorstep: Doorstep, *, a_minute: int = 1000, seen: bool = False) -> AsyncIterator[Dial]:
    clock = ManualClock(datetime(2026, 7, 1, tzinfo=UTC))
    limits = Limits({Kind.WEBHOOKS: RateLimitItemPerMinute(a_minute)}, clock)
    protocol = with_short_way(guarded(SHORT, Crowd(100, 100)), Intake(doorstep, limits), Clients((), ()))
    headers = [("x-from", "the server")]
    async with served(app, http=protocol, headers=headers, server_header=False, date_header=False) as dial:
        if seen:
            line = await dial()
            await line.says(post())
            await doorstep.records()
            await line.hears()
            doorstep.brought.clear()
        yield dial


Story = Callable[[App, Doorstep], Awaitable[None]]
both_ways = pytest.mark.parametrize("seen", [False, True], ids=["parsed", "seen before"])
"""The head of the update."""


def run(story: Story) -> None:
    async def told() -> None:
        await story(App(), Doorstep())

    asyncio.run(told())


async def asked(line: Line, data: bytes) -> bytes:
    await line.says(data)
    return await line.hears()


def test_an_update_is_answered_when_it_is_on_disk_and_the_application_never_sees_it() -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep) as dial:
            line = await dial()
            for _ in range(2):
                await line.says(post())
                heard = asyncio.ensure_future(line.hears())
                await until(lambda: bool(doorstep.waiting))
                assert not heard.done()
                await doorstep.records()

                assert (await heard).startswith(TAKEN)

            assert ([], [UPDATE, UPDATE]) == (app.bodies, doorstep.brought)

    run(story)


@both_ways
def test_it_may_come_in_pieces(seen: bool) -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep, seen=seen) as dial:
            line = await dial()
            data = post()
            for piece in (data[:30], data[30:100], data[100:-7], data[-7:]):
                await line.says(piece)
            await doorstep.records()

            assert (await line.hears()).startswith(TAKEN)
            assert ([], [UPDATE]) == (app.bodies, doorstep.brought)

    run(story)


OTHER_WAYS = {
    "another path": post(head=HEAD.replace(b"opaque", b"other")),
    "a longer path": post(head=HEAD.replace(b"opaque", b"opaque/more")),
    "a query": post(head=HEAD.replace(b"opaque", b"opaque?a=1")),
    "another secret": post(head=HEAD.replace(b"secret", b"wrong")),
    "no secret": post(head=b"POST /webhook/opaque HTTP/1.1\r\nHost: here\r\n"),
    "another method": post(head=HEAD.replace(b"POST", b"PUT")),
    "the last of its connection": post(head=HEAD + b"Connection: close\r\n"),
    "an older HTTP": post(head=HEAD.replace(b"HTTP/1.1", b"HTTP/1.0")),
    "an upgrade": post(head=HEAD + b"Connection: upgrade\r\nUpgrade: h2c\r\n")[: -len(UPDATE)],
    "a large one": post(b"x" * 70_000),
    "a length of thousands of digits": HEAD + b"Content-Length: %s43\r\n\r\n" % (b"0" * 5000) + UPDATE,
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(UPDATE), UPDATE),
    "one that asks first": post(head=HEAD + b"Expect: 100-continue\r\n"),
}


@pytest.mark.parametrize("data", OTHER_WAYS.values(), ids=OTHER_WAYS)
def test_whatever_is_not_quite_what_telegram_sends_goes_the_usual_way_whole(data: bytes) -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep) as dial:
            line = await dial()
            await line.says(data)
            answer = (await line.hears()).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n") or await line.hears()

            assert 200 == status(answer)
            assert [b"".join(data.partition(body)[1] for body in (UPDATE, b"x" * 70_000))] == app.bodies
            assert [] == doorstep.brought

    run(story)


@both_ways
def test_what_is_no_update_is_refused_in_the_usual_words(seen: bool) -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep, seen=seen) as dial:
            line = await dial()
            answer = await asked(line, post(b"{}"))

            assert 400 == status(answer)
            assert b"x-from: the server" in answer
            assert b'"code":"invalid_request"' in answer
            await line.says(post())
            await doorstep.records()
            assert (await line.hears()).startswith(TAKEN), "the connection stays"
            assert [] == app.bodies

    run(story)


@both_ways
@pytest.mark.parametrize("when", ["full", "away"])
def test_what_could_not_be_recorded_is_brought_again(when: str, seen: bool) -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep, seen=seen) as dial:
            line = await dial()
            doorstep.is_full = when == "full"
            await line.says(post())
            if when == "away":
                await doorstep.records(StoreUnavailable())
            answer = await line.hears()

            assert 503 == status(answer)
            assert b"retry-after: 2" in answer.lower()
            assert [] == app.bodies

    run(story)


@both_ways
def test_what_nobody_expected_is_told_by_a_number_and_logged_under_it(seen: bool) -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep, seen=seen) as dial:
            doorstep.trouble = RuntimeError("hunter2")
            with capture_logs() as logs:
                answer = await asked(await dial(), post())

            (logged,) = logs
            assert 500 == status(answer)
            assert ("request_failed", "RuntimeError") == (logged["event"], logged["error"])
            assert logged["request_id"].encode() in answer
            assert b"hunter2" not in answer + repr(logs).encode()

    run(story)


def test_its_limit_holds_on_both_ways_together() -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep, a_minute=2) as dial:
            line = await dial()
            for _ in range(2):
                await line.says(post())
                await doorstep.records()
                assert status(await line.hears()) == 200
            answer = await asked(line, post())

            assert 429 == status(answer)
            assert b'"limit":"webhooks"' in answer
            assert 2 == len(doorstep.brought)

    run(story)


@both_ways
@pytest.mark.parametrize("behind", [post(), GET], ids=["an update", "another request"])
def test_what_is_pipelined_behind_it_is_answered_after_it(behind: bytes, seen: bool) -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep, seen=seen) as dial:
            line = await dial()
            await line.says(post() + behind)
            await until(lambda: bool(doorstep.waiting))

            assert [] == app.bodies
            await doorstep.records()
            assert 2 == await line.hears_answers(2)
            # The second of two updates on their way at once goes the usual way.
            assert [UPDATE if behind is not GET else b""] == app.bodies

    run(story)


@both_ways
def test_it_waits_for_what_is_in_front_of_it(seen: bool) -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        app.may_answer.clear()
        async with short(app, doorstep, seen=seen) as dial:
            line = await dial()
            await line.says(GET + post())
            await until(lambda: bool(app.bodies))
            app.may_answer.set()

            assert 2 == await line.hears_answers(2)
            assert ([b"", UPDATE], []) == (app.bodies, doorstep.brought)

    run(story)


@both_ways
def test_who_has_hung_up_is_not_answered_and_the_update_is_taken_all_the_same(seen: bool) -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep, seen=seen) as dial:
            gone, other = await dial(), await dial()
            await gone.says(post())
            await until(lambda: bool(doorstep.waiting))
            gone.writer.transport.abort()
            assert status(await asked(other, GET)) == 200
            await doorstep.records()

            assert [UPDATE] == doorstep.brought
            assert 200 == status(await asked(other, GET))

    run(story)


@both_ways
def test_a_server_that_stops_waits_for_what_it_has_taken_and_answers_it(seen: bool) -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep, seen=seen) as dial:
            line = await dial()
            await line.says(post())
            await until(lambda: bool(doorstep.waiting))
            dial.stop()
            await until(lambda: any(one.cycle and not one.cycle.keep_alive for one in dial.connections()))
            heard = asyncio.ensure_future(line.hears_all())
            await doorstep.records()

            answer = await heard
            assert answer.startswith(TAKEN)
            assert b"connection: close" in answer

    run(story)


@both_ways
def test_an_update_that_is_on_its_way_when_the_server_stops_is_the_last_one_of_its_line(seen: bool) -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep, seen=seen) as dial:
            line = await dial()
            await until(lambda: len(dial.connections()) == 1 + seen)
            for connection in dial.connections():
                connection.shutdown()
            await line.says(post())

            answer = await line.hears_all()
            assert b"connection: close" in answer
            assert [UPDATE] == app.bodies

    run(story)


def test_an_update_that_drips_in_is_ended_like_any_request() -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep) as dial:
            line = await dial()
            await line.says(HEAD + b"Content-Length: 200\r\n\r\n")
            answer = await line.drips(b"x" * 199)

            assert 408 == status(answer)
            assert ([], []) == (app.bodies, doorstep.brought)

    run(story)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[ShortWay]:
    """A connection for each head that the parser had to read."""
    found: list[ShortWay] = []
    begin = ShortWay.begin

    def noticed(self: ShortWay) -> None:
        found.append(self)
        begin(self)

    monkeypatch.setattr(ShortWay, "begin", noticed)
    return found


def test_a_head_that_was_parsed_once_is_known_on_every_connection_whatever_length_it_tells(
    parsed: list[ShortWay],
) -> None:
    updates = [UPDATE, UPDATE.replace(b"7", b"123456"), UPDATE.replace(b"5", b"5" * 100)]

    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep) as dial:
            for _ in range(2):
                line = await dial()
                for update in updates:
                    await line.says(post(update))
                    await doorstep.records()
                    assert (await line.hears()).startswith(TAKEN)

            assert ([*updates, *updates], []) == (doorstep.brought, app.bodies)
            assert 1 == len(parsed)

    run(story)


LIKE_ONE_THAT_WAS_SEEN = {
    "another secret": (post(head=HEAD.replace(b"secret", b"wrong")), 200, [UPDATE], []),
    "one header more": (post(head=HEAD + b"Connection: close\r\n"), 200, [UPDATE], []),
    "more behind it": (post() + GET, 200, [b""], [UPDATE]),
    "a large one": (post(b"x" * 70_000), 200, [b"x" * 70_000], []),
    "two lengths": (post(head=HEAD + b"Content-Length: 3\r\n"), 400, [], []),
}


@pytest.mark.parametrize(
    ("data", "says", "usual", "short_way"), LIKE_ONE_THAT_WAS_SEEN.values(), ids=LIKE_ONE_THAT_WAS_SEEN
)
def test_what_differs_from_a_head_that_was_seen_is_parsed(
    data: bytes, says: int, usual: list[bytes], short_way: list[bytes]
) -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep, seen=True) as dial:
            line = await dial()
            await line.says(data)
            if short_way:
                await doorstep.records()
                await until(lambda: bool(app.bodies))

            assert says == status(await line.hears())
            assert (usual, short_way) == (app.bodies, doorstep.brought)

    run(story)


def test_a_door_that_was_taken_down_is_shut_for_heads_that_were_seen_too() -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep, seen=True) as dial:
            doorstep.opaque.stands = False
            answer = await asked(await dial(), post())

            assert 200 == status(answer), "the application's own"
            assert ([UPDATE], []) == (app.bodies, doorstep.brought)

    run(story)


def test_only_so_many_heads_are_kept(monkeypatch: pytest.MonkeyPatch, parsed: list[ShortWay]) -> None:
    monkeypatch.setattr("ops.short_way.HEADS_KEPT", 2)
    heads = [HEAD + b"X-Number: %d\r\n" % n for n in (1, 2, 1, 3, 1)]

    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep) as dial:
            line = await dial()
            for head in heads:
                await line.says(post(head=head))
                await doorstep.records()
                await line.hears()

            assert 4 == len(parsed)

    run(story)


def test_what_looks_like_an_update_inside_another_request_is_none() -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep, seen=True) as dial:
            line = await dial()
            await line.says(b"GET / HTTP/1.1\r\nX-Begun: ")
            await a_turn(STEP_S)
            await line.says(post())

            assert 200 == status(await line.hears())
            assert ([UPDATE], []) == (app.bodies, doorstep.brought), "the body of that GET"

    run(story)


def test_a_connection_is_not_idle_while_an_update_is_on_its_way(parsed: list[ShortWay]) -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        async with short(app, doorstep) as dial:
            line = await dial()
            await line.says(post())
            await doorstep.records()
            await line.hears()
            (connection,) = parsed
            assert connection.timeout_keep_alive_task is not None
            await line.says(post())
            await until(lambda: bool(doorstep.waiting))

            assert connection.timeout_keep_alive_task is None

    run(story)


def test_what_stands_behind_a_refused_update_is_not_idle_either() -> None:
    async def story(app: App, doorstep: Doorstep) -> None:
        app.may_answer.clear()
        async with short(app, doorstep) as dial:
            line = await dial()
            await line.says(post(b"{}") + GET)
            await until(lambda: bool(app.bodies))

            assert [None] == [connection.timeout_keep_alive_task for connection in dial.connections()]
            app.may_answer.set()

    run(story)
