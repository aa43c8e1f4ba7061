"""How a command's outcome reads to its caller: the cause in words, then what can be done."""

from __future__ import annotations

import msgspec

from actors.messages import Accepted
from domain.command import Outcome
from domain.failure import Category, Final
from gateway.answers import COMMAND_ID, POSITION, encode
from gateway.codes import PROBLEMS
from gateway.problems import Problem

CAUSES: dict[Category, str] = {
    Category.RATE_LIMIT: "Telegram asked to slow down",
    Category.UNREACHABLE: "No connection to Telegram came about",
    Category.AMBIGUOUS: "The request was sent and its answer was lost",
    Category.SERVER_ERROR: "Telegram reported a fault of its own",
    Category.PERMANENT: "Telegram refused the request",
    Category.UNAUTHORIZED: "Telegram refused the bot's token",
    Category.MIGRATED: "The group has become a supergroup with another id",
    Category.UNKNOWN: "Telegram's answer was not understood",
}

UNRECORDED: dict[Final, str] = {
    Final.DELIVERED: "Telegram executed the command, which could not be recorded in time. Do not send it again.",
    Final.REJECTED: "Telegram refused the command, which could not be recorded in time. Correct it and send it again.",
    Final.NOT_SENT: "Nothing was executed, which could not be recorded in time. Send it again.",
    Final.UNCERTAIN: "It may or may not have gone out, and nothing could be recorded. It was not sent again: "
    "look into the chat, or repeat it deliberately.",
}


class Done(msgspec.Struct):
    command_id: str
    outcome: Final | None
    result: msgspec.Raw
    attempts: int
    queue_ms: float
    telegram_ms: float
    position: int | None


class InTime(msgspec.Struct):
    """Accepted, and still open: what a 202 says."""

    command_id: str
    position: int
    outcome: Final | None = None


def done(outcome: Outcome) -> bytes:
    """The body of a recorded delivery."""
    result = msgspec.Raw(outcome.result or b"null")
    return encode(
        Done(
            outcome.command_id,
            outcome.final,
            result,
            outcome.attempts,
            outcome.queue_ms,
            outcome.telegram_ms,
            outcome.position,
        )
    )


def accepted(reply: Accepted) -> bytes:
    return encode(InTime(reply.command_id, reply.position))


def problem_of(outcome: Outcome, *, is_replayed: bool = False) -> Problem:
    """For every outcome but a recorded delivery."""
    headers = {COMMAND_ID: outcome.command_id}
    if is_replayed:
        headers["Idempotent-Replayed"] = "true"
    if outcome.position is not None:
        headers[POSITION] = str(outcome.position)
    return Problem(
        outcome.code,
        _detail(outcome),
        retry_after_s=outcome.retry_after_s,
        headers=headers,
        members={
            "command_id": outcome.command_id,
            "outcome": outcome.final,
            "category": outcome.category,
            "telegram_code": outcome.telegram_code,
            "telegram_description": outcome.telegram_description,
            "result": msgspec.Raw(outcome.result) if outcome.result is not None else None,
            "attempts": outcome.attempts,
            "position": outcome.position,
        },
    )


def unanswered(command_id: str) -> Problem:
    """The deadline is long over and nothing came: a fault of ours, and no word on what Telegram did."""
    return Problem(
        "delivery_unrecorded",
        "No outcome came by the deadline; the command may or may not have gone out. "
        f"GET /api/commands/{command_id} tells what became of it, as soon as it is known.",
        headers={COMMAND_ID: command_id},
        members={"command_id": command_id},
    )


def _detail(outcome: Outcome) -> str:
    advice = UNRECORDED[outcome.final] if outcome.code == "delivery_unrecorded" else PROBLEMS[outcome.code].advice
    if outcome.category is None:
        return advice
    cause, said = CAUSES[outcome.category], (outcome.telegram_description or "").rstrip(".")
    return f"{cause}: {said}. {advice}" if said else f"{cause}. {advice}"
