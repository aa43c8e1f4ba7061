"""Policy replay: commands replayed a second, and what live commands feel of a replay beside them."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path

import aiohttp

from domain.store.ledger import Ledger
from domain.store.sqlite_database import SQLiteReader
from domain.whatif.answers import Answers
from domain.whatif.fleet import Fleet, Rules
from domain.whatif.policy import Change, Policy
from domain.whatif.question import Question
from domain.whatif.reading import recording_of
from ops.bench.command import PACE_PER_S
from ops.bench.figures import heading, line, percentile
from ops.bench.load import LIMITS_HIGH, NotDelivered, Rig, rig
from ops.bench.sizes import Sizes
from ops.bench.within import collected_as_served
from ops.settings import Settings
from ops.whatif.today import today_of

CHANGE = Change(bot_rps=15.0, breaker_failures=3)


async def measure(sizes: Sizes, directory: Path) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as own:
        async with rig(Path(own)) as found:
            began = datetime.now(UTC)
            await found.load.send(sizes.replayed)
            await _beside_live_commands(sizes, found, began)
        _alone(Path(own) / "state" / "botloft.db", began)


async def _beside_live_commands(sizes: Sizes, found: Rig, began: datetime) -> None:
    heading(f"Time added to Telegram's own at {PACE_PER_S:g} commands/s, without and with one replay after the other")
    alone = await found.load.send_paced(PACE_PER_S, sizes.paced_s)
    stop = asyncio.Event()
    asking = asyncio.create_task(_ask_again_and_again(found, began, stop))
    beside = await found.load.send_paced(PACE_PER_S, sizes.paced_s)
    stop.set()
    replays = await asking
    for name, added in (("without", alone), (f"with {replays} replays over HTTP", beside)):
        line(f"{name}: p50, p99", f"{statistics.median(added):.1f} ms, {percentile(added, 0.99):.1f} ms")


async def _ask_again_and_again(found: Rig, began: datetime, stop: asyncio.Event) -> int:
    answered = 0
    policy = {"bot_rps": CHANGE.bot_rps, "breaker_failures": CHANGE.breaker_failures}
    headers = {"Authorization": f"Bearer {found.load.key}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        while not stop.is_set():
            asked = {"from": began.isoformat(), "to": datetime.now(UTC).isoformat(), "policy": policy}
            async with session.post(f"{found.gateway.url}/api/whatif", json=asked) as answer:
                if answer.status != HTTPStatus.OK:
                    raise NotDelivered(await answer.text())
                await answer.read()
            answered += 1
    return answered


def _alone(database: Path, began: datetime) -> None:
    heading("Policy replay of that log, one thread")
    today: Policy = today_of(Settings.model_validate({name.lower(): value for name, value in LIMITS_HIGH.items()}))
    question = Question(since=began, until=datetime.now(UTC) + timedelta(seconds=1), change=CHANGE)
    with closing(SQLiteReader(database)) as store, collected_as_served():
        times = [time.process_time()]
        recording, _ = recording_of(Ledger(store), question, today.command_deadline_s, lambda _: None)
        times.append(time.process_time())
        found = Answers(recording.tales)
        for rules in (Rules(today), Rules(today, CHANGE)):
            Fleet(recording, found, rules).replayed()
            times.append(time.process_time())
    reading_s, today_s, other_s = (after - before for before, after in pairwise(times))
    commands = len(recording.tales)
    line(f"{commands} commands read from the log", f"{commands / reading_s:,.0f} commands/s")
    line("replayed under today's policy, CPU", f"{commands / today_s:,.0f} commands/s")
    line("replayed under another, at which most wait", f"{commands / other_s:,.0f} commands/s")
