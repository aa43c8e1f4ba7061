"""One spelling for errors that mean the same: without what differs from one command to the next.

Quoted words may be the tenant's own text, and numbers are ids, offsets and seconds.
"""

from __future__ import annotations

import re
from functools import lru_cache

MAX_LENGTH = 120
REMEMBERED = 1024

_SPELLINGS = (
    # A description is cut at some length, so a quotation may end with it.
    (re.compile(r"\"[^\"]*(?:\"|$)|(?<!\w)'[^']*'(?!\w)|“[^”]*(?:”|$)"), "“…”"),
    (re.compile(r"https?://\S+"), "<url>"),
    (re.compile(r"@\w+"), "@…"),
    (re.compile(r"\d+"), "#"),
    (re.compile(r"\s+"), " "),
)


@lru_cache(REMEMBERED)
def normalised(description: str) -> str:
    for found, written in _SPELLINGS:
        description = found.sub(written, description)
    return description.strip()[:MAX_LENGTH]
