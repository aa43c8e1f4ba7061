"""API keys: `blk_<key id>_<secret>_<checksum>`, and what is kept of each.

The checksum tells a mistyped key from a wrong one without a look-up. Only the SHA-256 of the secret is kept: it is 256
random bits, which no dictionary holds, so a slow password hash would protect nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from datetime import datetime, timedelta
from typing import Any

import msgspec

SHAPE = re.compile(r"blk_(?P<id>[a-z0-9]{12})_(?P<secret>[0-9a-f]{64})_(?P<checksum>[0-9a-f]{8})", re.ASCII)
USE_GRAIN = timedelta(days=1)
"""A key's last use is written down once in so long; a crash forgets no more than that."""


class Key(msgspec.Struct, frozen=True):
    key_id: str
    tenant_id: str
    secret_hash: str
    scopes: tuple[str, ...]
    label: str
    issued_at: datetime
    expires_at: datetime | None = None
    """From then on it opens nothing; None: never."""
    lives: timedelta | None = None
    """As it was issued, whatever shortened it since; a successor gets the same."""
    successor_id: str | None = None
    sessions: int = 0
    """How often its sessions were ended. A session of an earlier number is over."""


class NewKey(msgspec.Struct, frozen=True):
    """A key at the only moment at which its text exists."""

    key_id: str
    text: str

    def __repr__(self) -> str:
        return f"NewKey({self.key_id}:<redacted>)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # Else msgspec's own would show every field in a rich traceback.
        return [("key_id", self.key_id)]


def written_key(key_id: str, secret: bytes) -> NewKey:
    body = f"blk_{key_id}_{secret.hex()}"
    return NewKey(key_id, f"{body}_{_checksum(body)}")


def key_id_of(text: str) -> str | None:
    """Which key this text claims to be, or None where it is mistyped or no key at all."""
    match = SHAPE.fullmatch(text)
    if match is None or _checksum(text[:-9]) != match["checksum"]:
        return None
    return match["id"]


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """In a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)


def opens(key: Key, text: str) -> bool:
    return same(key.secret_hash, hashed(text))


def is_over(key: Key, now: datetime) -> bool:
    return key.expires_at is not None and now >= key.expires_at


def use_is_due(recorded: datetime | None, used: datetime) -> bool:
    """Whether this use is to be written down. A clock that was set back must not silence a key."""
    return recorded is None or not timedelta(0) <= used - recorded < USE_GRAIN


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
