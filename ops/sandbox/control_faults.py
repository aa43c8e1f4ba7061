"""Control of what goes wrong: faults and flood limits."""

from __future__ import annotations

from typing import Any

import msgspec

from ops.sandbox.control_errors import NoSuch
from ops.sandbox.faults import Fault
from ops.sandbox.flood import Flood, Limits
from ops.sandbox.names import METHODS
from ops.sandbox.sandbox import Sandbox


class FloodWanted(Limits, frozen=True, forbid_unknown_fields=True, kw_only=True):
    enabled: bool


def add(sandbox: Sandbox, body: bytes) -> dict[str, int]:
    fault = msgspec.json.decode(body, type=Fault)
    if fault.method is not None:
        if fault.method.lower() not in METHODS:
            raise ValueError(f"Telegram has no method {fault.method}")
        fault.method = METHODS[fault.method.lower()]
    return {"fault_id": sandbox.faults.add(fault)}


def show(sandbox: Sandbox, _: dict[str, str]) -> dict[str, Any]:
    return {"faults": list(sandbox.faults.by_id.values())}


def clear(sandbox: Sandbox, _: bytes) -> dict[str, bool]:
    sandbox.faults.clear()
    return {"cleared": True}


def remove(sandbox: Sandbox, _: bytes, fault_id: int) -> dict[str, bool]:
    if not sandbox.faults.remove(fault_id):
        raise NoSuch(f"there is no fault {fault_id}")
    return {"removed": True}


def set_flood(sandbox: Sandbox, body: bytes) -> dict[str, Any]:
    wanted = msgspec.json.decode(body, type=FloodWanted)
    limits = Limits(wanted.bot_rps, wanted.chat_rps, wanted.chat_burst, wanted.group_rpm)
    sandbox.flood = Flood(limits) if wanted.enabled else None
    return {"enabled": wanted.enabled, "limits": limits}
