"""What can go wrong with an attempt, and what each kind means: one table.

`certain` says that nothing was executed. Whatever decides on a failure (retry, breaker, health, the final outcome)
reads this table; nobody else looks at a status code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

import msgspec

from domain.rules.tokens import without_tokens

MAX_DESCRIPTION = 300
MAX_RETRY_AFTER_S = 86_400.0
AMBIGUOUS_STATUS = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)
"""A proxy's word: it gave the request on and got nothing back."""


class Category(StrEnum):
    RATE_LIMIT = "rate_limit"
    UNREACHABLE = "unreachable"
    AMBIGUOUS = "ambiguous"
    SERVER_ERROR = "server_error"
    PERMANENT = "permanent"
    UNAUTHORIZED = "unauthorized"
    MIGRATED = "migrated"
    UNKNOWN = "unknown"


class Strategy(StrEnum):
    EXPONENTIAL = "exponential"
    LINEAR = "linear"
    FIXED = "fixed"
    FIBONACCI = "fibonacci"
    AT_ONCE = "at_once"


class Final(StrEnum):
    """How a command can end."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    UNCERTAIN = "uncertain"


class OnBreaker(StrEnum):
    NOTHING = "nothing"
    COUNTS = "counts"
    OPENS = "opens at once"


@dataclass(frozen=True, slots=True)
class Treatment:
    retries: int
    strategy: Strategy
    on_breaker: OnBreaker
    is_failure: bool
    """Of the bot, as its health counts them; a tenant's mistake is not one."""
    final: Final


TREATMENT: dict[Category, Treatment] = {
    Category.RATE_LIMIT: Treatment(3, Strategy.AT_ONCE, OnBreaker.NOTHING, False, Final.NOT_SENT),
    Category.UNREACHABLE: Treatment(2, Strategy.EXPONENTIAL, OnBreaker.COUNTS, True, Final.NOT_SENT),
    Category.AMBIGUOUS: Treatment(2, Strategy.EXPONENTIAL, OnBreaker.COUNTS, True, Final.UNCERTAIN),
    Category.SERVER_ERROR: Treatment(2, Strategy.EXPONENTIAL, OnBreaker.COUNTS, True, Final.UNCERTAIN),
    Category.PERMANENT: Treatment(0, Strategy.AT_ONCE, OnBreaker.NOTHING, False, Final.REJECTED),
    Category.UNAUTHORIZED: Treatment(0, Strategy.AT_ONCE, OnBreaker.OPENS, True, Final.REJECTED),
    Category.MIGRATED: Treatment(1, Strategy.AT_ONCE, OnBreaker.NOTHING, False, Final.REJECTED),
    Category.UNKNOWN: Treatment(2, Strategy.LINEAR, OnBreaker.COUNTS, True, Final.UNCERTAIN),
}


CODES: dict[Final, dict[Category | None, str]] = {
    Final.DELIVERED: {None: ""},
    Final.REJECTED: {None: "telegram_rejected", Category.UNAUTHORIZED: "token_unauthorized"},
    Final.NOT_SENT: {None: "telegram_unreachable", Category.RATE_LIMIT: "telegram_hold"},
    Final.UNCERTAIN: {None: "delivery_uncertain"},
}
"""The problem code of a command that ended by a failure; None stands for every other category."""


@dataclass(frozen=True, slots=True)
class Failure:
    category: Category
    description: str
    code: int | None = None
    """Telegram's error code; None where Telegram gave no answer that can be read."""
    retry_after_s: float = 0.0
    migrate_to: int | None = None
    certain: bool = False
    timed_out: bool = False

    @property
    def final(self) -> Final:
        """The outcome of a command that ends with this failure."""
        final = TREATMENT[self.category].final
        return Final.NOT_SENT if final is Final.UNCERTAIN and self.certain else final


def code_of(final: Final, category: Category | None) -> str:
    codes = CODES[final]
    return codes.get(category, codes[None])


@dataclass(frozen=True, slots=True)
class Delivered:
    """Telegram's result, as the JSON it came in."""

    result: bytes


Answer = Delivered | Failure


class _Parameters(msgspec.Struct):
    retry_after: float | None = None
    migrate_to_chat_id: int | None = None


class _Body(msgspec.Struct):
    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"true")
    error_code: int | None = None
    description: str = ""
    parameters: _Parameters | None = None


_decode = msgspec.json.Decoder(_Body).decode
_NO_PARAMETERS = _Parameters()


def read_answer(status: int, body: bytes, retry_after_header: str | None = None) -> Answer:
    """What Telegram's HTTP answer means. `body` is whole; a cut one is for `lost_answer`."""
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        answer = None
    if answer is None or (answer.ok and status != HTTPStatus.OK):
        return _unreadable(status, retry_after_header)
    if answer.ok:
        return Delivered(bytes(answer.result))
    parameters = answer.parameters or _NO_PARAMETERS
    code = answer.error_code if answer.error_code is not None else status
    return _refused(code, answer.description, parameters, retry_after_header)


def never_left(description: str, *, timed_out: bool = False) -> Failure:
    """No byte of the request was sent."""
    return Failure(Category.UNREACHABLE, _fit(description), certain=True, timed_out=timed_out)


def lost_answer(description: str, *, timed_out: bool = False) -> Failure:
    """Bytes were sent and no whole answer came back."""
    return Failure(Category.AMBIGUOUS, _fit(description), timed_out=timed_out)


def _unreadable(status: int, retry_after_header: str | None) -> Failure:
    description = f"HTTP {status} without a readable Bot API answer"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Failure(Category.RATE_LIMIT, description, status, _seconds(None, retry_after_header), certain=True)
    if status in (HTTPStatus.OK, *AMBIGUOUS_STATUS):
        return Failure(Category.AMBIGUOUS, description, None if status == HTTPStatus.OK else status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failure(Category.SERVER_ERROR, description, status)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Failure(Category.PERMANENT, description, status, certain=True)
    return Failure(Category.UNKNOWN, description, status)


def _refused(code: int, said: str, parameters: _Parameters, retry_after_header: str | None) -> Failure:
    description = _fit(said)
    match code:
        case 429:
            wait_s = _seconds(parameters.retry_after, retry_after_header)
            return Failure(Category.RATE_LIMIT, description, code, wait_s, certain=True)
        case 400 if parameters.migrate_to_chat_id is not None:
            return Failure(Category.MIGRATED, description, code, migrate_to=parameters.migrate_to_chat_id, certain=True)
        case 401:
            return Failure(Category.UNAUTHORIZED, description, code, certain=True)
        case 400 | 403 | 404 | 413:
            return Failure(Category.PERMANENT, description, code, certain=True)
        case 502 | 504:
            return Failure(Category.AMBIGUOUS, description, code)
        case _ if code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            # Telegram's server says "restart" before it has looked at the request.
            return Failure(Category.SERVER_ERROR, description, code, certain=_is_restart(said))
        case _:
            return Failure(Category.UNKNOWN, description, code)


def _is_restart(said: str) -> bool:
    return "restart" in said.lower()


def _seconds(parameter: float | None, header: str | None) -> float:
    """Where neither names a time, one second: asking again at once makes a flood worse."""
    if parameter is None and header is not None and header.strip().isdecimal():
        parameter = float(header)
    return min(max(parameter if parameter is not None else 1.0, 0.0), MAX_RETRY_AFTER_S)


def _fit(said: str) -> str:
    """Short, and without the token that a URL in it may hold."""
    return without_tokens(said)[:MAX_DESCRIPTION]


CERTAIN = (Category.RATE_LIMIT, Category.UNREACHABLE, Category.PERMANENT, Category.UNAUTHORIZED, Category.MIGRATED)
"""In these nothing was executed, whatever was said."""


def recalled(category: Category, said: str, code: int | None, retry_after_s: float, moved_to: int | None) -> Failure:
    """A failure as it was, from what the log has of it."""
    certain = category in CERTAIN or (category is Category.SERVER_ERROR and _is_restart(said))
    return Failure(category, said, code, retry_after_s, moved_to, certain)
