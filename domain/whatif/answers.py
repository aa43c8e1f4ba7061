"""Which answer a replayed attempt gets where Telegram was never asked, and how fast it was asked where it said 429."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable

from domain.failure import TREATMENT, Delivered, Failure, OnBreaker, lost_answer
from domain.whatif.tale import DONE, Given, Tale

ASSUMED = "nearest"
"""The name of the assumption: the answer of that bot's call nearest in time which tells how Telegram was."""
ELSE_TOOK_S = 0.1
LATE = lost_answer("no answer in time")
BOT_WINDOW_S, CHAT_WINDOW_S = 1.0, 60.0
"""Telegram counts a bot's calls by the second and a chat's by the minute."""
BELOW = 0.9
"""Of the recorded rate: a call that slips over a window's edge is not slower."""


class Answers:
    """The same for every replay of one recording."""

    def __init__(self, tales: Iterable[Tale]) -> None:
        telling: dict[int, list[Given]] = defaultdict(list)
        for tale in tales:
            telling[tale.bot_id].extend(given for given in tale.given if _tells(given))
        self._of_bot = {bot_id: _by_time(given) for bot_id, given in telling.items() if given}
        self._of_all = _by_time([given for found in telling.values() for given in found])

    def assumed(self, tale: Tale, now: float) -> Given:
        """For an attempt that the record does not have."""
        times, given = self._of_bot.get(tale.bot_id, self._of_all)
        if not given:
            return Given(DONE, now, ELSE_TOOK_S)
        after = bisect_left(times, now)
        nearby = [n for n in (after - 1, after) if 0 <= n < len(times)]
        return given[min(nearby, key=lambda n: abs(times[n] - now))]


class Calls:
    """When calls left, of the bots that were ever told to wait: nobody asks about the others."""

    def __init__(self) -> None:
        self._of_bot: list[float] = []
        self._of_chat: dict[str | None, list[float]] = defaultdict(list)

    def left(self, chat: str | None, at: float) -> None:
        # Almost always at the end; a start that took longer to reach the disk leaves a little later.
        insort(self._of_bot, at)
        insort(self._of_chat[chat], at)

    def before(self, chat: str | None, at: float) -> tuple[int, int]:
        """How many in the windows of bot and chat that end here."""
        in_chat = 0 if chat is None else _between(self._of_chat[chat], at - CHAT_WINDOW_S, at)
        return _between(self._of_bot, at - BOT_WINDOW_S, at), in_chat


def is_below(replayed: tuple[int, int], recorded: tuple[int, int]) -> bool:
    """Slower in bot or chat than the record: what was too fast then need not be so now."""
    return any(now < BELOW * then for now, then in zip(replayed, recorded, strict=True))


def recorded_calls(tales: Iterable[Tale], bots: frozenset[int]) -> dict[int, Calls]:
    calls = {bot_id: Calls() for bot_id in bots}
    for tale in tales:
        if tale.bot_id in bots:
            for given in tale.given:
                calls[tale.bot_id].left(tale.chat, given.left)
    return calls


def _tells(given: Given) -> bool:
    """A 429 is about pace, a refusal about one command: neither says whether Telegram works."""
    answer = given.answer
    if isinstance(answer, Delivered):
        return True
    return isinstance(answer, Failure) and TREATMENT[answer.category].on_breaker is OnBreaker.COUNTS


def _by_time(given: list[Given]) -> tuple[list[float], list[Given]]:
    ordered = sorted(given, key=lambda one: one.left)
    return [one.left for one in ordered], ordered


def _between(times: list[float], after: float, until: float) -> int:
    return bisect_right(times, until) - bisect_right(times, after)
