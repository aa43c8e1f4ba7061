"""What actors can be asked, and by whom. Plain data: each could travel to another machine."""

from __future__ import annotations

from actors.messages.accounts import FoundOperator, IssueKey, KeyInfo, ListKeys, RegisterTenant, RevokeKey, TenantKey
from actors.messages.base import Message
from actors.messages.bots import (
    BotChanged,
    BotFailed,
    BreakerState,
    ConfigureBot,
    DescribeBreaker,
    Register,
    RegisterBot,
    RemoveBot,
    ResumeBot,
    SetBreaker,
    SuspendBot,
)
from actors.messages.commands import Accepted, Cancel, Durability, Execute, ReadResult, Replayed
from actors.messages.system import (
    ClearAlert,
    DescribeFleet,
    DescribeRetention,
    Drain,
    FleetState,
    RaiseAlert,
    RetentionReport,
    RunRetention,
)

__all__ = [
    "Accepted",
    "BotChanged",
    "BotFailed",
    "BreakerState",
    "Cancel",
    "ClearAlert",
    "ConfigureBot",
    "DescribeBreaker",
    "DescribeFleet",
    "DescribeRetention",
    "Drain",
    "Durability",
    "Execute",
    "FleetState",
    "FoundOperator",
    "IssueKey",
    "KeyInfo",
    "ListKeys",
    "Message",
    "RaiseAlert",
    "ReadResult",
    "Register",
    "RegisterBot",
    "RegisterTenant",
    "RemoveBot",
    "Replayed",
    "ResumeBot",
    "RetentionReport",
    "RevokeKey",
    "RunRetention",
    "SetBreaker",
    "SuspendBot",
    "TenantKey",
]
