"""What tenants are told: stream notices/<tenant_id>; and how their endpoints fare: stream endpoint/<bot_id>."""

from __future__ import annotations

from datetime import datetime

from domain.events.base import Event


class NoticeEvent(Event, frozen=True, kw_only=True):
    tenant_id: str


class NoticeGiven(NoticeEvent, frozen=True, kw_only=True):
    """Its tenant should know."""

    TOPIC = "notice-given"
    kind: str
    detail: str
    bot_id: int | None = None


class NoticePosted(NoticeEvent, frozen=True, kw_only=True):
    """The tenant's notice endpoint has taken it."""

    TOPIC = "notice-posted"
    number: int
    """Its version in the stream."""


class NoticeEndpointSet(NoticeEvent, frozen=True, kw_only=True):
    """Notices are posted there from now on; None: nowhere."""

    TOPIC = "notice-endpoint-set"
    endpoint_sealed: bytes | None = None
    """The URL, and the secret that signs what is posted there."""


class EndpointEvent(Event, frozen=True, kw_only=True):
    bot_id: int
    tenant_id: str


class EndpointFailing(EndpointEvent, frozen=True, kw_only=True):
    """The bot's callback URL has taken nothing since."""

    TOPIC = "endpoint-failing"
    since: datetime
    is_warned: bool = False
    """Its tenant has been told that it will be disabled."""


class EndpointRecovered(EndpointEvent, frozen=True, kw_only=True):
    """It takes updates again, or there is another in its place, or none."""

    TOPIC = "endpoint-recovered"
