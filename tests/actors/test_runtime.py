"""Pykka's promises, kept by an actor that has no thread: what is asked, told, refused, and what a failure does."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pykka
import pytest

from actors.inbox import MESSAGES_A_TURN
from actors.runtime import DEFERRED, InboxFull, LoopActor, LoopFuture, stopped
from tests.actors.waiting import SOON_S, a_turn, answer_of, until


class Parrot(LoopActor):
    """Does what it is told to do, and remembers it."""

    def __init__(self, heard: list[object] | None = None) -> None:
        super().__init__()
        self.heard: list[object] = heard if heard is not None else []
        self.failures: list[str] = []
        self.undelivered: list[object] = []
        self.is_stopped = False
        self.later: LoopFuture | None = None

    def on_receive(self, message: object) -> Any:
        if callable(message):
            return message(self)
        self.heard.append(message)
        return message

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:  # noqa: ARG002  Pykka's
        self.failures.append(exception_type.__name__)

    def on_stop(self) -> None:
        self.is_stopped = True

    def on_undelivered(self, message: object) -> None:
        self.undelivered.append(message)


def on_a_loop(story: Callable[[pykka.ActorRef[Parrot], Parrot], Awaitable[None]]) -> None:
    async def told() -> None:
        actor: list[Parrot] = []
        ref = Parrot.start()
        ref.tell(actor.append)
        await until(lambda: actor)
        await story(ref, actor[0])
        await stopped(ref)

    asyncio.run(told())


def fail(_: Parrot) -> None:
    raise ValueError("as told")


async def work(result: object) -> object:
    await a_turn()
    return result


async def work_in_vain() -> object:
    await a_turn()
    raise LookupError("nothing found")


# Asking and telling


def test_what_is_asked_is_answered() -> None:
    async def story(ref: pykka.ActorRef[Parrot], _: Parrot) -> None:
        assert "hello" == await answer_of(ref, "hello")

    on_a_loop(story)


def test_messages_are_heard_in_the_order_in_which_they_came() -> None:
    async def story(ref: pykka.ActorRef[Parrot], parrot: Parrot) -> None:
        for n in range(250):
            ref.tell(n)
        await answer_of(ref, 250)

        assert list(range(251)) == parrot.heard

    on_a_loop(story)


def test_an_answer_can_be_awaited_after_it_came() -> None:
    async def story(ref: pykka.ActorRef[Parrot], _: Parrot) -> None:
        asked: Any = ref.ask("hello", block=False)
        await until(asked.done)

        assert "hello" == await asked

    on_a_loop(story)


def test_blocking_for_an_answer_is_refused_instead_of_stopping_the_loop() -> None:
    async def story(ref: pykka.ActorRef[Parrot], _: Parrot) -> None:
        with pytest.raises(RuntimeError, match="await this future"):
            ref.ask("hello")
        await a_turn()

    on_a_loop(story)


def test_a_caller_that_has_given_up_disturbs_nobody() -> None:
    async def story(ref: pykka.ActorRef[Parrot], parrot: Parrot) -> None:
        asked = asyncio.ensure_future(answer_of(ref, lambda one: one.spawn(work("late"))))
        await a_turn()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)

        assert "hello" == await answer_of(ref, "hello")
        assert [] == parrot.failures

    on_a_loop(story)


# Failing


def test_a_failed_ask_raises_in_the_caller_and_the_actor_lives() -> None:
    async def story(ref: pykka.ActorRef[Parrot], parrot: Parrot) -> None:
        with pytest.raises(ValueError, match="as told"):
            await answer_of(ref, fail)
        assert "hello" == await answer_of(ref, "hello")
        assert [] == parrot.failures

    on_a_loop(story)


def test_a_failed_tell_stops_the_actor_and_is_reported() -> None:
    async def story(ref: pykka.ActorRef[Parrot], parrot: Parrot) -> None:
        ref.tell(fail)
        await until(lambda: not ref.is_alive())

        assert ["ValueError"] == parrot.failures
        assert not parrot.is_stopped

    on_a_loop(story)


def test_a_cancelled_handler_fails_alone_and_does_not_stop_every_actor() -> None:
    def cancelled(_: Parrot) -> None:
        raise asyncio.CancelledError

    async def story(ref: pykka.ActorRef[Parrot], _: Parrot) -> None:
        bystander = Parrot.start()
        with pytest.raises(RuntimeError, match="cancelled"):
            await answer_of(ref, cancelled)

        assert "hello" == await answer_of(bystander, "hello")
        assert "hello" == await answer_of(ref, "hello")
        await stopped(bystander)

    on_a_loop(story)


def test_what_was_told_and_not_heard_is_handed_over_when_it_fails() -> None:
    async def story(ref: pykka.ActorRef[Parrot], parrot: Parrot) -> None:
        ref.tell("heard")
        ref.tell(fail)
        ref.tell("one")
        asked = ref.ask("a question", block=False)
        ref.tell("two")
        await until(lambda: not ref.is_alive())
        with pytest.raises(pykka.ActorDeadError):
            await asked

        assert ["heard"] == parrot.heard
        assert ["one", "two"] == parrot.undelivered

    on_a_loop(story)


# Stopping


def test_a_stopped_actor_has_heard_what_came_before() -> None:
    async def story(ref: pykka.ActorRef[Parrot], parrot: Parrot) -> None:
        for n in range(150):
            ref.tell(n)
        await stopped(ref)

        assert list(range(150)) == parrot.heard
        assert parrot.is_stopped
        await stopped(ref)

    on_a_loop(story)


def test_whoever_asks_a_stopped_actor_is_told_that_it_is_dead() -> None:
    async def story(ref: pykka.ActorRef[Parrot], parrot: Parrot) -> None:
        await stopped(ref)
        with pytest.raises(pykka.ActorDeadError):
            await answer_of(ref, "hello")
        with pytest.raises(pykka.ActorDeadError):
            ref.tell("hello")
        # As by somebody who had looked a moment before it stopped.
        asked = LoopFuture()
        parrot.actor_inbox.put(pykka._envelope.Envelope("hello", reply_to=asked))  # noqa: SLF001  what a ref does
        with pytest.raises(pykka.ActorDeadError):
            await asked

    on_a_loop(story)


# Work beside the mailbox


def test_work_beside_the_mailbox_answers_with_what_is_made_of_it() -> None:
    async def story(ref: pykka.ActorRef[Parrot], parrot: Parrot) -> None:
        def begin(one: Parrot) -> object:
            return one.spawn(work(20), then=lambda result: one.on_receive(result + 1))

        assert 21 == await answer_of(ref, begin)
        assert [21] == parrot.heard

    on_a_loop(story)


def test_work_may_lead_to_more_work_before_the_answer() -> None:
    async def story(ref: pykka.ActorRef[Parrot], _: Parrot) -> None:
        def begin(one: Parrot) -> object:
            return one.spawn(work(1), then=lambda a: one.spawn(work(2), then=lambda b: (a, b)))

        assert (1, 2) == await answer_of(ref, begin)

    on_a_loop(story)


def test_the_mailbox_goes_on_while_work_is_under_way() -> None:
    async def story(ref: pykka.ActorRef[Parrot], _: Parrot) -> None:
        gate = asyncio.Event()
        slow = ref.ask(lambda one: one.spawn(gate.wait()), block=False)

        assert "hello" == await answer_of(ref, "hello")
        gate.set()
        assert await slow

    on_a_loop(story)


def test_work_that_fails_raises_in_the_caller_and_the_actor_lives() -> None:
    async def story(ref: pykka.ActorRef[Parrot], parrot: Parrot) -> None:
        with pytest.raises(LookupError, match="nothing found"):
            await answer_of(ref, lambda one: one.spawn(work_in_vain()))
        assert "hello" == await answer_of(ref, "hello")
        assert [] == parrot.failures

    on_a_loop(story)


def test_work_that_nobody_asked_for_and_that_fails_stops_the_actor() -> None:
    async def story(ref: pykka.ActorRef[Parrot], parrot: Parrot) -> None:
        await answer_of(ref, lambda one: one.beside(work_in_vain(), one.on_receive))
        await until(lambda: not ref.is_alive())

        assert ["LookupError"] == parrot.failures

    on_a_loop(story)


def test_cancelled_work_raises_in_the_caller() -> None:
    async def story(ref: pykka.ActorRef[Parrot], _: Parrot) -> None:
        async def cancelled() -> None:
            raise asyncio.CancelledError

        with pytest.raises(RuntimeError, match="cancelled"):
            await answer_of(ref, lambda one: one.spawn(cancelled()))
        assert "hello" == await answer_of(ref, "hello")

    on_a_loop(story)


@pytest.mark.parametrize("outcome", [work("done"), None])
def test_whoever_waits_for_work_of_a_stopped_actor_is_told_at_once(outcome: Any) -> None:
    async def story(ref: pykka.ActorRef[Parrot], _: Parrot) -> None:
        gate = asyncio.Event()

        async def slow() -> object:
            await gate.wait()
            return await (outcome or work_in_vain())

        asked = ref.ask(lambda one: one.spawn(slow()), block=False)
        await stopped(ref)
        with pytest.raises(pykka.ActorDeadError):
            await asyncio.wait_for(_awaited(asked), SOON_S)
        gate.set()
        await a_turn()

    on_a_loop(story)


async def _awaited(future: Awaitable[Any]) -> Any:
    return await future


def test_an_answer_may_be_kept_and_given_later() -> None:
    async def story(ref: pykka.ActorRef[Parrot], parrot: Parrot) -> None:
        def keep(one: Parrot) -> object:
            one.later = one.reply_later()
            return DEFERRED

        asked = ref.ask(keep, block=False)
        await answer_of(ref, "something else")
        assert not asked.done()  # type: ignore[attr-defined]  # a LoopFuture
        assert parrot.later is not None
        parrot.later.set("at last")
        parrot.later.set("too late")

        assert "at last" == await asked

    on_a_loop(story)


# Limits


def test_a_full_inbox_refuses_what_is_asked_and_takes_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parrot, "inbox_limit", 3)

    async def story(ref: pykka.ActorRef[Parrot], parrot: Parrot) -> None:
        asked = [ref.ask(n, block=False) for n in range(3)]
        with pytest.raises(InboxFull):
            await ref.ask("one too many", block=False)
        ref.tell("told")

        assert [0, 1, 2] == [await one for one in asked]
        await until(lambda: "told" in parrot.heard)
        assert "room again" == await answer_of(ref, "room again")

    on_a_loop(story)


def test_a_long_inbox_lets_the_loop_do_other_things() -> None:
    async def story(ref: pykka.ActorRef[Parrot], parrot: Parrot) -> None:
        heard_by_then: list[int] = []
        for n in range(3 * MESSAGES_A_TURN):
            ref.tell(n)
        asyncio.get_running_loop().call_soon(lambda: heard_by_then.append(len(parrot.heard)))
        await answer_of(ref, "last")

        assert [MESSAGES_A_TURN] == heard_by_then
        assert 3 * MESSAGES_A_TURN + 1 == len(parrot.heard)

    on_a_loop(story)


def test_an_idle_actor_has_no_task_and_no_thread_and_no_queue() -> None:
    async def story(ref: pykka.ActorRef[Parrot], _: Parrot) -> None:
        tasks, threads = len(asyncio.all_tasks()), threading.active_count()
        crowd = [Parrot.start() for _ in range(100)]
        for one in (ref, *crowd):
            await answer_of(one, "hello")

        assert (tasks, threads) == (len(asyncio.all_tasks()), threading.active_count())
        assert [] == pykka.ActorRegistry.get_all()
        for one in crowd:
            await stopped(one)

    on_a_loop(story)


@pytest.fixture
def _threads_switch_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_threads_switch_often")
def test_what_other_threads_tell_is_heard_and_each_in_its_order() -> None:
    async def story(ref: pykka.ActorRef[Parrot], parrot: Parrot) -> None:
        def tell(who: str) -> None:
            for n in range(2000):
                ref.tell((who, n))

        tellers = [threading.Thread(target=tell, args=(who,)) for who in "abc"]
        for teller in tellers:
            teller.start()
        tell("here")
        await until(lambda: len(parrot.heard) == 8000)
        for teller in tellers:
            teller.join(SOON_S)

        for who in ("a", "b", "c", "here"):
            assert list(range(2000)) == [n for teller, n in parrot.heard if teller == who]  # type: ignore[misc]

    on_a_loop(story)
