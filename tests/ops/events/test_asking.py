"""What the events commands say when they cannot even ask: a sentence, and never the key."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.asking import REFUSED, UNREACHED
from ops.events.commands import app

KEY = "blk_canary-of-these-tests"
WRONG_KEY = f"{KEY}\nand a second line"


@pytest.mark.parametrize("command", [["tail"], ["export", "--out", "out"]], ids=["tail", "export"])
@pytest.mark.parametrize(
    ("environment", "code", "sentence"),
    [
        ({}, REFUSED, "Set BOTLOFT_KEY to an API key"),
        ({"BOTLOFT_KEY": WRONG_KEY}, REFUSED, "copy it again, whole"),
        ({"BOTLOFT_KEY": KEY, "BOTLOFT_URL": "http://[::1"}, UNREACHED, "http://[::1 is no address of a gateway"),
        ({"BOTLOFT_KEY": KEY, "BOTLOFT_URL": "", "BOTLOFT_PORT": "0"}, UNREACHED, "BOTLOFT_PORT is 0"),
        ({"BOTLOFT_ADMIN_KEY": "short"}, REFUSED, "BOTLOFT_ADMIN_KEY"),
    ],
)
def test_a_mistake_in_the_environment_is_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    environment: dict[str, str],
    code: int,
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("BOTLOFT_KEY", "BOTLOFT_ADMIN_KEY", "BOTLOFT_URL", "BOTLOFT_PORT"):
        monkeypatch.delenv(name, raising=False)
    done = CliRunner().invoke(app, command, env=environment)

    assert (code, True) == (done.exit_code, sentence in done.output), done.output
    assert KEY not in done.output
    assert not isinstance(done.exception, ValueError)
