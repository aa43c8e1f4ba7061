"""The catalogue: every fact that the log holds.

A `TOPIC` never changes, so a class may be renamed and old logs still read. New fields get defaults. No event carries a
token, a key, a secret or a message's text in clear: sealed fields hold what only the vault can open.
"""

from __future__ import annotations

from domain.events.alerts import AlertCleared, AlertEvent, AlertPosted, AlertRaised
from domain.events.base import Event
from domain.events.day import (
    ActorFailed,
    ActorPassivated,
    ActorRestarted,
    ActorStarted,
    AttemptFailed,
    CommandAccepted,
    CommandDelivered,
    CommandNotSent,
    CommandRejected,
    CommandStarted,
    CommandUncertain,
    DayEvent,
    Ended,
    Failed,
    HoldPlaced,
    UpdateDelivered,
    UpdateDeliveryFailed,
    UpdateReceived,
)
from domain.events.lifecycle import (
    BotConfigured,
    BotRegistered,
    BotRemoved,
    BotResumed,
    BotSuspended,
    BreakerClosed,
    BreakerForced,
    BreakerHalfOpened,
    BreakerOpened,
    CallbackSet,
    ChallengeWithdrawn,
    OwnershipChallenged,
    PollingStarted,
    RetryStatisticsReset,
    WebhookEvent,
    WebhookLost,
    WebhookRemoved,
    WebhookRestored,
    WebhookSet,
)
from domain.events.notices import (
    EndpointEvent,
    EndpointFailing,
    EndpointRecovered,
    NoticeEndpointSet,
    NoticeEvent,
    NoticeGiven,
    NoticePosted,
)
from domain.events.operator import AdminActed, AdminActRefused, OperatorEvent, ProjectionEventSkipped
from domain.events.ownership import OwnershipCodeIssued, OwnershipVerified
from domain.events.retention import DaySummarised, RetentionRan
from domain.events.tenants import (
    KeyIssued,
    KeyRevoked,
    KeyRotated,
    KeyUsed,
    SessionsEnded,
    TenantRegistered,
    TenantRemoved,
    TenantShredded,
    TenantWeighted,
)
from domain.events.tokens import BotRenamed, TokenRotated, TokensInspected, TokenValidated

__all__ = [
    "CATALOGUE",
    "ActorFailed",
    "ActorPassivated",
    "ActorRestarted",
    "ActorStarted",
    "AdminActRefused",
    "AdminActed",
    "AlertCleared",
    "AlertEvent",
    "AlertPosted",
    "AlertRaised",
    "AttemptFailed",
    "BotConfigured",
    "BotRegistered",
    "BotRemoved",
    "BotRenamed",
    "BotResumed",
    "BotSuspended",
    "BreakerClosed",
    "BreakerForced",
    "BreakerHalfOpened",
    "BreakerOpened",
    "CallbackSet",
    "ChallengeWithdrawn",
    "CommandAccepted",
    "CommandDelivered",
    "CommandNotSent",
    "CommandRejected",
    "CommandStarted",
    "CommandUncertain",
    "DayEvent",
    "DaySummarised",
    "Ended",
    "EndpointEvent",
    "EndpointFailing",
    "EndpointRecovered",
    "Event",
    "Failed",
    "HoldPlaced",
    "KeyIssued",
    "KeyRevoked",
    "KeyRotated",
    "KeyUsed",
    "NoticeEndpointSet",
    "NoticeEvent",
    "NoticeGiven",
    "NoticePosted",
    "OperatorEvent",
    "OwnershipChallenged",
    "OwnershipCodeIssued",
    "OwnershipVerified",
    "PollingStarted",
    "ProjectionEventSkipped",
    "RetentionRan",
    "RetryStatisticsReset",
    "SessionsEnded",
    "TenantRegistered",
    "TenantRemoved",
    "TenantShredded",
    "TenantWeighted",
    "TokenRotated",
    "TokenValidated",
    "TokensInspected",
    "UpdateDelivered",
    "UpdateDeliveryFailed",
    "UpdateReceived",
    "WebhookEvent",
    "WebhookLost",
    "WebhookRemoved",
    "WebhookRestored",
    "WebhookSet",
]


def _concrete(base: type[Event]) -> list[type[Event]]:
    below = [found for sub in base.__subclasses__() for found in _concrete(sub)]
    return [base, *below] if "TOPIC" in vars(base) else below


CATALOGUE: dict[str, type[Event]] = {event.TOPIC: event for event in _concrete(Event)}
