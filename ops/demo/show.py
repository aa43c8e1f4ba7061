"""The demo from its first process to its last table."""

from __future__ import annotations

import asyncio
import random
import signal
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
from rich.console import Console

from ops.demo.caller import Bot, Caller, Refused
from ops.demo.hints import hints
from ops.demo.processes import Child, ChildDied, loft
from ops.demo.screen import Screen
from ops.demo.traffic import Traffic
from ops.demo.trouble import BREAKER_COOLDOWN_S, bad_times, small_troubles
from ops.sandbox.client import SandboxClient, SandboxError

TENANTS = {"Orchard": ("apple_bot", "cherry_bot"), "Harbour": ("anchor_bot", "beacon_bot")}
HINTS_AFTER_S = 20.0
PLAIN_WIDTH = 110
"""Where the output is a file or a pipe, whose width nobody knows."""
SETTINGS = {"BREAKER_COOLDOWN_S": BREAKER_COOLDOWN_S, "DRAIN_S": 10}
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TELLS_ITS_DEATH_S = 2.0

TROUBLE = (ChildDied, Refused, SandboxError, aiohttp.ClientError)


def demo(seconds: float = 0, hints_after_s: float = HINTS_AFTER_S) -> int:
    """Runs until it is interrupted, or for so long; gives the exit code."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)
    try:
        asyncio.run(_demo(console, seconds, hints_after_s))
    except TROUBLE as error:
        console.print(f"The demo cannot go on: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    return 0


async def _demo(console: Console, seconds: float, hints_after_s: float) -> None:
    stop = asyncio.Event()
    for number in STOPPING:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    console.print("Starting a sandbox that plays Telegram, and the gateway …")
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="botloft-demo-")))
        sandbox, gateway = await stack.enter_async_context(loft(directory, SETTINGS))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        caller = Caller(session, gateway.url)
        control = SandboxClient(sandbox.url)
        bots = await _registered(caller, control)
        screen = Screen(console, caller, bots)
        lines = (f"The gateway is at {gateway.url}. From another terminal:", *hints(gateway.url, bots[0]))
        screen.say_later(lines, hints_after_s)
        with screen:
            traffic = Traffic(caller, bots, random.Random())  # noqa: S311  chance, not secrets
            spells = asyncio.create_task(bad_times(control, flooded=bots[1], failing=bots[-1]))
            try:
                await _watched(screen, (sandbox, gateway), stop, seconds)
                await traffic.ended()
            finally:
                spells.cancel()
                traffic.abandoned()
        last = await screen.look()
        console.print("Stopping: the gateway drains …")
        await gateway.stopped()
        screen.show_last(last)


async def _registered(caller: Caller, sandbox: SandboxClient) -> list[Bot]:
    bots = []
    for name, usernames in TENANTS.items():
        tenant = await caller.register_tenant(name)
        for username in usernames:
            made = await asyncio.to_thread(sandbox.add_bot, username=username)
            bots.append(await caller.register_bot(tenant, made.token))
    await asyncio.to_thread(small_troubles, sandbox)
    return bots


async def _watched(screen: Screen, children: tuple[Child, ...], stop: asyncio.Event, seconds: float) -> None:
    """Until it is told to stop, or for so long. Raises ChildDied."""
    deaths = [asyncio.create_task(child.death()) for child in children]
    stopping = asyncio.create_task(stop.wait())
    try:
        while not stopping.done() and not 0 < seconds <= screen.uptime_s:
            try:
                screen.show(await screen.look())
            except aiohttp.ClientError:
                # A process takes a moment to die after its connections have.
                await asyncio.wait(deaths, timeout=TELLS_ITS_DEATH_S, return_when=asyncio.FIRST_COMPLETED)
                if not any(death.done() for death in deaths):
                    raise
            left_s = seconds - screen.uptime_s if seconds > 0 else screen.every_s
            await asyncio.wait(
                {stopping, *deaths},
                timeout=max(0.0, min(screen.every_s, left_s)),
                return_when=asyncio.FIRST_COMPLETED,
            )
            for death in deaths:
                if death.done():
                    raise death.result()
    finally:
        for task in (stopping, *deaths):
            task.cancel()
