"""Why somebody does what they do: one line, for the record."""

from __future__ import annotations

from starlette.requests import Request

from gateway import bodies
from gateway.problems import Problem
from gateway.queries import TEXT, Parameter

MAX_REASON = 200
NONE_GIVEN = "none given"
IN_QUERY = Parameter("reason", "The reason, where the body does not say it.", TEXT)


class Why(bodies.Body, frozen=True):
    reason: str


class Perhaps(Why, frozen=True):
    reason: str = NONE_GIVEN


class Removal(Why, frozen=True):
    reason: str = ""


def line(reason: str, default: str = "") -> str:
    return bodies.line_of("reason", reason, MAX_REASON, default)


async def reason_of(request: Request, most_bytes: int) -> str:
    """Of a body that says nothing else."""
    return line((await bodies.of_request(request, Why, most_bytes)).reason)


async def reason_if_any(request: Request, most_bytes: int) -> str:
    return line((await bodies.of_request(request, Perhaps, most_bytes)).reason)


async def reason_for_removal(request: Request, most_bytes: int) -> str:
    """`?reason=`, or the body's: that of a DELETE does not get through every proxy."""
    reason = request.query_params.get("reason")
    if reason is None:
        reason = (await bodies.of_request(request, Removal, most_bytes)).reason
    if not reason:
        raise Problem("invalid_request", 'Say why: "?reason=…" in the address, or {"reason": "…"} in the body.')
    return line(reason)
