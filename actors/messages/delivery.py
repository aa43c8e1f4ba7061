"""To those who deliver updates and notices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from actors.messages.base import Message

# To the delivery actor


class OfBot(Message, frozen=True):
    bot_id: int
    tenant_id: str


class PullUpdates(OfBot, frozen=True):
    """As Telegram's getUpdates: `offset` confirms what was handed out with lower ids. Answered with `PulledUpdates`."""

    pull_id: str
    offset: int | None
    limit: int
    timeout_s: float


class PulledUpdates(Message, frozen=True):
    updates: list[bytes]
    """As Telegram wrote them, by rising id."""
    next_offset: int | None
    """What confirms these."""


class StopPulling(OfBot, frozen=True):
    """Whoever asked has gone."""

    pull_id: str


class ListDeliveries(OfBot, frozen=True):
    """Of updates that are still here. Answered with a list of `DeliveryInfo`, by rising id."""

    is_failed: bool
    """Those that were tried; else those that were not yet."""
    after: int
    limit: int


class DeliveryInfo(Message, frozen=True):
    update_id: int
    received_at: datetime
    attempts: int
    """By this process."""
    cause: str | None
    """Of the last failure."""
    again_at: datetime | None


class ReplayDeliveries(OfBot, frozen=True):
    """Tries them at once. Answered with how many there are."""

    from_update_id: int
    to_update_id: int


class DescribeCallback(OfBot, frozen=True):
    """Answered with `CallbackInfo`."""


class CallbackInfo(Message, frozen=True):
    callback_url: str | None
    failing_since: datetime | None
    """It has taken nothing since."""
    failures_in_a_row: int

    def __repr__(self) -> str:
        return "CallbackInfo(<redacted>)"

    def __rich_repr__(self) -> Iterator[str]:  # type: ignore[override]  # an address may hold a secret
        yield "<redacted>"


# To the notices actor


class Notify(Message, frozen=True):
    """A tenant should know this."""

    tenant_id: str
    kind: str
    detail: str
    bot_id: int | None = None


class ListNotices(Message, frozen=True):
    """Answered with a list of `NoticeInfo`, in the order in which they were given."""

    tenant_id: str
    after: int | None
    """A position; None: the newest ones."""
    limit: int


class NoticeInfo(Message, frozen=True):
    position: int
    given_at: datetime
    kind: str
    detail: str
    bot_id: int | None


class SetNoticeEndpoint(Message, frozen=True):
    """Answered with `NoticeEndpoint`."""

    tenant_id: str
    url: str | None

    def __repr__(self) -> str:
        return f"SetNoticeEndpoint({self.tenant_id}, <redacted>)"

    def __rich_repr__(self) -> Iterator[str]:  # type: ignore[override]  # an address may hold a secret
        yield self.tenant_id


class NoticeEndpoint(Message, frozen=True):
    """The only moment at which its secret can be read."""

    url: str | None
    secret: str | None
    position: int

    def __repr__(self) -> str:
        return "NoticeEndpoint(<redacted>)"

    def __rich_repr__(self) -> Iterator[str]:  # type: ignore[override]  # msgspec's own shows every field
        yield "<redacted>"
