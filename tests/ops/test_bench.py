"""The bench runs from end to end; how fast it is depends on the day and is never asserted."""

import os
import subprocess
import sys
from pathlib import Path

WITHIN_S = 180
SECTIONS = (
    "CPU of one sendMessage",
    "Time added to Telegram's own",
    "CPU of one update by webhook",
    "bots that poll, in one process",
    "commands through the actors without HTTP",
    "All projections rebuilt from zero",
    "Durable events recorded",
    "An export of all events",
    "An idle bot",
    "without and with one replay after the other",
    "Policy replay of that log",
)


def test_views_are_built_and_asked_beside_a_log_of_any_length(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "ops.bench.views", "--events", "2000", "--dir", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "all of them from zero" in done.stdout
    assert "a bot's history, 168 hours" in done.stdout


def test_a_quick_run_where_one_stands_prints_the_machine_and_every_section(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-W", "error::ResourceWarning", "-m", "ops.bench", "--quick"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "Python 3" in done.stdout.splitlines()[0]
    assert [] == [section for section in SECTIONS if section not in done.stdout]
