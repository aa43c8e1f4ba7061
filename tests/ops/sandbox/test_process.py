"""The sandbox as a process and inside another one."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import aiohttp

from ops.sandbox.client import SandboxClient, running_sandbox
from ops.sandbox.server import running

Http = Callable[..., Any]


def test_an_interrupt_ends_it_well_though_somebody_hangs() -> None:
    command = [sys.executable, "-m", "ops.sandbox"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        sandbox = SandboxClient(process.stdout.readline().split()[-1])
        bot = sandbox.add_bot()
        sandbox.fault("hang_after")

        async def hang() -> None:
            async with aiohttp.ClientSession() as session, session.get(f"{sandbox.base_url}/bot{bot.token}/getMe"):
                pass

        async def interrupted() -> None:
            hanging = asyncio.create_task(hang())
            while not await asyncio.to_thread(sandbox.calls, bot.bot_id):
                pass
            process.send_signal(signal.SIGINT)
            results = await asyncio.gather(hanging, return_exceptions=True)

            assert isinstance(results[0], aiohttp.ClientError)

        asyncio.run(interrupted())

        assert 0 == process.wait(10)


def test_an_open_sandbox_takes_any_well_formed_token_and_keeps_no_calls_when_told_so(http: Http) -> None:
    with running_sandbox(is_open=True, keep_calls=False, flood=True) as sandbox:
        assert 123456 == http(f"{sandbox.base_url}/bot123456:AAwhatever/getMe").result["id"]
        assert 401 == http(f"{sandbox.base_url}/bot123456:AAother/getMe").status
        assert 401 == http(f"{sandbox.base_url}/botnonsense/getMe").status
        assert [] == sandbox.calls()


def test_a_sandbox_may_run_inside_another_program() -> None:
    async def ask() -> int:
        async with (
            running(is_open=True) as base_url,
            aiohttp.ClientSession() as session,
            session.get(f"{base_url}/bot5:AAx/getMe") as response,
        ):
            return (await response.json())["result"]["id"]

    assert 5 == asyncio.run(ask())
