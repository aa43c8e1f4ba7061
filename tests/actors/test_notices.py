"""A tenant is told what it should know: recorded, listed, and posted until its end has taken it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from actors.messages import ListNotices, NoticeEndpoint, Notify, SetNoticeEndpoint
from actors.notices import NoticesActor, Store
from actors.outside import Posted
from actors.ports import Ports
from actors.runtime import stopped
from domain.errors import Shredded, StoreUnavailable
from domain.refusal import Refused
from domain.store.mapper import Recorded
from domain.streams import NOTICES
from tests.actors.waiting import answer_of, until
from tests.doubles import ManualClock, ManualTimers, MemoryJournal, ScriptedTelegram, a_seal
from tests.examples import BOT_ID, OTHER_TENANT, TENANT

DAY_S = 86_400.0
SUSPENDED = Notify(TENANT, "bot_suspended", "It is suspended.", BOT_ID)


class Lives:
    """Of notices actors, one after another, over one log."""

    def __init__(self) -> None:
        self.clock, self.journal = ManualClock(), MemoryJournal()
        self.timers = ManualTimers(self.clock)
        self.ports = Ports(self.clock, self.timers, self.journal, ScriptedTelegram(self.clock), lambda: 0.5, a_seal)
        self.status: int | None = 204
        self.ids: list[str] = []
        self.taken: list[tuple[str, str]] = []
        self.trouble: Exception | None = None
        self.begins()

    def begins(self) -> None:
        self.journal.commit()
        history = [one for one in self.journal.log if one.stream.startswith(NOTICES)]
        self.actor = NoticesActor.start(self.ports, self.takes, Store(self.stream, self.opened), history)

    async def takes(self, url: str, body: bytes, headers: dict[str, str]) -> Posted:
        self.ids.append(headers["webhook-id"])
        if self.status == 204:
            self.taken.append((url, json.loads(body)["detail"]))
        return Posted(self.status, "")

    def stream(self, stream: str) -> list[Recorded]:
        if self.trouble is not None:
            raise self.trouble
        return [one for one in self.journal.log if one.stream == stream]

    def opened(self, tenant_id: str, purpose: str, sealed: bytes) -> bytes:
        label = a_seal(tenant_id, purpose, b"")
        if not sealed.startswith(label):
            raise Shredded
        return sealed[len(label) :][::-1]

    async def until(self, condition: Callable[[], object]) -> None:
        def committed() -> object:
            self.journal.commit()
            return condition()

        await until(committed)

    async def ask(self, message: object) -> object:
        asked = asyncio.ensure_future(answer_of(self.actor, message))
        await self.until(asked.done)
        return asked.result()

    async def listed(self, after: int | None = None, limit: int = 50, tenant_id: str = TENANT) -> list[str]:
        found = await self.ask(ListNotices(tenant_id, after, limit))
        assert isinstance(found, list)
        return [notice.detail for notice in found]

    def topics(self) -> list[str]:
        self.journal.commit()
        return [event.TOPIC for event in self.journal.events]


def on_a_loop(story: Callable[[Lives], Awaitable[None]]) -> None:
    async def told() -> None:
        lives = Lives()
        await story(lives)
        await stopped(lives.actor)

    asyncio.run(told())


def test_a_notice_is_recorded_and_listed_for_its_tenant_alone() -> None:
    async def story(lives: Lives) -> None:
        for number in range(5):
            lives.actor.tell(Notify(TENANT, "test", f"notice {number}"))
        await lives.until(lambda: len(lives.journal.events) == 5)

        assert ["notice 3", "notice 4"] == await lives.listed(limit=2)
        assert ["notice 0", "notice 1"] == await lives.listed(after=0, limit=2)
        assert ["notice 2", "notice 3", "notice 4"] == await lives.listed(after=2)
        assert [] == await lives.listed(tenant_id=OTHER_TENANT)
        assert [] == lives.taken

    on_a_loop(story)


def test_it_is_posted_to_the_tenant_s_endpoint_once() -> None:
    async def story(lives: Lives) -> None:
        made = await lives.ask(SetNoticeEndpoint(TENANT, "https://acme.example/n"))
        lives.actor.tell(SUSPENDED)
        await lives.until(lambda: "notice-posted" in lives.topics())
        await stopped(lives.actor)
        lives.begins()
        lives.actor.tell(Notify(TENANT, "test", "another"))
        await lives.until(lambda: lives.topics().count("notice-posted") == 2)

        assert isinstance(made, NoticeEndpoint)
        assert (made.secret or "").startswith("whsec_")
        assert [("https://acme.example/n", "It is suspended."), ("https://acme.example/n", "another")] == lives.taken

    on_a_loop(story)


def test_what_was_not_taken_is_posted_again_under_the_same_id_by_the_next_process_too() -> None:
    async def story(lives: Lives) -> None:
        await lives.ask(SetNoticeEndpoint(TENANT, "https://acme.example/n"))
        lives.status = None
        lives.actor.tell(SUSPENDED)
        await lives.until(lambda: len(lives.ids) == 1)
        await lives.until(lambda: lives.timers.next() is not None)
        lives.timers.advance(1.1)
        await lives.until(lambda: len(lives.ids) == 2)
        await stopped(lives.actor)
        lives.status = 204
        lives.begins()
        await lives.until(lambda: "notice-posted" in lives.topics())

        assert 3 == len(lives.ids)
        assert 1 == len(set(lives.ids))

    on_a_loop(story)


def test_what_is_three_days_old_is_only_listed() -> None:
    async def story(lives: Lives) -> None:
        await lives.ask(SetNoticeEndpoint(TENANT, "https://acme.example/n"))
        lives.status = 500
        lives.actor.tell(SUSPENDED)
        await lives.until(lambda: lives.ids)
        await stopped(lives.actor)
        lives.clock.move_to(1000 + 3 * DAY_S + 10)
        lives.status = 204
        lives.begins()
        lives.actor.tell(Notify(TENANT, "test", "new"))
        await lives.until(lambda: "notice-posted" in lives.topics())

        assert [("https://acme.example/n", "new")] == lives.taken
        assert ["It is suspended.", "new"] == await lives.listed()

    on_a_loop(story)


def test_another_endpoint_is_tried_at_once_and_without_one_nothing_is_posted() -> None:
    async def story(lives: Lives) -> None:
        await lives.ask(SetNoticeEndpoint(TENANT, "https://acme.example/n"))
        lives.status = 500
        lives.actor.tell(SUSPENDED)
        await lives.until(lambda: lives.timers.next() is not None)
        lives.status = 204
        await lives.ask(SetNoticeEndpoint(TENANT, "https://elsewhere.example/"))
        await lives.until(lambda: lives.taken)
        await lives.ask(SetNoticeEndpoint(TENANT, None))
        lives.actor.tell(SUSPENDED)
        await lives.until(lambda: lives.topics().count("notice-given") == 2)
        await lives.listed()

        assert [("https://elsewhere.example/", "It is suspended.")] == lives.taken

    on_a_loop(story)


@pytest.mark.parametrize("trouble", [StoreUnavailable()])
def test_a_list_that_cannot_be_read_says_so(trouble: Exception) -> None:
    async def story(lives: Lives) -> None:
        lives.trouble = trouble
        answer = await lives.ask(ListNotices(TENANT, None, 5))

        assert isinstance(answer, Refused)
        assert "store_unavailable" == answer.code

    on_a_loop(story)


def test_no_message_shows_its_secret() -> None:
    made = NoticeEndpoint("https://acme.example/hidden", "whsec_hidden", 5)

    assert "hidden" not in f"{made!r} {list(made.__rich_repr__())}"
