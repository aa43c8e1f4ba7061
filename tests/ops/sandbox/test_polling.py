from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ops.sandbox.client import NewBot, SandboxClient

Ask = Callable[..., Any]
Eventually = Callable[[Callable[[], Any]], None]


def ids(answer: Any) -> list[int]:
    return [update["update_id"] for update in answer.result]


def test_an_offset_confirms_all_lower_ids(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    said = sandbox.say(bot.bot_id, 5, "hi", count=4)

    assert said == ids(ask("getUpdates"))
    assert said == ids(ask("getUpdates"))
    assert said[2:] == ids(ask("getUpdates", offset=said[2]))
    assert said[2:] == ids(ask("getUpdates"))


def test_a_negative_offset_forgets_all_but_the_newest(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    said = sandbox.say(bot.bot_id, 5, "hi", count=4)

    assert said[-1:] == ids(ask("getUpdates", offset=-1))
    assert said[-1:] == ids(ask("getUpdates", offset=0))


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (100, 100), (0, 100), (1000, 100)])
def test_at_most_a_hundred_updates_come_at_once(
    ask: Ask, sandbox: SandboxClient, bot: NewBot, limit: int, count: int
) -> None:
    sandbox.say(bot.bot_id, 5, "hi", count=120)

    assert count == len(ids(ask("getUpdates", limit=limit)))


def test_a_long_poll_waits_for_what_is_said(
    ask: Ask, sandbox: SandboxClient, bot: NewBot, eventually: Eventually
) -> None:
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(ask, "getUpdates", timeout=30)
        eventually(lambda: sandbox.calls(bot.bot_id, "getUpdates"))
        said = sandbox.say(bot.bot_id, 5, "hi")

    assert said == ids(poll.result())


def test_a_long_poll_that_nobody_answers_ends_empty(ask: Ask) -> None:
    assert [] == ids(ask("getUpdates", timeout=1))


def test_a_newer_poll_ends_the_older_one(ask: Ask, sandbox: SandboxClient, bot: NewBot, eventually: Eventually) -> None:
    with ThreadPoolExecutor() as pool:
        older = pool.submit(ask, "getUpdates", timeout=30)
        eventually(lambda: sandbox.calls(bot.bot_id, "getUpdates"))

        assert [] == ids(ask("getUpdates"))

    assert 409 == older.result().status
    assert (
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
        == older.result().description
    )


def test_a_webhook_ends_a_poll_and_allows_no_other(
    ask: Ask, sandbox: SandboxClient, bot: NewBot, eventually: Eventually
) -> None:
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(ask, "getUpdates", timeout=30)
        eventually(lambda: sandbox.calls(bot.bot_id, "getUpdates"))
        ask("setWebhook", url="http://127.0.0.1:9/")

    assert "Conflict: terminated by setWebhook request" == poll.result().description
    assert (
        "Conflict: can't use getUpdates method while webhook is active;"
        " use deleteWebhook to delete the webhook first" == ask("getUpdates").description
    )
    ask("deleteWebhook")
    assert 200 == ask("getUpdates").status


def test_only_wanted_kinds_of_updates_are_kept(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    ask("getUpdates", allowed_updates=["callback_query"])

    assert [] == sandbox.say(bot.bot_id, 5, "hi")
    assert sandbox.update(bot.bot_id, {"callback_query": {"id": "1", "from": {"id": 5}}}) is not None


def test_rare_kinds_have_to_be_asked_for(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    reaction = {"message_reaction": {"chat": {"id": 5}}}

    assert sandbox.update(bot.bot_id, reaction) is None
    ask("getUpdates", allowed_updates=["message_reaction"])
    assert sandbox.update(bot.bot_id, reaction) is not None


def test_a_command_is_marked_in_utf16_units(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    sandbox.say(bot.bot_id, 5, "👍 /start@a_bot now")

    assert [{"type": "bot_command", "offset": 3, "length": 12}] == ask("getUpdates").result[0]["message"]["entities"]
