"""Where something is posted, and what signs it: sealed as one, since an address may hold a secret too."""

from __future__ import annotations

from typing import Any

import msgspec

from domain.signing import secret_of


class Address(msgspec.Struct, frozen=True):
    url: str
    secret: str

    def __repr__(self) -> str:
        return "Address(<redacted>)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # Else msgspec's own would show every field in a rich traceback.
        return []


def an_address(url: str, chance: bytes) -> Address:
    return Address(url, secret_of(chance))


def written(address: Address) -> bytes:
    """To be sealed."""
    return msgspec.json.encode(address)


def read(opened: bytes) -> Address:
    return msgspec.json.decode(opened, type=Address)
