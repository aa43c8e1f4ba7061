"""The sealed data keys of tenants, as the vault asks for them, whatever database they are in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class SealedKey(NamedTuple):
    tenant_id: str
    sealed: bytes


class Reseal(NamedTuple):
    tenant_id: str
    before: bytes
    after: bytes


class DataKeys(Protocol):
    """All of it may raise StoreUnavailable."""

    def of(self, tenant_id: str) -> bytes | None: ...

    def all(self) -> list[SealedKey]: ...

    def keep(self, tenant_id: str, sealed: bytes) -> None:
        """The first that is kept stays."""

    def change(self, reseals: Sequence[Reseal]) -> None:
        """In one transaction; one that is not as `before` any more stays as it is."""

    def forget(self, *tenant_ids: str) -> None:
        """For good, as far as a database can; also those that are forgotten already."""

    def overwrite_old(self) -> None:
        """What was changed or forgotten, as far as a database can."""
