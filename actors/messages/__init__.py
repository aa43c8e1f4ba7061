"""What actors can be asked, and by whom. Plain data: each could travel to another machine."""

from __future__ import annotations

from actors.messages.accounts import FoundOperator, IssueKey, KeyInfo, ListKeys, RegisterTenant, RevokeKey, TenantKey
from actors.messages.audit import Act, SkipEvent
from actors.messages.base import Message
from actors.messages.bots import (
    BotChanged,
    BreakerState,
    ChangeBot,
    ConfigureBot,
    DescribeBreaker,
    RegisterBot,
    RemoveBot,
    ResumeBot,
    SetBreaker,
    SuspendBot,
)
from actors.messages.commands import Accepted, Cancel, Durability, Execute, ReadResult, Replayed
from actors.messages.limits import (
    DescribeLimits,
    DescribeTenant,
    Limits,
    ListTenants,
    MethodLimit,
    TenantInfo,
    WeighTenant,
)
from actors.messages.system import (
    ClearAlert,
    DescribeAlerts,
    DescribeFleet,
    DescribeRetention,
    Drain,
    FleetState,
    RaiseAlert,
    ResetRetryStatistics,
    RetentionReport,
    RunRetention,
)
from actors.messages.updates import CheckToken, DescribeUpdates, RotateWebhook, UpdatesState

__all__ = [
    "Accepted",
    "Act",
    "BotChanged",
    "BreakerState",
    "Cancel",
    "ChangeBot",
    "CheckToken",
    "ClearAlert",
    "ConfigureBot",
    "DescribeAlerts",
    "DescribeBreaker",
    "DescribeFleet",
    "DescribeLimits",
    "DescribeRetention",
    "DescribeTenant",
    "DescribeUpdates",
    "Drain",
    "Durability",
    "Execute",
    "FleetState",
    "FoundOperator",
    "IssueKey",
    "KeyInfo",
    "Limits",
    "ListKeys",
    "ListTenants",
    "Message",
    "MethodLimit",
    "RaiseAlert",
    "ReadResult",
    "RegisterBot",
    "RegisterTenant",
    "RemoveBot",
    "Replayed",
    "ResetRetryStatistics",
    "ResumeBot",
    "RetentionReport",
    "RevokeKey",
    "RotateWebhook",
    "RunRetention",
    "SetBreaker",
    "SkipEvent",
    "SuspendBot",
    "TenantInfo",
    "TenantKey",
    "UpdatesState",
    "WeighTenant",
]
