"""The Bot API over real sockets: what is taken, in which clothes it may come, and how it is refused."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from ops.sandbox.client import NewBot, SandboxClient

Ask = Callable[..., Any]
Http = Callable[..., Any]

BOUNDARY = "a-boundary"


def multipart(fields: dict[str, str], files: dict[str, bytes]) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, content in files.items():
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.bin"\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def test_a_message_has_the_shape_that_telegram_gives_it(ask: Ask, bot: NewBot) -> None:
    message = ask("sendMessage", chat_id=5, text="hello").result

    assert 1 == message["message_id"]
    assert {"id": 5, "type": "private", "first_name": "User 5"} == message["chat"]
    assert bot.bot_id == message["from"]["id"]
    assert "hello" == message["text"]
    assert 2 == ask("sendMessage", chat_id=5, text="again").result["message_id"]


@pytest.mark.parametrize(("chat_id", "kind"), [(7, "private"), (-7, "group"), (-1001234567890, "supergroup")])
def test_the_sign_of_an_id_says_which_kind_of_chat_it_is(ask: Ask, chat_id: int, kind: str) -> None:
    assert kind == ask("sendMessage", chat_id=chat_id, text="x").result["chat"]["type"]


def test_parameters_come_in_any_of_telegrams_ways(sandbox: SandboxClient, bot: NewBot, http: Http) -> None:
    url = f"{sandbox.base_url}/bot{bot.token}/sendMessage"
    fields = {"chat_id": "5", "text": "ü & +", "reply_markup": '{"inline_keyboard":[]}'}
    answers = [
        http(f"{url}?{urlencode(fields)}"),
        http(url, urlencode(fields).encode(), "application/x-www-form-urlencoded"),
        http(url, b'{"chat_id": 5, "text": "\xc3\xbc & +", "reply_markup": {"inline_keyboard": []}}'),
        http(url, multipart(fields, {}), f"multipart/form-data; boundary={BOUNDARY}"),
    ]

    assert [("ü & +", {"inline_keyboard": []})] * 4 == [(a.result["text"], a.result["reply_markup"]) for a in answers]


def test_a_method_is_known_in_any_case_and_a_token_with_its_colon_quoted(
    sandbox: SandboxClient, bot: NewBot, http: Http
) -> None:
    assert 200 == http(f"{sandbox.base_url}/bot{quote(bot.token, safe='')}/GETME").status


def test_a_file_is_counted_and_gets_an_id(sandbox: SandboxClient, bot: NewBot, http: Http) -> None:
    url, kind = f"{sandbox.base_url}/bot{bot.token}/sendDocument", f"multipart/form-data; boundary={BOUNDARY}"
    first = http(url, multipart({"chat_id": "5"}, {"document": b"x" * 3_000_000}), kind).result["document"]
    second = http(url, multipart({"chat_id": "5", "document": "attach://f"}, {"f": b"abc"}), kind).result["document"]

    assert 3_000_000 == first["file_size"]
    assert 3 == second["file_size"]
    assert first["file_id"] != second["file_id"]


def test_a_body_larger_than_telegram_takes_is_refused(sandbox: SandboxClient, bot: NewBot, http: Http) -> None:
    answer = http(f"{sandbox.base_url}/bot{bot.token}/sendMessage", b"a" * 53 * 1024 * 1024)

    assert (413, "Request Entity Too Large") == (answer.status, answer.description)


def test_a_method_that_is_not_modelled_is_simply_done(ask: Ask) -> None:
    answer = ask("pinChatMessage", chat_id=5, message_id=1)

    assert (200, {"ok": True, "result": True}) == (answer.status, answer.body)


def test_a_method_that_telegram_has_not_is_not_found(ask: Ask) -> None:
    answer = ask("sendLove", chat_id=5)

    assert {"ok": False, "error_code": 404, "description": "Not Found: method not found"} == answer.body
    assert 404 == answer.status


@pytest.mark.parametrize("path", ["/", "/boat", "/bot", "/bot1:AA", "/file/bot1:AA/x"])
def test_a_path_outside_the_bot_api_is_not_found(sandbox: SandboxClient, http: Http, path: str) -> None:
    answer = http(sandbox.base_url + path)

    assert {"ok": False, "error_code": 404, "description": "Not Found"} == answer.body


@pytest.mark.parametrize("token", ["1:AAunknown", "nonsense"])
def test_a_token_of_nobody_is_unauthorized(ask: Ask, token: str) -> None:
    answer = ask("getMe", token=token)

    assert {"ok": False, "error_code": 401, "description": "Unauthorized"} == answer.body
    assert 401 == answer.status


@pytest.mark.parametrize(
    ("method", "params", "description"),
    [
        ("sendMessage", {"chat_id": 5, "text": " \n"}, "message text is empty"),
        ("sendMessage", {"chat_id": 5, "text": "x" * 4097}, "message is too long"),
        ("sendMessage", {"text": "x"}, "chat_id is empty"),
        ("sendMessage", {"chat_id": "nobody", "text": "x"}, "chat not found"),
        ("sendPhoto", {"chat_id": 5}, "there is no photo in the request"),
        ("sendPhoto", {"chat_id": 5, "photo": "id", "caption": "x" * 1025}, "message caption is too long"),
        ("editMessageText", {"chat_id": 5, "message_id": 99, "text": "x"}, "message to edit not found"),
        ("deleteMessage", {"chat_id": 5, "message_id": 99}, "message to delete not found"),
        ("copyMessage", {"chat_id": 5, "from_chat_id": 5, "message_id": 99}, "message to copy not found"),
        ("forwardMessage", {"chat_id": 5, "from_chat_id": 5, "message_id": 99}, "message to forward not found"),
        ("sendMessage", {"chat_id": 5, "text": "x", "reply_markup": "{"}, "can't parse reply markup JSON object"),
    ],
)
def test_what_is_wrong_is_refused_in_telegrams_words(ask: Ask, method: str, params: dict, description: str) -> None:
    answer = ask(method, **params)

    assert {"ok": False, "error_code": 400, "description": f"Bad Request: {description}"} == answer.body


@pytest.mark.parametrize(
    ("chat_id", "state", "code", "description"),
    [
        (50, "blocked", 403, "Forbidden: bot was blocked by the user"),
        (-51, "kicked", 403, "Forbidden: bot was kicked from the group chat"),
        (-1000000000051, "kicked", 403, "Forbidden: bot was kicked from the supergroup chat"),
        (52, "deactivated", 403, "Forbidden: user is deactivated"),
        (53, "missing", 400, "Bad Request: chat not found"),
    ],
)
def test_a_chat_that_takes_nothing_says_why(
    ask: Ask, sandbox: SandboxClient, bot: NewBot, chat_id: int, state: str, code: int, description: str
) -> None:
    sandbox.set_chat(chat_id, state, bot_id=bot.bot_id)
    answer = ask("sendMessage", chat_id=chat_id, text="x")

    assert {"ok": False, "error_code": code, "description": description} == answer.body
    assert [] == sandbox.messages(bot.bot_id, chat_id)
    sandbox.set_chat(chat_id, "ok", bot_id=bot.bot_id)
    assert 200 == ask("sendMessage", chat_id=chat_id, text="x").status


def test_a_group_that_moved_names_its_new_id(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    sandbox.set_chat(-60, {"migrated_to": -1000000000060}, bot_id=bot.bot_id)
    answer = ask("sendMessage", chat_id=-60, text="x")

    assert "Bad Request: group chat was upgraded to a supergroup chat" == answer.description
    assert {"migrate_to_chat_id": -1000000000060} == answer.body["parameters"]


def test_an_edit_that_changes_nothing_is_refused(ask: Ask) -> None:
    ask("sendMessage", chat_id=5, text="one")

    assert "two" == ask("editMessageText", chat_id=5, message_id=1, text="two").result["text"]
    assert ask("editMessageText", chat_id=5, message_id=1, text="two").description.startswith(
        "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"
    )


def test_what_users_wrote_can_be_copied_and_not_edited(ask: Ask, sandbox: SandboxClient, bot: NewBot) -> None:
    sandbox.say(bot.bot_id, 5, "from a user")

    assert (
        "Bad Request: message can't be edited" == ask("editMessageText", chat_id=5, message_id=1, text="x").description
    )
    assert {"message_id": 1} == ask("copyMessage", chat_id=6, from_chat_id=5, message_id=1).result
    assert ["from a user"] == sandbox.texts(bot.bot_id)


def test_a_setting_is_given_back_as_it_was_set(ask: Ask) -> None:
    commands = [{"command": "start", "description": "begin"}]
    ask("setMyCommands", commands=commands, language_code="de")
    ask("setMyName", name="Lofty")

    assert commands == ask("getMyCommands", language_code="de").result
    assert [] == ask("getMyCommands").result
    assert {"name": "Lofty"} == ask("getMyName").result
