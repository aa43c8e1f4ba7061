"""`docs/analysis.md`, run as it stands: every command and every query, against the log of a real gateway."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import msgspec
import pytest

from domain import events as e
from domain.command import Wait
from domain.failure import Category
from tests.acceptance.gateway_process import COMMAND, FAST, ROOT, Gateway
from tests.acceptance.made_logs import write_log
from tests.examples import BOT_ID, OTHER_BOT_ID, a_delivered, a_hold, a_not_sent, a_rejected, an_uncertain

DOCUMENT = (ROOT / "docs" / "analysis.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MONDAY = datetime(2026, 6, 29, tzinfo=UTC)
"""Of this week, as far as the log knows."""
WITHIN_S = 120


def fences(kind: str) -> list[str]:
    return [text for of_kind, text in FENCE.findall(DOCUMENT) if of_kind == kind]


def query(name: str) -> str:
    return next(text for text in fences("sql") if text.startswith(f"-- {name}\n"))


def at(day: int, hour: int) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour)


def history() -> Iterator[e.Event]:
    """Acme goes from 1 failure in 10 to 3, Globex from 2 in 10 to 1; 429s come at 14 more than at 9."""
    acme = {"tenant_id": "acme", "bot_id": BOT_ID}
    globex = {"tenant_id": "globex", "bot_id": OTHER_BOT_ID}
    for who, week, failed in ((acme, -7, 1), (globex, -7, 2), (acme, 0, 3), (globex, 0, 1)):
        for n in range(10):
            when, command = at(week + n % 5, 10), f"{who['tenant_id']} {week} {n}"
            if n < failed:
                make = an_uncertain if n % 2 else a_not_sent
                yield make(command, occurred_at=when, attempts=2, **who)
            else:
                yield a_delivered(command, occurred_at=when, waits=(Wait(when, "pace"),) if n == 9 else (), **who)
        # Neither is anybody's failure.
        yield a_not_sent("never left", occurred_at=at(week, 11), attempts=0, **who)
    yield a_rejected("their own mistake", occurred_at=at(-7, 12), tenant_id="initech", bot_id=1)
    for hour, chat, times in ((9, "5", 2), (14, "-100", 4), (14, "5", 1)):
        for n in range(times):
            yield e.AttemptFailed(
                occurred_at=at(1, hour),
                command_id=f"flood {chat} {n}",
                method="sendMessage",
                attempt=1,
                category=Category.RATE_LIMIT,
                description="Too Many Requests",
                telegram_ms=80.0,
                chat=chat,
                telegram_code=429,
                retry_after_s=3.0,
                **acme,  # type: ignore[arg-type]
            )
    yield a_hold("chat:5", occurred_at=at(1, 14))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An analyst's directory, after all commands of the document."""
    directory = tmp_path_factory.mktemp("desk")
    gateway = Gateway(directory / "state", "http://127.0.0.1:9", **FAST)
    write_log(gateway.state_dir, history())
    issued = subprocess.run(
        [*COMMAND, "keys", "issue"], env=gateway.environment, capture_output=True, text=True, check=True, cwd=directory
    )
    gateway.start()
    try:
        environment = analyst(directory, gateway, issued.stdout.strip())
        for commands in fences("sh"):
            run(commands, directory, environment)
    finally:
        assert gateway.stop() == 0
    return directory


def analyst(directory: Path, gateway: Gateway, admin_key: str) -> dict[str, str]:
    """The environment of somebody with a key, the `botloft` command and this repository's docs."""
    with gateway.client(admin_key) as admin:
        wanted = {"label": "analysis", "scopes": ["analyst"]}
        key = admin.post("/api/keys", json=wanted).raise_for_status().json()["api_key"]
    (directory / "docs").symlink_to(ROOT / "docs")
    commands = directory / "bin"
    commands.mkdir()
    for name, arguments in (("botloft", '-c "from ops.cli import app; app()"'), ("python", "")):
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        (commands / name).chmod(0o755)
    path = f"{commands}:{os.environ['PATH']}"
    own = {"BOTLOFT_KEY": str(key), "BOTLOFT_URL": gateway.base_url, "PYTHONPATH": str(ROOT), "PATH": path}
    return {**os.environ, **own}


def run(commands: str, directory: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
    with (directory / "said").open("a") as said:
        said.write(done.stdout)


def asked(desk: Path, name: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as database:
        database.execute(fences("sql")[0].replace("events.parquet", str(desk / "events.parquet")))
        return list(database.execute(query(name)).fetchall())


def test_it_tells_whose_error_rate_rose_this_week(desk: Path) -> None:
    assert [("acme", 30.0, 10.0, 20.0), ("globex", 10.0, 20.0, -10.0), ("initech", None, 0.0, None)] == asked(
        desk, "error rates"
    )


def test_it_tells_at_what_hour_429s_peak(desk: Path) -> None:
    hours = asked(desk, "hours")

    assert [(9, 2), (14, 5)] == [row[:2] for row in hours]
    assert len(str(hours[1][2]).strip()) > len(str(hours[0][2]).strip())


def test_it_tells_which_chats_cause_them(desk: Path) -> None:
    assert [("acme", BOT_ID, "-100", 4, 12.0), ("acme", BOT_ID, "5", 3, 9.0)] == asked(desk, "chats")


def test_it_tells_why_commands_were_late(desk: Path) -> None:
    assert [("pace", 4, 4)] == asked(desk, "waits")


def test_curl_alone_brings_the_failures_and_the_catalogue(desk: Path) -> None:
    failures = [msgspec.json.decode(line) for line in (desk / "failures.ndjson").read_bytes().splitlines()]
    catalog = msgspec.json.decode((desk / "catalog.json").read_bytes())

    assert 8 == len(failures)
    assert {"attempt-failed", "hold-placed"} == {line["topic"] for line in failures}
    assert "attempt-failed" in {event["topic"] for event in catalog["events"]}


def test_a_table_for_a_spreadsheet_is_there(desk: Path) -> None:
    header, *rows = (desk / "holds.csv").read_text(encoding="utf-8").splitlines()

    assert "retry_after_s" in header.split(",")
    assert 1 == len(rows)


def test_the_script_draws_a_line_for_each_tenant(desk: Path) -> None:
    said, svg = (desk / "said").read_text(), (desk / "trend.svg").read_text()

    assert "  2026-06-29   50.0%  " + "#" * 50 in said
    assert {"acme", "globex", "initech"} == set(re.findall(r'fill="#\w+">(\w+)</text>', svg))
    assert 3 == svg.count('stroke-width="2"')


def test_every_query_of_the_document_is_run_by_a_test() -> None:
    names = [text.partition("\n")[0].removeprefix("-- ") for text in fences("sql")[1:]]

    assert ["error rates", "hours", "chats", "waits"] == names
