"""Whatever holds a secret does not show it: in a log line, in a traceback, in the list of processes."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
import typer
from pydantic import SecretStr
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from actors.doorstep import Address as WebhookAddress
from actors.mail import Register
from actors.messages import (
    BotChanged,
    CallbackInfo,
    ConfigureBot,
    Message,
    NoticeEndpoint,
    ProveOwnership,
    RegisterBot,
    RotateToken,
    SetNoticeEndpoint,
    TenantKey,
    ValidateToken,
)
from domain.callback import an_address
from domain.keys import hashed, written_key
from domain.rules.tokens import Token
from domain.rules.validation import Verdict
from domain.signing import secret_of
from domain.store.database import database_at
from domain.store.sqlite import SQLiteStore
from domain.store.vault import Vault
from domain.token_life import Found
from domain.whatif.policy import Change, Policy
from domain.whatif.question import Question
from gateway.doors import GatewayOptions
from gateway.routes.login import Credentials
from ops.access import Access
from ops.cli import app
from ops.client import AdminClient
from ops.events.gateway import Gateway
from ops.settings import Settings, described
from ops.whatif.beside import Replays
from ops.whatif.job import Job
from tests.examples import BOT_ID, NOON, an_identity

CANARY = "aVerySecretThing0123456789abcdefXYZ"
CHANCE = CANARY.encode()[:32]
TOKEN = Token(BOT_ID, f"{BOT_ID}:{CANARY}")
KEY = written_key("abcdefghijkl", CHANCE)
URL = f"https://acme.example/{CANARY}"
DATABASE = f"postgresql://botloft:{CANARY}@127.0.0.1:1/botloft"
QUESTION = Question(since=NOON, until=NOON, change=Change())
SPELLINGS = (CANARY, CHANCE.hex(), secret_of(CHANCE).removeprefix("whsec_"), hashed(CANARY))


def the_settings() -> Settings:
    return Settings(
        admin_key=SecretStr(CANARY),
        master_keys=[SecretStr(CANARY)],
        alert_secret=SecretStr(CANARY),
        database_url=SecretStr(DATABASE),
        RATE_LIMIT_STORAGE_URI=SecretStr(f"redis://:{CANARY}@127.0.0.1:1"),
    )


HOLDERS: dict[str, Callable[[], object]] = {
    "Settings": the_settings,
    "the settings as they are listed": lambda: described(the_settings()),
    "Token": lambda: TOKEN,
    "NewKey": lambda: KEY,
    "TenantKey": lambda: TenantKey("acme", "Acme", KEY.key_id, KEY.text, 1, ("tenant",), "first", None),
    "RegisterBot": lambda: RegisterBot("acme", TOKEN),
    "RotateToken": lambda: RotateToken(BOT_ID, "acme", TOKEN),
    "ValidateToken": lambda: ValidateToken(TOKEN),
    "ProveOwnership": lambda: ProveOwnership(BOT_ID, "acme", "0" * 64, TOKEN, Found(Verdict.VALID)),
    "Register": lambda: Register(an_identity(), TOKEN),
    "Address of a callback": lambda: an_address(URL, CHANCE),
    "Address of a webhook": lambda: WebhookAddress(CANARY, CANARY),
    "BotChanged": lambda: BotChanged(BOT_ID, "examples_bot", "active", 1, secret_of(CHANCE)),
    "CallbackInfo": lambda: CallbackInfo(URL, None, 0),
    "ConfigureBot": lambda: ConfigureBot(BOT_ID, "acme", {"callback_url": URL}, "tenant"),
    "NoticeEndpoint": lambda: NoticeEndpoint(URL, secret_of(CHANCE), 1),
    "SetNoticeEndpoint": lambda: SetNoticeEndpoint("acme", URL),
    "GatewayOptions": lambda: GatewayOptions(
        open_registration=True, version="1", session_keys=[CANARY.encode()], admin_key_hash=hashed(CANARY)
    ),
    "Credentials of a login": lambda: Credentials(KEY.text),
    "Database": lambda: database_at(DATABASE),
    "Job of a replay": lambda: Job(DATABASE, Policy(), QUESTION),
    "Replays": lambda: Replays(DATABASE, Policy()),
    "Access": lambda: Access("http://127.0.0.1:1", CANARY),
    "AdminClient": lambda: AdminClient("http://127.0.0.1:1", CANARY),
    "Gateway, as the command line knows it": lambda: Gateway("http://127.0.0.1:1", CANARY),
}
holders = pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)


def shown(thing: object) -> Iterator[str]:
    """Wherever it may come to be written."""
    yield repr(thing)
    yield str(thing)
    yield repr([thing])
    yield pretty_repr(thing)
    yield str(structlog.processors.JSONRenderer()(None, "", {"event": "x", "thing": thing}))
    try:
        _fails(thing)
    except ZeroDivisionError as error:
        yield "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        console = Console(file=StringIO(), width=500)
        console.print(Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True))
        yield console.file.getvalue()  # type: ignore[attr-defined]  # it is a StringIO


def _fails(held: object) -> object:
    return 1 / 0 if held else held


def test_a_look_at_what_hides_nothing_finds_it() -> None:
    assert all(CANARY in text for text in shown({"open": CANARY}))


@holders
def test_a_holder_of_a_secret_does_not_show_it(holder: Callable[[], object]) -> None:
    thing = holder()

    assert [] == [text for text in shown(thing) if any(spelling in text for spelling in SPELLINGS)]


def test_the_vault_shows_no_key(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "log.db")
    try:
        vault = Vault(store, [CHANCE])
        vault.seal("acme", "x", CHANCE)
        told = [text for thing in (vault, vars(vault)) for text in shown(thing)]
    finally:
        store.close()

    assert [] == [text for text in told if any(spelling in text for spelling in (*SPELLINGS, repr(CHANCE)))]


SPEAKING = {"token", "secret", "api_key", "callback_secret", "url", "callback_url", "change"}


def messages(base: type[Message] = Message) -> Iterator[type[Message]]:
    for found in base.__subclasses__():
        yield found
        yield from messages(found)


def test_every_message_with_a_place_for_a_secret_is_among_the_holders() -> None:
    held = {type(holder()) for holder in HOLDERS.values()}

    assert [] == [one.__name__ for one in messages() if SPEAKING & set(one.__struct_fields__) and one not in held]


def test_a_token_is_written_down_by_nobody() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(TOKEN)
    with pytest.raises(TypeError):
        msgspec.json.encode(RegisterBot("acme", TOKEN))
    with pytest.raises(TypeError):
        json.dumps(TOKEN)


# The command line


def commands(command: Any, name: str = "botloft") -> Iterator[tuple[str, Any]]:
    yield name, command
    for part, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {part}")


SECRET_WORDS = {"key", "keys", "secret", "token", "password", "passphrase"}


def test_the_command_line_takes_no_secret_that_the_list_of_processes_would_show() -> None:
    """They come from the environment, or are typed in."""
    found = list(commands(typer.main.get_command(app)))
    asking = [
        f"{name}: {parameter.name}"
        for name, command in found
        for parameter in command.params
        if SECRET_WORDS & set((parameter.name or "").split("_"))
        and not (parameter.name or "").endswith("_id")
        and not getattr(parameter, "is_flag", False)
    ]

    assert [] == asking
    assert {"botloft keys issue", "botloft projections pause"} < {name for name, _ in found}


FAILING = """
from ops.cli import app

@app.command("fails")
def fails() -> None:
    local = "".join(map(chr, %r))
    raise RuntimeError("as it happens")

app()
"""


def test_a_command_that_fails_shows_no_local_variables() -> None:
    program = FAILING % [ord(character) for character in CANARY]
    ended = subprocess.run(
        [sys.executable, "-c", program, "fails"], capture_output=True, text=True, timeout=60, check=False
    )

    assert (1, True) == (ended.returncode, "as it happens" in ended.stderr)
    assert CANARY not in ended.stderr + ended.stdout
