"""A bot's token: what one looks like, and how it stays secret.

Telegram promises neither a length nor an alphabet, so only what its own server asks for is checked; `getMe` decides.
"""

from __future__ import annotations

import hashlib
import re
from typing import NoReturn

MAX_LENGTH = 80
MAX_BOT_ID = 2**54
SHAPE = re.compile(r"(?P<bot_id>[1-9][0-9]{0,17}):(?P<secret>[A-Za-z0-9_-]+)", re.ASCII)


class Token:
    """Never printed: `reveal()` is the one way to its text, for the call to Telegram and for the vault.

    No dataclass: msgspec, `asdict` and their like would spell one out. It cannot be pickled either.
    """

    __slots__ = ("_bot_id", "_text")

    def __init__(self, bot_id: int, text: str) -> None:
        self._bot_id = bot_id
        self._text = text

    def __repr__(self) -> str:
        return f"Token({self._bot_id}:<redacted>)"

    def __deepcopy__(self, memo: object) -> Token:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not written down")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    @property
    def bot_id(self) -> int:
        return self._bot_id

    def reveal(self) -> str:
        return self._text

    @property
    def fingerprint(self) -> str:
        """Tells two tokens apart without telling either: a prefix of the SHA-256 of 200 random bits or more."""
        return hashlib.sha256(self._text.encode()).hexdigest()[:16]


def parse(text: str) -> Token | None:
    """The token in this text, or None where Telegram's server would not take it for one."""
    stripped = text.strip()
    match = SHAPE.fullmatch(stripped)
    if match is None or len(stripped) > MAX_LENGTH or int(match["bot_id"]) >= MAX_BOT_ID:
        return None
    return Token(int(match["bot_id"]), stripped)


TOKEN_IN_TEXT = re.compile(r"[1-9][0-9]{4,17}(?::|%3[Aa])[A-Za-z0-9_-]{20,}", re.ASCII)


def without_tokens(text: str) -> str:
    """For text that comes from elsewhere and is passed on."""
    return TOKEN_IN_TEXT.sub("<token>", text)
