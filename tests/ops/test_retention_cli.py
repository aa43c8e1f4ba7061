"""`botloft retention`, as it tells an operator what a gateway says."""

from __future__ import annotations

from typing import Any

from typer.testing import CliRunner

from ops.cli import app
from tests.ops.test_client import KEY, serving

RAN = {"at": "2026-07-01T12:00:00Z", "kept_from": "2026-06-01", "days": 2, "events": 1500, "up_to": 9, "not_now": None}
NOT_NOW = {**RAN, "days": 0, "events": 0, "up_to": 0, "not_now": "Something is still open."}


def said(word: str, last_run: dict[str, Any]) -> tuple[int, str, str]:
    with serving(200, {"days": 30, "running": False, "last_run": last_run}) as server:
        ended = CliRunner().invoke(app, ["retention", word, "--url", server.url], env={"BOTLOFT_ADMIN_KEY": KEY})
    return ended.exit_code, ended.stdout, ended.stderr


def test_what_went_is_told_in_a_sentence() -> None:
    sentence = "1,500 events of 2 days before 2026-06-01 were summarised and dropped.\n"

    assert (0, sentence, "") == said("run", RAN)
    assert (0, f"Events are kept for 30 days.\nLast run: {sentence}", "") == said("show", RAN)


def test_a_run_that_dropped_nothing_for_a_reason_has_failed_and_says_why() -> None:
    assert (1, "", "Nothing was dropped: Something is still open.\n") == said("run", NOT_NOW)
