"""Thirty times `kill -9` under load: each accepted command ends exactly once, and no message is sent twice."""

from __future__ import annotations

import math
import os
import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.kill_rounds import LAST, Request, Victim
from tests.acceptance.logs import Log

ROUNDS = int(os.environ.get("BOTLOFT_KILL_ROUNDS", "30"))
# In the name of the test, so that a failure says how to see it again.
SEED = os.environ.get("BOTLOFT_KILL_SEED") or secrets.token_hex(4)
AT_ONCE = 2
STATES = ("delivered", "rejected", "not_sent", "uncertain")


@pytest.mark.parametrize("seed", [SEED])
def test_what_was_accepted_ends_once_and_nothing_is_sent_twice(
    tmp_path: Path, sandbox: SandboxClient, seed: str
) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        lives = [pool.submit(lived, tmp_path / f"state{n}", sandbox, f"{seed}-{n}") for n in range(AT_ONCE)]

    for life in lives:
        honest(life.result())


class Life(NamedTuple):
    told: dict[str, Request]
    states: dict[str, str]
    log: Log
    texts: dict[int, list[str]]
    """By chat, as they came."""


def lived(state: Path, sandbox: SandboxClient, seed: str) -> Life:
    with Victim(state, sandbox, seed) as victim:
        victim.lives_through(math.ceil(ROUNDS / AT_ONCE))
        victim.finishes()
        states = victim.states()
    chats = [LAST, *(caller.chat for caller in victim.callers)]
    texts = {chat: [str(text) for text in sandbox.texts(victim.acme.bot_id, chat)] for chat in chats}
    return Life(victim.told, states, Log(victim.gateway), texts)


def honest(life: Life) -> None:
    how_many = Counter(life.states.values())
    texts = [text for of_chat in life.texts.values() for text in of_chat]
    told = {
        state: {request.text for one, request in life.told.items() if life.states[one] == state} for state in STATES
    }

    # Accepted = delivered + rejected + not sent + uncertain, each once: in the log, and in what callers are told.
    assert {1} == set(life.log.accepted.values())
    assert life.log.accepted.keys() == life.log.outcome.keys()
    assert life.log.outcome == life.states
    assert life.told.keys() <= life.states.keys()
    # What is told of a message is true, and nobody got one twice.
    assert len(set(texts)) == len(texts)
    assert told["delivered"] <= set(texts)
    assert not (told["not_sent"] | told["rejected"]) & set(texts)
    assert how_many["delivered"] <= len(texts) <= how_many["delivered"] + how_many["uncertain"]
    # They came in the order in which they were asked for.
    assert {chat: sorted(of_chat, key=number) for chat, of_chat in life.texts.items()} == life.texts
    # And the moments were worth it.
    assert {"delivered", "rejected", "uncertain"} <= how_many.keys()


def number(text: str) -> int:
    return int(text.split("-")[1])
