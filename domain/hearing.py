"""How a bot hears of its users, as the log has it: by which address, and whether that one works.

The address itself is sealed. `addressed` is true from the moment at which Telegram may have been told of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from domain import events


class Whose(NamedTuple):
    """An update's bot, and the tenant that has it."""

    bot_id: int
    tenant_id: str


class Door:
    """Where the updates of one bot come in by webhook, for as long as it stands."""

    __slots__ = ("secret_hash", "stands", "whose")

    def __init__(self, whose: Whose, secret_hash: bytes) -> None:
        self.whose = whose
        self.secret_hash = secret_hash
        self.stands = True


class Hearing(msgspec.Struct, frozen=True):
    tenant_id: str = ""
    path_sealed: bytes = b""
    secret_sealed: bytes = b""
    token_fingerprint: str = ""
    """Of the token for which the address was made."""
    lost: str | None = None
    """Why updates do not come through the webhook."""
    polls: bool = False
    """In place of the webhook, which has been taken away for a while."""

    @property
    def addressed(self) -> bool:
        return bool(self.path_sealed)


DEAF = Hearing()


def evolve(hearing: Hearing, event: events.Event) -> Hearing:
    match event:
        case events.WebhookSet():
            return msgspec.structs.replace(
                hearing,
                tenant_id=event.tenant_id,
                path_sealed=event.path_sealed,
                secret_sealed=event.secret_sealed,
                token_fingerprint=event.token_fingerprint,
            )
        case events.WebhookRemoved():
            return DEAF
        case events.WebhookLost():
            return msgspec.structs.replace(hearing, lost=event.reason)
        case events.WebhookRestored():
            return msgspec.structs.replace(hearing, lost=None, polls=False)
        case events.PollingStarted():
            return msgspec.structs.replace(hearing, polls=True)
        case _:
            return hearing


def of_all(history: Iterable[events.Event]) -> dict[int, Hearing]:
    """From the events of all `updates/` streams, in the order of the log: whoever has something of ours."""
    found: dict[int, Hearing] = {}
    for event in history:
        if isinstance(event, events.WebhookEvent):
            found[event.bot_id] = evolve(found.get(event.bot_id, DEAF), event)
    return {bot_id: hearing for bot_id, hearing in found.items() if hearing != DEAF}
