"""Pykka actors on an asyncio event loop: an idle one holds no thread and no task.

Pykka's receive loop calls `inbox.get()` outside its `try`. Our inbox raises there when it is empty, which turns that
loop into "handle what is there"; a put into an empty inbox arms one call of it on the event loop. The rest is Pykka's:
a failing tell stops the actor and calls `on_failure`, a failing ask raises in the caller.

A handler is a synchronous state transition. What takes time runs beside the mailbox: `return self.spawn(coroutine,
then=self._done)` answers the ask with what `_done` returns. A handler may also keep `self.reply_later()` and answer
when it knows.

Not kept from Pykka: the registry, a list whose unregistering grows with the fleet, and the `threading.Event` and URN
that it makes per actor, which cost more than all the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self

import pykka
from pykka._envelope import Envelope
from pykka.messages import _ActorStop

from actors.inbox import DEFERRED, Deferred, Drained, Inbox, InboxFull, LoopFuture

__all__ = ["DEFERRED", "InboxFull", "LoopActor", "LoopFuture", "stop_soon", "stopped"]


class _StopFlag:
    """What Pykka needs of a threading.Event, for one thread."""

    __slots__ = ("_set",)

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        self._set = True

    def is_set(self) -> bool:
        return self._set


class _Finished:
    __slots__ = ("task", "then")

    def __init__(self, task: asyncio.Task[Any], then: Callable[[Any], Any]) -> None:
        self.task, self.then = task, then


_spawned: set[asyncio.Task[Any]] = set()
"""asyncio keeps only weak references to tasks."""


def telling(actor: Reference) -> Callable[[Any], None]:
    """For those who tell it something and must not fail when it is gone: then nobody hears it."""

    def tell(message: Any) -> None:
        if actor.is_alive():
            actor.tell(message)

    return tell


def stop_soon(actor: pykka.ActorRef[Any]) -> None:
    """Stops it after what is in its inbox, and does not wait."""
    if actor.is_alive():
        actor.tell(_ActorStop())


async def stopped(actor: pykka.ActorRef[Any]) -> None:
    """Stops it after what is in its inbox. Pykka's own `stop` gives a future that only blocking can read."""
    if actor.is_alive():
        await actor.ask(_ActorStop(), block=False)


class Reference(Protocol):
    """What an actor is asked and told through."""

    def ask(self, message: Any, *, block: Any = True) -> Any: ...
    def tell(self, message: Any) -> None: ...
    def is_alive(self) -> bool: ...


class Keeper(Protocol):
    """Whoever is told that an actor has failed, and of each message that was told it in vain."""

    def died(self, reason: str) -> None: ...
    def left(self, message: Any) -> None: ...


class LoopActor(pykka.Actor):
    inbox_limit: ClassVar[int] = 10_000
    keeper: Keeper | None = None
    _working_for: set[pykka.Future[Any]] | None = None
    """Those who asked, and whose answer is being worked out beside the mailbox."""

    def __init__(self) -> None:
        self.actor_urn = "urn:botloft"
        self.actor_inbox: Inbox = self._create_actor_inbox()
        self.actor_stopped = _StopFlag()  # type: ignore[assignment]  # the two methods that Pykka calls
        self._actor_ref = pykka.ActorRef(self)

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> pykka.ActorRef[Self]:
        return cls(*args, **kwargs).begin()

    def begin(self, keeper: Keeper | None = None) -> pykka.ActorRef[Self]:
        self.keeper = keeper
        self._start_actor_loop()
        return self.actor_ref

    @staticmethod
    def _create_actor_inbox() -> Inbox:
        return Inbox()

    @staticmethod
    def _create_future() -> LoopFuture:
        return LoopFuture()

    def _start_actor_loop(self) -> None:
        self._actor_loop_setup()
        self.actor_inbox.attach(asyncio.get_running_loop(), self._take_turn, self.inbox_limit)

    def reply_later(self) -> LoopFuture:
        """The future of the message in hand; whoever holds it must set it. A told message has one that nobody reads."""
        current = self.actor_inbox.current
        if current is None or current.reply_to is None:
            return LoopFuture()
        assert isinstance(current.reply_to, LoopFuture)  # noqa: S101  asks come through our own `_create_future`
        return current.reply_to

    def spawn(self, work: Coroutine[Any, Any, Any], then: Callable[[Any], Any] = lambda result: result) -> Deferred:
        """Runs `work` beside the mailbox; its result comes back as a message to `then`, whose value is the reply."""
        current = self.actor_inbox.current
        reply_to = current.reply_to if current is not None else None
        if reply_to is not None:
            self._working_for = self._working_for or set()
            self._working_for.add(reply_to)
        self._run(work, then, reply_to)
        return DEFERRED

    def beside(self, work: Coroutine[Any, Any, Any], then: Callable[[Any], Any]) -> None:
        """As `spawn`, for work that is not the answer to the message in hand. If `work` fails, so does the actor."""
        self._run(work, then, None)

    def on_undelivered(self, message: object) -> None:
        """Called with each told message that was in the inbox when the actor stopped."""
        if self.keeper is not None:
            self.keeper.left(message)

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,  # noqa: ARG002  Pykka's signature
        traceback: TracebackType | None,  # noqa: ARG002
    ) -> None:
        # Pykka calls `on_stop` for those alone that were asked to stop.
        self.on_stop()
        self.died(exception_type.__name__ if exception_type else "unknown")

    def died(self, reason: str) -> None:
        """Called once it has failed, with the name of the error's class; not where it was asked to stop."""
        if self.keeper is not None:
            self.keeper.died(reason)

    def _run(
        self, work: Coroutine[Any, Any, Any], then: Callable[[Any], Any], reply_to: pykka.Future[Any] | None
    ) -> None:
        task = asyncio.get_running_loop().create_task(work)
        _spawned.add(task)
        task.add_done_callback(lambda done: self._came_back(_Finished(done, then), reply_to))

    def _came_back(self, finished: _Finished, reply_to: pykka.Future[Any] | None) -> None:
        _spawned.discard(finished.task)
        if self._working_for is not None and reply_to is not None:
            self._working_for.discard(reply_to)
        if self.actor_stopped.is_set() and not finished.task.cancelled():
            finished.task.exception()  # a result nobody waits for any more is no "exception never retrieved"
        self.actor_inbox.put_always(Envelope(finished, reply_to=reply_to))

    def _handle_receive(self, message: Any) -> Any:
        try:
            if isinstance(message, _Finished):
                return message.then(message.task.result())
            return super()._handle_receive(message)
        except asyncio.CancelledError as error:
            # Pykka stops every actor of the process on a BaseException.
            raise RuntimeError("cancelled") from error

    def _actor_loop_teardown(self) -> None:
        left = self.actor_inbox.taken_out()
        # Not only when the work is done: whoever asked must not wait for what comes to nothing.
        left += [Envelope(None, reply_to=reply) for reply in self._working_for or ()]
        for envelope in left:
            if envelope.reply_to is not None:
                self.actor_inbox.put_always(envelope)  # closed: it says so to whoever asked
            elif not isinstance(envelope.message, (_ActorStop, _Finished)):
                self.on_undelivered(envelope.message)

    def _take_turn(self) -> None:
        self.actor_inbox.opened_turn()
        with suppress(Drained):
            self._actor_loop_running()
        if self.actor_stopped.is_set():
            self.actor_inbox.close()
            self._actor_loop_teardown()
        self.actor_inbox.ended_turn()
