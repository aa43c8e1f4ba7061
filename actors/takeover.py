"""What a bot's former tenant is told when somebody else has proven that the bot is theirs; once, whatever crashes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from actors.messages import Notify
from domain import events
from domain.ownership import TAKEN_OVER
from domain.store.mapper import Recorded

NOTICE = "bot_taken_over"


def taken_over(tenant_id: str, bot_id: int) -> Notify:
    """Whose it is now is not said."""
    detail = (
        f"Bot {bot_id} is no longer yours: somebody else holds its token and has proven it by a code sent to the bot. "
        "If that is wrong, revoke the token at @BotFather, register the bot again and verify it."
    )
    return Notify(tenant_id, NOTICE, detail, bot_id)


def noting(history: Iterable[Recorded], found: list[events.BotRemoved]) -> Iterator[Recorded]:
    """The same history; what it tells of takeovers is in `found` when it is over."""
    for recorded in history:
        if isinstance(recorded.event, events.BotRemoved) and recorded.event.reason == TAKEN_OVER:
            found.append(recorded.event)
        yield recorded


def untold(found: Iterable[events.BotRemoved], notices_of: Callable[[str], Iterable[Recorded]]) -> Iterator[Notify]:
    """Of takeovers that the last process has recorded, and told nobody of."""
    owed = Counter((event.tenant_id, event.bot_id) for event in found)
    for tenant_id in {tenant_id for tenant_id, _ in owed}:
        for one in notices_of(tenant_id):
            given = one.event
            if isinstance(given, events.NoticeGiven) and given.kind == NOTICE and given.bot_id is not None:
                owed[tenant_id, given.bot_id] -= 1
    for tenant_id, bot_id in owed.elements():
        yield taken_over(tenant_id, bot_id)
