"""What the log tells of each command: when it came, what each of its attempts was answered, how it ended."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import datetime

from domain import events
from domain.failure import TREATMENT, Answer, Category, Final, recalled
from domain.methods import method_named
from domain.rules.deadlines import leaves_by
from domain.rules.gates import Call
from domain.whatif.tale import DONE, End, Given, Tale

FINALS: dict[type[events.Event], Final] = {
    events.CommandDelivered: Final.DELIVERED,
    events.CommandRejected: Final.REJECTED,
    events.CommandNotSent: Final.NOT_SENT,
    events.CommandUncertain: Final.UNCERTAIN,
}
WRITTEN_S_MAX = 0.25
"""What took longer to start passed the gates again; the rest of its wait was no writing."""


class Tales:
    """Told event by event, in the order of the log."""

    def __init__(self, since: datetime, until: datetime, deadline_s: float) -> None:
        """Of the commands that came in this time. `deadline_s`: for those whose own one is not recorded."""
        self._since, self._until, self._deadline_s = since, until, deadline_s
        self._accepted: dict[str, events.CommandAccepted] = {}
        self._started: dict[str, events.CommandStarted] = {}
        self._failed: dict[str, list[events.AttemptFailed]] = {}
        self.unknown_methods: Counter[str] = Counter()
        self.found: list[Tale] = []

    def still_open(self) -> list[events.CommandAccepted | events.CommandStarted]:
        """Without an end in the events so far."""
        opened: dict[str, events.CommandAccepted | events.CommandStarted] = {**self._started, **self._accepted}
        return [event for event in opened.values() if self._since <= event.received_at < self._until]

    def see(self, event: events.Event) -> None:
        match event:
            case events.CommandStarted():
                self._started[event.command_id] = event
            case events.Ended():
                self._ended(event)
            case events.AttemptFailed():
                self._failed.setdefault(event.command_id, []).append(event)
            case events.CommandAccepted():
                self._accepted[event.command_id] = event
            case _:
                pass

    def seconds(self, at: datetime) -> float:
        return (at - self._since).total_seconds()

    def _ended(self, event: events.Ended) -> None:
        accepted = self._accepted.pop(event.command_id, None)
        started = self._started.pop(event.command_id, None)
        failed = self._failed.pop(event.command_id, [])
        if not self._since <= event.received_at < self._until:
            return
        method = method_named(event.method)
        if method is None:
            self.unknown_methods[event.method] += 1
            return
        end = _end_of(event, self.seconds(event.occurred_at))
        first = accepted or started or (failed[0] if failed else event)
        arrived = self.seconds(event.received_at)
        deadline_s = accepted.deadline_s if accepted else self._deadline_of(end, failed, arrived)
        deadline = arrived + deadline_s
        patient = accepted.patient if accepted else False
        repeatable = method.repeatable or (accepted.retry_uncertain if accepted else _was_repeated(failed))
        latest = leaves_by(arrived, deadline, repeatable=repeatable)
        self.found.append(
            Tale(
                command_id=event.command_id,
                bot_id=event.bot_id,
                tenant_id=sys.intern(event.tenant_id),
                method=method,
                chat=first.chat,
                arrived=arrived,
                repeatable=repeatable,
                written_s=self._written_s(started, event),
                given=tuple(self._given(event, failed, end)),
                end=end,
                call=Call(method.name, first.chat, latest, patient, method.cosmetic),
                deadline=deadline,
                lane=f"chat:{first.chat}" if first.chat is not None else event.command_id,
            )
        )

    def _deadline_of(self, end: End, failed: list[events.AttemptFailed], arrived: float) -> float:
        """Where the record shows it, that; it was at least as long as the command took."""
        took_s = end.at - arrived
        if end.code == "deadline_exceeded":
            return took_s
        if end.code == "telegram_hold" and failed:
            hold_s = failed[-1].retry_after_s or 0.0
            floods = sum(one.category is Category.RATE_LIMIT for one in failed)
            if floods <= TREATMENT[Category.RATE_LIMIT].retries:
                # It was not out of retries, so its deadline was before the hold's end: the middle is as good as any.
                return min(self._deadline_s, took_s + hold_s / 2)
        return max(self._deadline_s, took_s)

    def _written_s(self, started: events.CommandStarted | None, event: events.Ended) -> float:
        if started is None or not event.attempts:
            return 0.0
        took_s = self.seconds(event.received_at) + event.queue_ms / 1000 - self.seconds(started.occurred_at)
        return min(max(took_s, 0.0), WRITTEN_S_MAX)

    def _given(self, event: events.Ended, failed: list[events.AttemptFailed], end: End) -> list[Given]:
        chats = [*(one.chat for one in failed[1:]), event.chat]
        given = []
        for one, next_chat in zip(failed, chats, strict=False):
            took_s, answered = one.telegram_ms / 1000, self.seconds(one.occurred_at)
            after_s = one.retry_after_s or 0.0
            moved_to = _number(next_chat) if one.category is Category.MIGRATED else None
            failure = recalled(one.category, one.description, one.telegram_code, after_s, moved_to)
            again_after_s = self.seconds(one.again_at) - answered - after_s if one.again_at else None
            given.append(Given(failure, answered - took_s, took_s, again_after_s))
        if event.attempts > len(given):
            # What ended well leaves no failed attempt, and neither does an answer that was given up.
            took_s = event.telegram_ms / 1000
            given.append(Given(_last_answer(event), end.at - took_s, took_s))
        return given


def _end_of(event: events.Ended, at: float) -> End:
    code = event.code if isinstance(event, events.Failed) else ""
    return End(FINALS[type(event)], code, at, event.attempts, event.queue_ms / 1000 if event.attempts else None)


def _last_answer(event: events.Ended) -> Answer:
    if not isinstance(event, events.Failed) or event.category is None:
        return DONE
    return recalled(event.category, event.description, event.telegram_code, 0.0, None)


def _was_repeated(failed: list[events.AttemptFailed]) -> bool:
    """Its caller had allowed it: no other way leads to a second attempt after a lost answer."""
    return any(
        one.again_at is not None and not recalled(one.category, one.description, one.telegram_code, 0.0, None).certain
        for one in failed
    )


def _number(chat: str | None) -> int | None:
    return int(chat) if chat is not None and chat.removeprefix("-").isdecimal() else None
