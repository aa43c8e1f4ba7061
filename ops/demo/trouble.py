"""What goes wrong in the demo: small things all the time, now and then a flooded chat and a bad spell of one bot."""

from __future__ import annotations

import asyncio

from ops.demo.caller import Bot
from ops.demo.traffic import BLOCKED_CHAT, HURRIED_CHAT
from ops.sandbox.client import SandboxClient

CALM_S, SPELL_S, BETWEEN_S = 6.0, 4.0, 40.0
FLOODED_FOR_S = 3
BREAKER_COOLDOWN_S = 10.0
"""Of the demo's gateway: a minute, as it is by default, would be long to watch."""


def small_troubles(sandbox: SandboxClient) -> None:
    """Blocking."""
    sandbox.set_chat(BLOCKED_CHAT, "blocked")
    sandbox.fault("status", status=502, probability=0.02, times=None)
    sandbox.fault("status", status=500, probability=0.02, times=None)
    sandbox.fault("close_after", probability=0.015, times=None)
    sandbox.fault("latency", latency_ms=400, probability=0.02, times=None)
    sandbox.fault("latency", latency_ms=90, probability=0.25, times=None)
    sandbox.fault("latency", latency_ms=35, times=None)


async def bad_times(sandbox: SandboxClient, flooded: Bot, failing: Bot) -> None:
    """For ever, so to be cancelled."""
    while True:
        await asyncio.sleep(CALM_S)
        # Rarely: each 429 halves the bot's pace, which takes a while to recover.
        await asyncio.to_thread(
            sandbox.fault, "flood", bot_id=flooded.bot_id, chat_id=HURRIED_CHAT, retry_after=FLOODED_FOR_S
        )
        await asyncio.sleep(CALM_S)
        # Every call of this one fails, until its breaker opens.
        fault = await asyncio.to_thread(sandbox.fault, "status", status=502, bot_id=failing.bot_id, times=None)
        await asyncio.sleep(SPELL_S)
        await asyncio.to_thread(sandbox.remove_fault, fault)
        await asyncio.sleep(BETWEEN_S)
