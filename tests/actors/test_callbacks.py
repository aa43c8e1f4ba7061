"""A bot's actor keeps its callback URL sealed, makes the secret, and tells who delivers once it is on disk."""

from __future__ import annotations

import msgspec
import pytest

from actors.callbacks import Callbacks
from actors.inbox import LoopFuture
from actors.mail import Lifecycle
from actors.messages import BotChanged, ConfigureBot, RemoveBot
from domain import bot as lives
from domain import events
from domain.refusal import Refused
from tests.doubles import LoneBot, a_registered_bot
from tests.examples import BOT_ID, NOON, OTHER_TENANT, TENANT, a_bot

URL = "https://acme.example/updates?key=hidden"


def configure(lone: LoneBot, change: dict[str, object], tenant_id: str = TENANT) -> object:
    reply = LoopFuture()
    lone.tell(Lifecycle(ConfigureBot(BOT_ID, tenant_id, change, "tenant"), reply))
    lone.rest()
    return reply.get()


def test_a_callback_url_is_answered_with_its_secret_and_kept_sealed() -> None:
    lone = LoneBot()
    changed = configure(lone, {"callback_url": URL, "bot_rps": 5})
    assert isinstance(changed, BotChanged)
    (configured,) = lone.journal.of(events.BotConfigured)
    (called,) = lone.journal.of(events.CallbackSet)
    callback = lone.ports.callbacks.of(BOT_ID)

    assert (changed.callback_secret or "").startswith("whsec_")
    assert (changed.callback_secret or "") not in f"{changed!r} {list(changed.__rich_repr__())}"
    assert 5 == configured.config.bot_rps  # type: ignore[attr-defined]
    assert callback is not None
    assert (TENANT, called.callback_sealed) == (callback.tenant_id, callback.sealed)  # type: ignore[attr-defined]
    assert b"hidden" not in msgspec.json.encode(called)


def test_each_time_it_is_set_there_is_another_secret_and_null_takes_it_away() -> None:
    lone = LoneBot()
    first, second = (configure(lone, {"callback_url": URL}) for _ in range(2))
    gone, again = (configure(lone, {"callback_url": None}) for _ in range(2))

    assert first.callback_secret != second.callback_secret  # type: ignore[attr-defined]
    assert lone.ports.callbacks.of(BOT_ID) is None
    assert None is gone.callback_secret  # type: ignore[attr-defined]
    assert None is again.position  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "tenant_id", "code"),
    [
        ({"callback_url": URL, "bot_rps": -1}, TENANT, "invalid_request"),
        ({"callback_url": URL}, OTHER_TENANT, "not_found"),
    ],
)
def test_a_refused_change_makes_no_secret(change: dict[str, object], tenant_id: str, code: str) -> None:
    lone = LoneBot()
    refused = configure(lone, change, tenant_id)

    assert isinstance(refused, Refused)
    assert code == refused.code
    assert [] == lone.journal.events
    assert lone.ports.callbacks.of(BOT_ID) is None


def test_who_delivers_is_told_when_it_is_on_disk_and_when_the_bot_has_left() -> None:
    lone, told = LoneBot(), []
    lone.ports.callbacks.changed = lambda bot_id, has_left: told.append((bot_id, has_left))
    lone.journal.is_away = True
    lone.tell(Lifecycle(ConfigureBot(BOT_ID, TENANT, {"callback_url": URL}, "tenant"), LoopFuture()))
    lone.rest()
    early = list(told)
    lone.journal.is_away = False
    lone.rest()
    lone.tell(Lifecycle(RemoveBot(BOT_ID, TENANT), LoopFuture()))
    lone.rest()

    assert ([], [(BOT_ID, False), (BOT_ID, True)]) == (early, told)


def test_the_next_process_knows_it_and_a_removed_bot_has_none() -> None:
    bot = a_registered_bot()
    called = lives.call_back(bot, TENANT, b"sealed", "tenant", NOON)
    assert isinstance(called, tuple)
    with_one = lives.evolve(bot, called[0])
    removed = lives.remove(with_one, TENANT, NOON)
    assert isinstance(removed, tuple)
    callbacks, empty = Callbacks(), Callbacks()
    callbacks.is_as(with_one)
    empty.is_as(lives.evolve(with_one, removed[0]))
    empty.is_as(a_bot())

    assert (TENANT, b"sealed") == callbacks.of(BOT_ID)
    assert empty.of(BOT_ID) is None
