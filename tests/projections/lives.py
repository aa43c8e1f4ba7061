"""Random lives of bots, for what must hold whatever happens."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from domain import events as e
from domain.command import Wait
from domain.failure import Category, Strategy
from domain.rules.validation import Verdict, Why
from tests.examples import (
    BOT_ID,
    OTHER_BOT_ID,
    a_delivered,
    a_hold,
    a_not_sent,
    a_rejected,
    a_started,
    after,
    an_uncertain,
)
from tests.projections.sample_events import (
    accepted,
    an_update,
    attempt_failed,
    breaker_events,
    challenged,
    registered,
    removed,
    reset,
    resumed,
    suspended,
    verified,
    withdrawn,
)

_seconds = st.one_of(st.floats(0, 4000), st.integers(0, 60).map(lambda minute: minute * 60.0))


@st.composite
def _of_a_bot(draw: st.DrawFn) -> e.Event:
    """Any event of any of three bots, two tenants and a few commands, in no order that a domain would allow."""
    who = {"bot_id": draw(st.sampled_from([BOT_ID, OTHER_BOT_ID, 5])), "tenant_id": draw(st.sampled_from("ab"))}
    at = after(draw(_seconds))
    command = {
        **who,
        "occurred_at": at,
        "command_id": f"command-{draw(st.integers(0, 6))}",
        "method": draw(st.sampled_from(["sendMessage", "sendPhoto"])),
        "chat": draw(st.sampled_from(["42", "@news", None])),
    }
    told = {
        "queue_ms": draw(st.floats(0, 1e4)),
        "telegram_ms": draw(st.floats(0, 1e6)),
        "attempts": draw(st.integers(0, 4)),
    }
    category = draw(st.one_of(st.none(), st.sampled_from(Category)))
    waits = tuple(draw(st.lists(st.builds(Wait, st.just(at), st.sampled_from(["hold", "pace"])), max_size=2)))
    return draw(
        st.sampled_from(
            [
                registered(**who),
                challenged(**who),
                withdrawn(**who),
                verified(**who),
                suspended(**who),
                resumed(**who),
                removed(**who),
                *breaker_events(**who),
                a_hold(**who, until=at + timedelta(seconds=5)),
                accepted(**command),
                a_started(**command, received_at=at),
                a_delivered(**command, **told, waits=waits),
                a_delivered(**command, **told),
                a_rejected(**command, **told, category=category),
                a_not_sent(**command, **told, category=category, waits=waits),
                an_uncertain(**command, **told, category=category),
                attempt_failed(draw(st.integers(1, 4)), **command),
                attempt_failed(draw(st.integers(1, 4)), again_at=None, **command),
                attempt_failed(category=Category.RATE_LIMIT, again_at=4000.0, **command),
                attempt_failed(strategy=Strategy.LINEAR, **command),
                e.BreakerForced(occurred_at=at, reason="a flood", **who),
                reset(bot_id=draw(st.sampled_from([None, BOT_ID])), at=at),
                attempt_failed(1, category=Category.RATE_LIMIT, telegram_code=429, **command),
                an_update(**who, occurred_at=at, command=draw(st.sampled_from(["start", None]))),
                e.ActorStarted(**who, occurred_at=at),
                e.BotRenamed(**who, occurred_at=at, username="new_bot", first_name="New"),
                e.TokenValidated(**who, occurred_at=at, category=draw(st.sampled_from(Verdict)), why=Why.ASKED),
                e.TokensInspected(occurred_at=at, tenant_id="operator", valid=(BOT_ID,), revoked=(5,)),
            ]
        )
    )


def lives(max_size: int = 60) -> st.SearchStrategy[list[e.Event]]:
    begins = st.just([registered(BOT_ID, "a"), registered(OTHER_BOT_ID, "b")])
    return st.tuples(begins, st.lists(_of_a_bot(), max_size=max_size)).map(lambda parts: [*parts[0], *parts[1]])
