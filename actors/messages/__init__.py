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
    RetentionState,
    RunRetention,
)

__all__ = [
    "Accepted",
    "Act",
    "BotChanged",
    "BreakerState",
    "Cancel",
    "ChangeBot",
    "ClearAlert",
    "ConfigureBot",
    "DescribeAlerts",
    "DescribeBreaker",
    "DescribeFleet",
    "DescribeLimits",
    "DescribeRetention",
    "DescribeTenant",
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
    "RetentionState",
    "RevokeKey",
    "RunRetention",
    "SetBreaker",
    "SkipEvent",
    "SuspendBot",
    "TenantInfo",
    "TenantKey",
    "WeighTenant",
]
