"""What goes wrong in the demo: small things all the time, and now and then a bad spell of one bot."""

from __future__ import annotations

import asyncio

from ops.demo.traffic import BLOCKED_CHAT, FLOODED_CHAT
from ops.sandbox.client import SandboxClient

CALM_S, SPELL_S, BETWEEN_S = 12.0, 4.0, 45.0
BREAKER_COOLDOWN_S = 10.0
"""Of the demo's gateway: a minute, as it is by default, would be long to watch."""


def small_troubles(sandbox: SandboxClient) -> None:
    """Blocking."""
    sandbox.set_chat(BLOCKED_CHAT, "blocked")
    sandbox.fault("flood", chat_id=FLOODED_CHAT, probability=0.4, times=None, retry_after=2)
    sandbox.fault("status", status=502, probability=0.02, times=None)
    sandbox.fault("status", status=500, probability=0.02, times=None)
    sandbox.fault("close_after", probability=0.015, times=None)
    sandbox.fault("latency", latency_ms=400, probability=0.02, times=None)
    sandbox.fault("latency", latency_ms=90, probability=0.25, times=None)
    sandbox.fault("latency", latency_ms=35, times=None)


async def bad_spells(sandbox: SandboxClient, bot_id: int) -> None:
    """Every call of this bot fails for a while, until its breaker opens. For ever, so to be cancelled."""
    await asyncio.sleep(CALM_S)
    while True:
        fault = await asyncio.to_thread(sandbox.fault, "status", status=502, bot_id=bot_id, times=None)
        await asyncio.sleep(SPELL_S)
        await asyncio.to_thread(sandbox.remove_fault, fault)
        await asyncio.sleep(BETWEEN_S)
