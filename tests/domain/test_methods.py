"""The table of methods against aiogram's own list, and row by row where a mistake would be felt."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from aiogram import methods

from domain.methods import METHODS, ROWS, Method, method_named

AIOGRAM: dict[str, type[methods.TelegramMethod[Any]]] = {
    model.__api_method__: model
    for model in (getattr(methods, name) for name in methods.__all__)
    if isinstance(getattr(model, "__api_method__", None), str)
}
OURS = ("getUpdates", "setWebhook", "deleteWebhook", "getWebhookInfo", "logOut", "close")


def row(name: str) -> Method:
    method = method_named(name)
    assert method is not None
    return method


def test_every_method_that_aiogram_knows_is_in_the_table_and_no_other() -> None:
    assert sorted(AIOGRAM) == sorted(method.name for method in ROWS)


def test_no_method_is_in_two_sections() -> None:
    twice = [name for name, times in Counter(method.name for method in ROWS).items() if times > 1]

    assert not twice


@pytest.mark.parametrize("method", ROWS, ids=lambda method: method.name)
def test_a_method_has_a_chat_when_telegram_takes_a_chat_id(method: Method) -> None:
    expected = "chat_id" if "chat_id" in AIOGRAM[method.name].model_fields else None

    assert expected == method.chat


@pytest.mark.parametrize("method", ROWS, ids=lambda method: method.name)
def test_what_reaches_a_reader_twice_or_makes_a_second_thing_is_attempted_once(method: Method) -> None:
    never_twice = ("send", "copy", "forward", "post", "repost", "create", "upload", "export", "save", "add", "replace")
    lasting = method.name.startswith(never_twice) and not method.cosmetic

    assert not (lasting and method.repeatable)


@pytest.mark.parametrize("method", ROWS, ids=lambda method: method.name)
def test_asking_editing_and_deleting_may_always_be_repeated(method: Method) -> None:
    assert method.repeatable or not method.name.startswith(("get", "edit", "delete"))


def test_only_what_vanishes_by_itself_may_be_shed_first() -> None:
    cosmetic = {method.name for method in ROWS if method.cosmetic}

    assert {"sendChatAction", "sendMessageDraft", "sendRichMessageDraft"} == cosmetic


@pytest.mark.parametrize(
    ("name", "repeatable"),
    [
        ("sendMessage", False),
        ("forwardMessages", False),
        ("editMessageLiveLocation", True),
        ("setGameScore", True),
        ("banChatMember", True),
        ("pinChatMessage", True),
        ("unpinChatMessage", False),
        ("unpinAllChatMessages", True),
        ("setChatTitle", True),
        ("setChatPhoto", False),
        ("setMyProfilePhoto", False),
        ("removeBusinessAccountProfilePhoto", False),
        ("revokeChatInviteLink", True),
        ("exportChatInviteLink", False),
        ("replaceManagedBotToken", False),
        ("answerCallbackQuery", True),
        ("answerPreCheckoutQuery", True),
        ("answerWebAppQuery", False),
        ("answerGuestQuery", False),
        ("approveChatJoinRequest", True),
        ("approveSuggestedPost", False),
        ("refundStarPayment", False),
        ("sendGift", False),
        ("editUserStarSubscription", True),
        ("setWebhook", True),
        ("logOut", False),
    ],
)
def test_whether_a_method_may_be_executed_twice(name: str, repeatable: bool) -> None:
    assert repeatable == row(name).repeatable


@pytest.mark.parametrize(
    ("name", "description"),
    [
        (
            "editMessageText",
            "Bad Request: message is not modified: specified new message content and reply markup are exactly the same",
        ),
        ("deleteMessage", "Bad Request: message to delete not found"),
        (
            "answerCallbackQuery",
            "Bad Request: query is too old and response timeout expired or query ID is invalid",
        ),
        ("setChatTitle", "Bad Request: chat title is not modified"),
        ("closeForumTopic", "Bad Request: TOPIC_NOT_MODIFIED"),
        ("deleteForumTopic", "Bad Request: TOPIC_ID_INVALID"),
        ("stopPoll", "Bad Request: poll has already been closed"),
        ("setGameScore", "Bad Request: BOT_SCORE_NOT_MODIFIED"),
        ("approveChatJoinRequest", "Bad Request: USER_ALREADY_PARTICIPANT"),
        ("declineChatJoinRequest", "Bad Request: HIDE_REQUESTER_MISSING"),
        ("leaveChat", "Forbidden: bot is not a member of the supergroup chat"),
    ],
)
def test_a_repeat_that_finds_the_work_done_is_recognised(name: str, description: str) -> None:
    assert description.lower().startswith(row(name).done_when)


@pytest.mark.parametrize("name", ["answerPreCheckoutQuery", "answerShippingQuery", "answerChatJoinRequestQuery"])
def test_an_answer_that_came_too_late_for_a_payment_is_not_called_done(name: str) -> None:
    assert not row(name).done_when


@pytest.mark.parametrize("method", ROWS, ids=lambda method: method.name)
def test_only_a_method_that_is_repeated_can_find_its_work_done(method: Method) -> None:
    assert method.repeatable or not method.done_when
    assert all(prefix and prefix == prefix.lower() for prefix in method.done_when)


def test_exactly_the_methods_that_are_ours_to_call_are_refused() -> None:
    assert sorted(OURS) == sorted(method.name for method in ROWS if method.refused is not None)


@pytest.mark.parametrize(
    ("name", "pointer"),
    [
        ("getUpdates", "PATCH /api/bots/{bot_id}"),
        ("setWebhook", "PATCH /api/bots/{bot_id}"),
        ("deleteWebhook", "PATCH /api/bots/{bot_id}"),
        ("getWebhookInfo", "PATCH /api/bots/{bot_id}"),
        ("logOut", "take the bot away from this server"),
        ("close", "the gateway"),
    ],
)
def test_a_refusal_says_why(name: str, pointer: str) -> None:
    assert pointer in (row(name).refused or "")


@pytest.mark.parametrize("name", ["sendMessage", "sendmessage", "SENDMESSAGE", "SendMessage"])
def test_a_method_is_found_whatever_the_case_of_its_name(name: str) -> None:
    assert METHODS["sendmessage"] is method_named(name)


def test_a_name_that_is_no_method_finds_nothing() -> None:
    assert method_named("sendMessages") is None


def test_nobody_can_change_the_table_while_it_runs() -> None:
    with pytest.raises(TypeError):
        METHODS["sendmessage"] = row("getMe")  # type: ignore[index]
