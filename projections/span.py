"""A stretch of time that a question is about, and how finely it is told."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Span(NamedTuple):
    """From `start` up to, but not including, `end`; both UTC."""

    start: datetime
    end: datetime
    bucket_s: int
