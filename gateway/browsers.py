"""Pages of other origins that call from a browser (CORS): those that the operator names, and by keys alone."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from gateway.answers import COMMAND_ID, POSITION

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ASKED_WITH = ("Authorization", "Idempotency-Key", "Last-Event-ID", "Prefer", "X-Deadline-S", "X-On-Uncertain")
TOLD = (
    COMMAND_ID, POSITION, "Idempotent-Replayed", "Location", "Preference-Applied", "Retry-After", "RateLimit-Policy",
    "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-RateLimit-Limit", "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
)  # fmt: skip


def cross_origin(origins: Sequence[str]) -> list[Middleware]:
    """The outermost layer: a preflight has no key, and a page must be able to read problems too.

    Credentials are not allowed: a session's cookie is for our own pages.
    """
    if not origins:
        return []
    layer = Middleware(
        CORSMiddleware, allow_origins=origins, allow_methods=METHODS, allow_headers=ASKED_WITH, expose_headers=TOLD
    )
    return [layer]
