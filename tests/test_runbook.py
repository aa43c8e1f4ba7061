"""What README and runbook tell people to type exists: every command, every option and every setting."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from gateway.codes import PROBLEMS
from ops.cli import app
from ops.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/runbook.md")
FOR_SCRIPTS = {"BOTLOFT_URL", "BOTLOFT_KEY", "BOTLOFT_TEST_POSTGRES", "BOTLOFT_TEST_STORES"}
"""Read outside of the settings."""


def commands_in(text: str) -> Iterator[list[str]]:
    """Of each `botloft …`, in a line of its own or between backticks: its words, up to a comment."""
    for found in re.finditer(r"(?:^    |`)(?:\S*/)?botloft ([^`]+?)(?:`|$)", text, re.MULTILINE):
        words = shlex.split(found[1].replace("…", "").replace("|", " "), comments=True)
        if words:
            yield words


def understood(words: list[str]) -> str | None:
    """What is wrong with a command: no such command or option."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return f"there is no {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    if command.context_settings.get("ignore_unknown_options"):
        return None
    options = {option for parameter in command.params for option in parameter.opts}
    strange = [word for word in words if word.startswith("--") and word.partition("=")[0] not in options]
    return f"{command.name} has no {strange[0]}" if strange else None


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_people_are_told_to_type_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")

    assert [] == [(words, why) for words in commands_in(text) if (why := understood(words)) is not None]


def test_the_runbook_names_the_commands_that_only_operators_need() -> None:
    text = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    named = {" ".join(word for word in words[:2] if word.isalpha()) for words in commands_in(text)}

    wanted = {
        "vault status",
        "vault rotate",
        "vault retire",
        "backup",
        "restore",
        "keys issue",
        "keys revoke",
        "migrate",
    }
    assert set() == wanted - named


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_is_named_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"BOTLOFT_[A-Z_]+", text))
    known = {f"BOTLOFT_{name.upper()}" for name in Settings.model_fields}

    assert set() == {one for one in named - known - FOR_SCRIPTS if not one.startswith(("BOTLOFT_KILL", "BOTLOFT_SIM"))}


def test_every_problem_code_in_the_runbook_exists() -> None:
    text = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    codes = set(re.findall(r"\((?:\d{3} )?`([a-z_]+)`\)", text))

    assert codes
    assert codes <= PROBLEMS.keys()


def test_both_pages_are_linked_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    assert {"(docs/runbook.md)", "(SECURITY.md)"} <= set(re.findall(r"\([\w/]+\.md\)", text))


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["vault", "rotate", "--reason", "yearly"], None),
        (["vault", "rotat"], "there is no rotat"),
        (["vault", "rotate", "--finish"], "rotate has no --finish"),
        (["undo"], "there is no undo"),
    ],
)
def test_a_command_that_does_not_exist_is_recognised(words: list[str], wrong: str | None) -> None:
    assert wrong == understood(words)
