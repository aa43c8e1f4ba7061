"""What stands in for the world: time that moves when it is told to, a Telegram with a script, a journal in memory.

Nothing here has a thread, a real clock or chance of its own, so a run is repeated exactly by doing the same again.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple

import msgspec

from actors.bot import BEGIN, BotActor
from actors.guards import Policy
from actors.mail import STOP_WAITING, BotFailed
from actors.permits import Permits
from actors.ports import Ports, Then
from actors.slot import Slot, Ticket
from domain import bot as lives
from domain.bot import Bot
from domain.command import Outcome
from domain.errors import StaleStream, StoreError
from domain.events import BotRegistered, DayEvent, Event
from domain.failure import Answer, Delivered, Failure, lost_answer, never_left, read_answer
from domain.methods import method_named
from domain.refusal import Refused
from domain.rules.breaker import BreakerPolicy
from domain.rules.pacing import PacePolicy
from domain.rules.tokens import Token
from domain.store.inbox import InboxRow
from domain.store.ledger import Snapshot
from domain.store.mapper import Recorded
from domain.streams import bot_stream, day_stream
from tests.examples import BOT_ID, NOON, TENANT, a_bot, a_command, a_token, an_identity

DELIVERED = Delivered(b'{"message_id":1}')


class ManualClock:
    """At noon, until it is moved."""

    def __init__(self, utc: datetime = NOON, steady: float = 1000.0) -> None:
        self._utc, self._steady = utc, steady

    def utc(self) -> datetime:
        return self._utc

    def steady(self) -> float:
        return self._steady

    def move_to(self, steady: float) -> None:
        self._utc += timedelta(seconds=max(0.0, steady - self._steady))
        self._steady = max(self._steady, steady)

    def is_set(self, utc: datetime) -> None:
        """Somebody has set the wall clock; the steady one does not care."""
        self._utc = utc


class ManualTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback, self.is_cancelled = callback, False

    def cancel(self) -> None:
        self.is_cancelled = True


class ManualTimers:
    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, ManualTimer]] = []
        self._number = count()

    def at(self, steady_s: float, callback: Callable[[], None]) -> ManualTimer:
        timer = ManualTimer(callback)
        heapq.heappush(self._due, (steady_s, next(self._number), timer))
        return timer

    def next(self) -> float | None:
        """When the next one rings."""
        while self._due and self._due[0][2].is_cancelled:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def advance(self, seconds: float, between: Callable[[], None] = lambda: None) -> None:
        """Rings every timer on the way at its own time; `between` is what the world does before time goes on."""
        until = self._clock.steady() + seconds
        between()
        while (at := self.next()) is not None and at <= until:
            self._clock.move_to(at)
            heapq.heappop(self._due)[2].callback()
            between()
        self._clock.move_to(until)


class Call:
    """One call that Telegram got."""

    def __init__(
        self, token: Token, method: str, parameters: Mapping[str, object], timeout_s: float, at: float
    ) -> None:
        self.token, self.method, self.parameters = token, method, parameters
        self.timeout_s, self.at = timeout_s, at
        self.answer: Answer | None = None
        self.then: Callable[[Answer], None] = lambda _: None

    def __repr__(self) -> str:
        return f"Call({self.method}, {self.parameters}, {self.at})"

    @property
    def is_answered(self) -> bool:
        return self.answer is not None

    @property
    def chat(self) -> object:
        return self.parameters.get("chat_id")

    @property
    def text(self) -> object:
        return self.parameters.get("text")

    def gets(self, answer: Answer) -> None:
        if not self.is_answered:
            self.answer = answer
            self.then(answer)


class ScriptedTelegram:
    """The `Calling` port. `will` says what the next calls get, in their order; None leaves one to the test.

    After that every call gets what `otherwise` makes of it.
    """

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._script: deque[Answer | None] = deque()
        self.otherwise: Callable[[Call], Answer | None] = lambda _: DELIVERED
        self.calls: list[Call] = []
        self.closed = 0

    def will(self, *answers: Answer | None) -> None:
        self._script.extend(answers)

    def waits(self) -> None:
        """From now on the test answers every call itself."""
        self.otherwise = lambda _: None

    def works(self, answer: Answer = DELIVERED) -> None:
        self.otherwise = lambda _: answer

    @property
    def texts(self) -> list[object]:
        return [call.text for call in self.calls]

    @property
    def out(self) -> list[Call]:
        """Calls without an answer."""
        return [call for call in self.calls if not call.is_answered]

    def call(
        self,
        token: Token,
        method: str,
        parameters: Mapping[str, object],
        timeout_s: float,
        then: Callable[[Answer], None],
    ) -> None:
        call = Call(token, method, parameters, timeout_s, self._clock.steady())
        call.then = then
        self.calls.append(call)
        answer = self._script.popleft() if self._script else self.otherwise(call)
        if answer is not None:
            call.gets(answer)

    async def ask(self, token: Token, method: str, parameters: Mapping[str, object], timeout_s: float) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.call(token, method, parameters, timeout_s, answer.set_result)
        return await answer

    async def close(self) -> None:
        self.closed += 1
        for call in self.out:
            call.gets(lost_answer("the gateway stopped before Telegram answered"))


class _Append(NamedTuple):
    events: Sequence[Event]
    then: Then | None
    stream: str | None
    after_version: int | None
    """None: whatever is next."""
    inbox: InboxRow | None = None


class MemoryJournal:
    """The `Recording` port. Nothing is on disk before `commit`."""

    def __init__(self, max_backlog: int = 1000) -> None:
        self.max_backlog = max_backlog
        self.taken = 0
        self.left_out = 0
        self.is_away = False
        """While it is, `commit` does nothing."""
        self.log: list[Recorded] = []
        self.snapshots: dict[str, Snapshot] = {}
        self.inbox: dict[tuple[int, int], InboxRow] = {}
        self._pending: deque[_Append] = deque()
        self._versions: dict[str, int] = {}

    def waits_s(self) -> float:
        return 0.0

    def reserve(self) -> bool:
        if self.taken >= self.max_backlog:
            return False
        self.taken += 1
        return True

    def release(self) -> None:
        self.taken -= 1

    def takes_refusal(self) -> bool:
        takes = self.taken < self.max_backlog // 2
        self.left_out += not takes
        return takes

    def refusals_left_out(self) -> int:
        return self.left_out

    def note(self, event: Event, then: Then | None = None, stream: str | None = None) -> None:
        self._append(_Append((event,), then, stream, None))

    def receive(self, event: DayEvent, row: InboxRow, then: Then) -> None:
        self._append(_Append((event,), then, None, None, row))

    def write(
        self,
        stream: str,
        after_version: int | None,
        events: Sequence[Event],
        then: Then | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        self._append(_Append(events, then, stream, after_version))
        if snapshot is not None:
            self.snapshots[stream] = snapshot

    def flush(self, then: Then) -> None:
        self._append(_Append((), then, None, None))

    def commit(self) -> bool:
        """What waits is written, in its order; False when nothing did."""
        if self.is_away or not self._pending:
            return False
        batch, self._pending = self._pending, deque()
        for append in batch:
            self.taken -= len(append.events)
            result = self._written(append)
            if append.then is not None:
                append.then(result)
        return True

    def somebody_else_wrote(self, stream: str) -> None:
        self._versions[stream] = self._versions.get(stream, 0) + 1

    def knows(self, stream: str, version: int) -> None:
        self._versions[stream] = version

    @property
    def events(self) -> list[Event]:
        return [recorded.event for recorded in self.log]

    def of(self, *kinds: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kinds)]

    def _append(self, append: _Append) -> None:
        self.taken += len(append.events)
        self._pending.append(append)

    def _written(self, append: _Append) -> int | StoreError:
        if append.after_version not in (None, self._versions.get(append.stream or "", 0)):
            return StaleStream(append.stream or "")
        if append.inbox is not None:
            place = append.inbox.bot_id, append.inbox.update_id
            if place in self.inbox:
                return 0
            self.inbox[place] = append.inbox
        for event in append.events:
            stream = append.stream or day_stream(event)  # type: ignore[arg-type]  # a note is a day's event
            version = self._versions[stream] = self._versions.get(stream, 0) + 1
            self.log.append(Recorded(len(self.log) + 1, stream, version, event))
        return len(self.log)


UNLIMITED = Policy(pace=PacePolicy(0, 0, 0), breaker=BreakerPolicy())


@dataclass(eq=False)
class Asked:
    """A command and what its caller was told."""

    ticket: Ticket
    told: list[Outcome | Refused]

    @property
    def outcome(self) -> Outcome:
        assert len(self.told) == 1, f"told {len(self.told)} times: {self.told}"
        outcome = self.told[0]
        assert isinstance(outcome, Outcome), outcome
        return outcome

    @property
    def ended(self) -> tuple[str, str]:
        if self.told and isinstance(self.told[0], Refused):
            assert len(self.told) == 1, self.told
            return "refused", self.told[0].code
        return self.outcome.final, self.outcome.code


class LoneBot:
    """One bot's actor in the test's own thread: its mailbox is a queue, and time is the test's.

    `rest` lets everything happen that can happen without time passing.
    """

    def __init__(
        self,
        *,
        policy: Policy = UNLIMITED,
        fleet_rps: float = 0.0,
        method_rps: Mapping[str, float] | None = None,
        max_backlog: int = 1000,
        jitter: float = 0.5,
        bot_id: int = BOT_ID,
        tenant_id: str = TENANT,
        sharing: LoneBot | None = None,
    ) -> None:
        """`sharing`: another bot with the same clock, timers, journal, Telegram and permits."""
        self.clock = sharing.clock if sharing else ManualClock()
        self.timers = sharing.timers if sharing else ManualTimers(self.clock)
        self.telegram = sharing.telegram if sharing else ScriptedTelegram(self.clock)
        self.journal = sharing.journal if sharing else MemoryJournal(max_backlog)
        self.ports = Ports(self.clock, self.timers, self.journal, self.telegram, lambda: jitter, a_seal)
        self.policy = policy
        self.permits = (
            sharing.permits if sharing else Permits(fleet_rps, self.clock, self.timers, method_rps=method_rps)
        )
        self.failures: list[BotFailed] = []
        self.bot = a_registered_bot(bot_id, tenant_id)
        self.journal.knows(bot_stream(bot_id), self.bot.version)
        self.slot = Slot(bot_id, self.bot.tenants)
        self._neighbours: list[LoneBot] = [self, *(sharing._neighbours if sharing else [])]  # noqa: SLF001  its own kind
        for neighbour in self._neighbours:
            neighbour._neighbours = self._neighbours  # noqa: SLF001
        self._mailbox: deque[object] = deque()
        self._number = count(1)
        self.starts()

    def starts(self) -> None:
        """As the supervisor starts an actor: from what is on disk."""
        for recorded in self.journal.log:
            if recorded.stream == bot_stream(self.bot.bot_id) and recorded.version > self.bot.version:
                self.bot = lives.evolve(self.bot, recorded.event)
        self.actor = BotActor(
            self.bot, a_token(self.bot.bot_id), self.slot, self.ports, self.permits, self.policy, self.failures.append
        )
        self.slot.actor = self  # type: ignore[assignment]  # the two methods that a slot calls
        self._mailbox.extend((BEGIN, *self.slot.unparked()))

    def dies(self) -> None:
        """As after an error of its own: what was in the mailbox goes where Pykka's actor would put it."""
        self.actor.on_stop()
        self.slot.actor = None
        left, self._mailbox = self._mailbox, deque()
        for message in left:
            self.actor.on_undelivered(message)

    def dies_and_restarts(self) -> None:
        self.dies()
        self.journal.flush(lambda _: self.starts())

    def stops(self) -> None:
        """With the gateway."""
        self.slot.is_stopping = True
        self.tell(STOP_WAITING)
        self.rest()

    def is_alive(self) -> bool:
        return self.slot.actor is self

    def tell(self, message: object) -> None:
        self._mailbox.append(message)

    def ask(self, **changes: object) -> Asked:
        """A command arrives; `rest` before you look."""
        command = a_command(
            **{
                "command_id": f"{self.bot.bot_id}-{next(self._number)}",
                "bot_id": self.bot.bot_id,
                "tenant_id": next(iter(self.bot.tenants), TENANT),
                "received_at": self.clock.utc(),
                **changes,
            }
        )
        method = method_named(command.method)
        assert method is not None
        told: list[Outcome | Refused] = []
        now = self.clock.steady()
        ticket = Ticket(command, method, command.chat, now, now + command.deadline_s, told.append)
        self.slot.opened(ticket)
        self.slot.tell(ticket)
        return Asked(ticket, told)

    def say(self, text: str, chat: int = 42, **changes: object) -> Asked:
        """A `sendMessage`, and everything that follows at once."""
        asked = self.ask(**a_message(text, chat), **changes)
        self.rest()
        return asked

    def rest(self) -> None:
        while any(bot._worked() for bot in self._neighbours) or self.journal.commit():  # noqa: SLF001
            pass

    def advance(self, seconds: float) -> None:
        self.timers.advance(seconds, self.rest)

    def answer(self, answer: Answer = DELIVERED) -> None:
        """To the oldest call that waits for one."""
        self.telegram.out[0].gets(answer)
        self.rest()

    def _worked(self) -> bool:
        if not self._mailbox or not self.is_alive():
            return False
        self.actor.on_receive(self._mailbox.popleft())
        return True


def a_seal(tenant_id: str, purpose: str, plain: bytes) -> bytes:
    """Nothing that reads what is sealed gets away with it, and everybody can tell what it was."""
    return f"sealed for {tenant_id}, {purpose}: ".encode() + plain[::-1]


def a_message(text: str, chat: int = 42) -> dict[str, object]:
    return {"parameters": {"chat_id": chat, "text": text}, "chat": str(chat)}


def a_registration(bot_id: int = BOT_ID, tenant_id: str = TENANT) -> BotRegistered:
    decided = lives.register(Bot(bot_id), an_identity(tenant_id=tenant_id), NOON)
    assert isinstance(decided, tuple)
    (registered,) = decided
    assert isinstance(registered, BotRegistered)
    return registered


def a_registered_bot(bot_id: int = BOT_ID, tenant_id: str = TENANT) -> Bot:
    return a_bot(a_registration(bot_id, tenant_id), bot_id=bot_id)


def told_by_telegram(status: int, description: str, parameters: dict[str, int] | None = None) -> Failure:
    body = {"ok": False, "error_code": status, "description": description, "parameters": parameters or {}}
    answer = read_answer(status, msgspec.json.encode(body))
    assert isinstance(answer, Failure)
    return answer


def flood(retry_after_s: int) -> Failure:
    return told_by_telegram(429, "Too Many Requests", {"retry_after": retry_after_s})


def moved_to(chat: int) -> Failure:
    return told_by_telegram(400, "Bad Request: group chat was upgraded", {"migrate_to_chat_id": chat})


REFUSED_CONNECTION = never_left("no connection: Connection refused")
LOST = lost_answer("no answer in time")
BROKEN = told_by_telegram(500, "Internal Server Error")
RESTARTING = told_by_telegram(500, "Internal Server Error: restart")
BLOCKED = told_by_telegram(403, "Forbidden: bot was blocked by the user")
NOT_MODIFIED = told_by_telegram(400, "Bad Request: message is not modified: the same content")
REVOKED = told_by_telegram(401, "Unauthorized")
TEAPOT = told_by_telegram(418, "I'm a teapot")
