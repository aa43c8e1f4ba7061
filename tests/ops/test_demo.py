"""The demo as its user starts it: a process that is watched from outside."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from domain.rules.tokens import TOKEN_IN_TEXT

ENDS_WITHIN_S = 40
BOTS = ("@apple_bot", "@cherry_bot", "@anchor_bot", "@beacon_bot")


@contextmanager
def demo(arguments: str, directory: Path, *, is_calm: bool = False) -> Iterator[subprocess.Popen[str]]:
    """`is_calm`: without the small troubles, which lose one answer in seventy."""
    calm = "import ops.demo.show; ops.demo.show.small_troubles = lambda _: None; " if is_calm else ""
    code = f"import sys; {calm}from ops.demo import demo; sys.exit(demo({arguments}))"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(directory)}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=directory) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def until(process: subprocess.Popen[str], seen: str) -> str:
    """What it prints up to the line with this in it."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if seen in line:
            return said
    raise AssertionError(f"it never said {seen!r}, but:\n{said}")


def rest(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=ENDS_WITHIN_S)
    return said


def counts(said: str) -> dict[str, int]:
    """Of the last line."""
    return {name: int(number) for number, name in re.findall(r"(\d+) (\w+)", said.splitlines()[-1])}


def children_of(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_it_ends_by_itself_and_has_told_what_became_of_four_bots_commands(tmp_path: Path) -> None:
    with demo("seconds=4", tmp_path) as process:
        said = rest(process)

    total = counts(said)
    assert 0 == process.returncode
    assert all(said.count(bot) >= 2 for bot in BOTS)
    assert total["delivered"] > 0
    assert total["commands"] == sum(total[name] for name in ("delivered", "rejected", "not_sent", "uncertain"))
    assert not TOKEN_IN_TEXT.search(said)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("curl") is None, reason="the lines are for curl")
def test_the_lines_to_try_can_be_pasted_and_an_interrupt_ends_it_well(tmp_path: Path) -> None:
    with demo("hints_after_s=0", tmp_path, is_calm=True) as process:
        assert process.stdout is not None
        until(process, "The gateway is at")
        lines = [process.stdout.readline() for _ in range(3)]
        answers = [msgspec.json.decode(subprocess.check_output(line, shell=True)) for line in lines]
        process.send_signal(signal.SIGINT)
        said = rest(process)

    assert ["delivered", "delivered", None] == [answer.get("outcome") for answer in answers]
    assert "hello" == answers[1]["result"]["text"]
    assert answers[2]["successful_requests"] >= 2
    assert 0 == process.returncode
    assert counts(said)["delivered"] >= 2


def test_it_says_which_process_died_and_fails(tmp_path: Path) -> None:
    if not Path("/proc/self/task").is_dir():
        pytest.skip("finds the demo's processes by /proc")
    with demo("", tmp_path) as process:
        until(process, BOTS[-1])
        gateway = max(children_of(process.pid))
        os.kill(gateway, signal.SIGKILL)
        said = rest(process)

    assert 1 == process.returncode
    assert "The demo cannot go on: the gateway ended with -9" in said
