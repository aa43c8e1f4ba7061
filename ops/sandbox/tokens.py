"""Bot tokens: what a well-formed one looks like, and made-up ones."""

from __future__ import annotations

import re
import secrets

WELL_FORMED = re.compile(r"([1-9][0-9]{0,16}):[A-Za-z0-9_-]{1,63}")


def bot_id_in(token: str) -> int | None:
    """The bot that a token names, or None when it is no token at all."""
    found = WELL_FORMED.fullmatch(token)
    return int(found[1]) if found else None


def made_up(bot_id: int) -> str:
    return f"{bot_id}:AA{secrets.token_urlsafe(25)[:33]}"
