"""A Telegram that does or does not do what it is asked, and answers so or otherwise, later or never."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple, Protocol

from domain.failure import Answer, Delivered
from domain.rules.tokens import Token
from tests.doubles import (
    BLOCKED,
    BROKEN,
    LOST,
    NOT_MODIFIED,
    REFUSED_CONNECTION,
    RESTARTING,
    REVOKED,
    TEAPOT,
    moved_to,
    told_by_telegram,
)
from tests.simulation.loop import Agenda, VirtualLoop

DONE = Delivered(b'{"message_id":1}')
ME = b'{"id":%d,"username":"examples_bot","first_name":"Examples"}'
BAD_GATEWAY = told_by_telegram(502, "Bad Gateway")
CHAT_NOT_FOUND = told_by_telegram(400, "Bad Request: chat not found")


class InjectedCrash(Exception):
    """A bug of the actor's own, at a random place."""


class Arrived(NamedTuple):
    """A call that has left the process."""

    bot_id: int
    command_id: str
    """Empty: none of a tenant's."""
    method: str
    chat: str | None
    parameters: Mapping[str, object]


class Watching(Protocol):
    def almost_left(self, call: Arrived) -> None: ...
    def left(self, call: Arrived) -> None: ...
    def came(self, call: Arrived, answer: Answer) -> None: ...


def a_flood(seconds: float) -> Answer:
    return told_by_telegram(429, "Too Many Requests", {"retry_after": seconds})  # type: ignore[dict-item]


class Telegram:
    """The server: it outlives every process of ours."""

    def __init__(self, agenda: Agenda, chance: Random, troubled: float, floods: float) -> None:
        """`troubled`: the share of calls that something happens to in bad weather; `floods`: of these, 429s."""
        self._agenda, self._chance, self._troubled, self._floods = agenda, chance, troubled, floods
        self._weather: dict[int, bool] = {}
        self.is_calm = False
        self.effects: Counter[str] = Counter()

    def gets(self, call: Arrived, timeout_s: float, then: Callable[[Answer], None]) -> None:
        answer, is_done, takes_s = self._drawn(call)
        if is_done:
            self._agenda.after(takes_s * self._chance.random(), lambda: self._does(call))
        if takes_s >= timeout_s:
            answer, takes_s = LOST, timeout_s
        self._agenda.after(takes_s, lambda: then(answer))

    def _does(self, call: Arrived) -> None:
        if call.command_id:
            self.effects[call.command_id] += 1

    def _drawn(self, call: Arrived) -> tuple[Answer, bool, float]:
        """What is answered, whether it is done, and how long that takes."""
        chance = self._chance
        takes_s = chance.uniform(0.02, 0.2)
        if self.is_calm:
            return self._done(call) if call.method == "getMe" else DONE, True, takes_s
        if chance.random() < 0.05:
            self._weather[call.bot_id] = not self._weather.get(call.bot_id, True)
        if not self._weather.get(call.bot_id, True) or chance.random() >= self._troubled:
            return self._done(call), True, takes_s if chance.random() < 0.9 else chance.uniform(0.2, 5)
        return self._trouble(call, takes_s)

    def _done(self, call: Arrived) -> Answer:
        """A repeat of what was done before may be told so."""
        if call.method == "getMe":
            return Delivered(ME % call.bot_id)
        repeated = self.effects[call.command_id] and call.method == "editMessageText"
        return NOT_MODIFIED if repeated else DONE

    def _trouble(self, call: Arrived, takes_s: float) -> tuple[Answer, bool, float]:
        chance = self._chance
        kind = "flood" if chance.random() < self._floods else chance.choices(KINDS, WEIGHTS)[0]
        match kind:
            case "flood":
                return a_flood(round(chance.uniform(0.5, 8), 1)), False, takes_s
            case "lost after":
                return LOST, True, chance.uniform(0.1, 20)
            case "lost before":
                return LOST, False, chance.uniform(0.1, 20)
            case "gateway":
                return BAD_GATEWAY, chance.random() < 0.5, takes_s
            case "broken":
                return BROKEN, chance.random() < 0.3, takes_s
            case "never":
                return LOST, chance.random() < 0.5, 1000.0
            case "moved" if call.chat is not None and call.chat.startswith("-"):
                return moved_to(int(call.chat) - 10_000), False, takes_s
            case _:
                return ANSWERS.get(kind, CHAT_NOT_FOUND), False, takes_s


ANSWERS = {
    "restart": RESTARTING,
    "unreachable": REFUSED_CONNECTION,
    "blocked": BLOCKED,
    "teapot": TEAPOT,
    "revoked": REVOKED,
}
KINDS, WEIGHTS = zip(
    *{
        "lost after": 3, "lost before": 3, "gateway": 4, "broken": 4, "never": 2, "moved": 3,
        "restart": 3, "unreachable": 4, "blocked": 2, "teapot": 1, "revoked": 1, "not found": 3,
    }.items(),
    strict=True,
)  # fmt: skip


class Line:
    """The `Calling` port of one process."""

    def __init__(
        self, telegram: Telegram, loop: VirtualLoop, chance: Random, crashes_inside: float, watch: Watching
    ) -> None:
        self._telegram, self._loop, self._chance = telegram, loop, chance
        self.crashes_inside, self._watch = crashes_inside, watch

    def call(
        self,
        token: Token,
        method: str,
        parameters: Mapping[str, object],
        timeout_s: float,
        then: Callable[[Answer], None],
    ) -> None:
        chat = parameters.get("chat_id")
        call = Arrived(
            token.bot_id, str(parameters.get("id", "")), method, None if chat is None else str(chat), parameters
        )
        if self.crashes_inside and self._chance.random() < self.crashes_inside:
            self._watch.almost_left(call)
            raise InjectedCrash
        self._watch.left(call)

        def came(answer: Answer) -> None:
            if not self._loop.is_dead:
                self._watch.came(call, answer)
                then(answer)

        self._telegram.gets(call, timeout_s, came)

    async def ask(self, token: Token, method: str, parameters: Mapping[str, object], timeout_s: float) -> Answer:
        future = self._loop.create_future()
        self.call(token, method, parameters, timeout_s, future.set_result)
        answer: Answer = await future
        return answer

    async def close(self) -> None:
        """The process is killed, never asked to stop."""
