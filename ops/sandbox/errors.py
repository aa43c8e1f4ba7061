"""What Telegram says when it refuses: each sentence word for word, in one place."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

CHAT_NOT_FOUND = "Bad Request: chat not found"
CHAT_ID_EMPTY = "Bad Request: chat_id is empty"
TEXT_EMPTY = "Bad Request: message text is empty"
TEXT_TOO_LONG = "Bad Request: message is too long"
CAPTION_TOO_LONG = "Bad Request: message caption is too long"
TO_EDIT_NOT_FOUND = "Bad Request: message to edit not found"
TO_DELETE_NOT_FOUND = "Bad Request: message to delete not found"
TO_COPY_NOT_FOUND = "Bad Request: message to copy not found"
TO_FORWARD_NOT_FOUND = "Bad Request: message to forward not found"
CANNOT_BE_EDITED = "Bad Request: message can't be edited"
NO_TEXT_TO_EDIT = "Bad Request: there is no text in the message to edit"
NO_CAPTION_TO_EDIT = "Bad Request: there is no caption in the message to edit"
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"
    " as a current content and reply markup of the message"
)
OTHER_POLL = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
POLL_ENDED_BY_WEBHOOK = "Conflict: terminated by setWebhook request"
WEBHOOK_IS_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
UPGRADED = "Bad Request: group chat was upgraded to a supergroup chat"

USUAL = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: OTHER_POLL,
    413: "Request Entity Too Large",
    500: "Internal Server Error: restart",
}
"""What stands in the body of each status when nothing more is known."""

HTML_STATUSES = {502, 503, 504}
"""Answered by the server in front of Telegram, which speaks HTML."""


class Refusal(Exception):
    """Telegram's answer to a call that it did not execute."""

    def __init__(self, code: int, description: str, parameters: dict[str, int] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def body(self) -> bytes:
        content: dict[str, object] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            content["parameters"] = self.parameters
        return msgspec.json.encode(content)


def bad_request(description: str) -> Refusal:
    return Refusal(400, description)


def unauthorized() -> Refusal:
    return Refusal(401, "Unauthorized")


def not_found() -> Refusal:
    return Refusal(404, "Not Found")


def method_not_found() -> Refusal:
    return Refusal(404, "Not Found: method not found")


def too_many_requests(retry_after: int) -> Refusal:
    return Refusal(429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after})


def usual(status: int) -> Refusal:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown Error"
    return Refusal(status, USUAL.get(status, phrase))


def html_page(status: int) -> bytes:
    title = f"{status} {HTTPStatus(status).phrase}"
    lines = (
        "<html>",
        f"<head><title>{title}</title></head>",
        "<body>",
        f"<center><h1>{title}</h1></center>",
        "<hr><center>nginx/1.18.0</center>",
        "</body>",
        "</html>",
        "",
    )
    return "\r\n".join(lines).encode()
