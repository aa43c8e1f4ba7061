"""What a test or a demo can make the sandbox do, and what it can see."""

from collections.abc import Callable
from typing import Any

import pytest

from ops.sandbox.client import NewBot, SandboxClient, SandboxError

Ask = Callable[..., Any]
Http = Callable[..., Any]
Refused = Callable[[SandboxClient], Any]


def test_a_revoked_token_is_unauthorized_and_stays_of_its_bot(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    sandbox.revoke(bot.bot_id)

    assert 401 == ask("getMe").status
    assert [(bot.bot_id, 401)] == [(call["bot_id"], call["status"]) for call in sandbox.calls(bot.bot_id)]


def test_a_new_token_takes_the_place_of_the_old_one(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    token = sandbox.issue_token(bot.bot_id)

    assert 401 == ask("getMe").status
    assert bot.bot_id == ask("getMe", token=token).result["id"]


def test_a_bot_may_have_a_token_of_its_own(ask: Ask, sandbox: SandboxClient) -> None:
    bot = sandbox.add_bot(token="424242:AAmine", username="mine_bot", first_name="Mine")

    assert (424242, "mine_bot") == (bot.bot_id, bot.username)
    assert "Mine" == ask("getMe", token=bot.token).result["first_name"]


def test_a_bot_may_change_its_name(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    sandbox.rename(bot.bot_id, username="renamed_bot")

    assert "renamed_bot" == ask("getMe").result["username"]


def test_users_see_what_stands_in_their_chat_now(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    for text in ("one", "two", "three"):
        ask("sendMessage", chat_id=5, text=text)
    ask("editMessageText", chat_id=5, message_id=1, text="one, better")
    ask("deleteMessage", chat_id=5, message_id=2)
    ask("sendPhoto", chat_id=6, photo="a-file-id", caption="a picture")

    assert [("one, better", True), ("three", False)] == [
        (message["text"], message["edited"]) for message in sandbox.messages(bot.bot_id, 5)
    ]
    assert 3 == sandbox.chat(bot.bot_id, 5)["sent"]
    assert [(5, "sendMessage"), (5, "sendMessage"), (6, "sendPhoto")] == [
        (message["chat_id"], message["method"]) for message in sandbox.messages(bot.bot_id)
    ]
    assert 4 == sandbox.sent(bot.bot_id)


def test_calls_are_shown_in_order_of_arrival(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    ask("getMe")
    ask("sendmessage", chat_id=5, text="x")
    ask("sendMessage", chat_id=5)
    first, second, third = sandbox.calls(bot.bot_id)

    assert ("getMe", None, 200, True) == (first["method"], first["chat_id"], first["status"], first["effect"])
    assert ("sendMessage", 5, 200, True) == (second["method"], second["chat_id"], second["status"], second["effect"])
    assert (400, False, None) == (third["status"], third["effect"], third["fault"])
    assert first["at"] <= second["at"] <= third["at"]
    assert [third] == sandbox.calls(bot.bot_id, "sendMessage", since=second["n"])


def test_calls_can_be_forgotten_and_are_counted_all_the_same(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    ask("getMe")
    sandbox.clear_calls()

    assert [] == sandbox.calls()
    assert {"getMe": 1} == sandbox.stats()["by_bot"][str(bot.bot_id)]
    assert 0 == sandbox.stats()["in_flight"]
    assert sandbox.stats()["in_flight_peak"] >= 1
    assert sandbox.stats()["connections_peak"] >= 1


def test_faults_are_shown_with_how_often_they_struck(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    fault_id = sandbox.fault("status", times=None, status=400, bot_id=bot.bot_id, method="GETME")
    ask("getMe")
    ask("getMe")

    assert [(fault_id, "getMe", 2)] == [(f["fault_id"], f["method"], f["struck"]) for f in sandbox.faults()]
    sandbox.remove_fault(fault_id)
    assert [] == sandbox.faults()
    assert 200 == ask("getMe").status


def test_a_flood_limit_can_be_set_and_lifted(ask: Ask, sandbox: SandboxClient) -> None:
    sandbox.flood(enabled=True, chat_burst=1)
    answers = [ask("sendMessage", chat_id=5, text="x") for _ in range(2)]
    sandbox.flood(enabled=False)

    assert [200, 429] == [answer.status for answer in answers]
    assert "1" == answers[1].headers["Retry-After"]
    assert 200 == ask("sendMessage", chat_id=5, text="x").status


def test_no_token_is_shown_but_where_it_is_made(ask: Ask, sandbox: SandboxClient, bot: NewBot, http: Http) -> None:
    ask("getMe")
    ask(bot.token)
    sandbox.fault("latency", bot_id=bot.bot_id)
    paths = ("bots", "calls", "stats", "faults", f"messages?bot_id={bot.bot_id}")
    shown = [http(f"{sandbox.base_url}/_sandbox/{path}").body for path in paths]

    assert bot.token not in str(shown)


@pytest.mark.parametrize(
    ("refused", "sentence"),
    [
        (lambda sandbox: sandbox.revoke(1), "there is no bot 1"),
        (lambda sandbox: sandbox.remove_fault(9999), "there is no fault 9999"),
        (lambda sandbox: sandbox.fault("earthquake"), "Invalid enum value 'earthquake'"),
        (lambda sandbox: sandbox.fault("status", metod="getMe"), "unknown field `metod`"),
        (lambda sandbox: sandbox.fault("status", method="getMee"), "Telegram has no method getMee"),
        (lambda sandbox: sandbox.flood(chat_rps=0), "Expected `float` > 0.0"),
        (lambda sandbox: sandbox.set_chat(1, "asleep"), "a chat is never 'asleep'"),
        (lambda sandbox: sandbox.add_bot(token="no token"), "a token looks like"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(sandbox: SandboxClient, refused: Refused, sentence: str) -> None:
    with pytest.raises(SandboxError, match=sentence):
        refused(sandbox)
