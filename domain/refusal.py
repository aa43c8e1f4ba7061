"""A domain refusal: a designed answer, not an exception."""

from __future__ import annotations

import msgspec


class Refused(msgspec.Struct, frozen=True):
    """`code` is a problem code; `detail` a sentence that a person can act on, or "" for the code's own."""

    code: str
    detail: str
    retry_after_s: float | None = None
