"""The keys as the gateway needs them on every request, and when each was last used."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial

from actors.messages import KeyInfo
from actors.ports import Ports
from domain import streams
from domain.errors import StoreError
from domain.events import KeyUsed
from domain.keys import Key, NewKey, use_is_due, written_key
from domain.store.ledger import Ledger
from domain.tenant import Tenant

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
BEAT_S = 600.0
"""So soon a key's first use is on disk."""


class KeyRing:
    """The keys that open something now: written by the accounts actor, read by the gateway on every request."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}
        self._used: dict[str, datetime] = {}

    def find(self, key_id: str) -> Key | None:
        return self._keys.get(key_id)

    def was_used(self, key_id: str, now: datetime) -> None:
        """On the way of every request: no more than this."""
        self._used[key_id] = now

    def last_use(self, key_id: str) -> datetime | None:
        """Since the process started."""
        return self._used.get(key_id)

    def uses(self) -> Iterator[tuple[Key, datetime]]:
        for key_id, used in self._used.items():
            yield self._keys[key_id], used

    def became(self, before: Tenant, after: Tenant) -> None:
        for gone in before.keys.keys() - after.keys.keys():
            del self._keys[gone]
            self._used.pop(gone, None)
        self._keys.update(after.keys)


class KeyUses:
    """Writes down when keys were used: the first time soon, then once a day, and all of it in the end."""

    def __init__(self, ring: KeyRing, ports: Ports) -> None:
        self._ring = ring
        self._ports = ports
        self._recorded: dict[str, datetime] = {}
        self._again()

    def stop(self) -> None:
        self._timer.cancel()
        self._record([(key, used) for key, used in self._ring.uses() if used != self._recorded.get(key.key_id)])

    def _beat(self) -> None:
        self._recorded = {key_id: used for key_id, used in self._recorded.items() if self._ring.find(key_id)}
        self._record(
            [(key, used) for key, used in self._ring.uses() if use_is_due(self._recorded.get(key.key_id), used)]
        )
        self._again()

    def _record(self, uses: list[tuple[Key, datetime]]) -> None:
        now = self._ports.clock.utc()
        for key, used in uses:
            self._recorded[key.key_id] = used
            event = KeyUsed(occurred_at=now, tenant_id=key.tenant_id, key_id=key.key_id, last_used_at=used)
            self._ports.journal.note(event, partial(self._written, key.key_id), streams.key_uses_stream(key.tenant_id))

    def _written(self, key_id: str, result: int | StoreError) -> None:
        if isinstance(result, StoreError):
            self._recorded.pop(key_id, None)

    def _again(self) -> None:
        self._timer = self._ports.timers.at(self._ports.clock.steady() + BEAT_S, self._beat)


def used_before(ledger: Ledger, tenant_id: str) -> Mapping[str, datetime]:
    """As it was written down, by key id. Blocks; raises StoreError."""
    events = (recorded.event for recorded in ledger.stream(streams.key_uses_stream(tenant_id)))
    return {event.key_id: event.last_used_at for event in events if isinstance(event, KeyUsed)}


def listed_keys(tenant: Tenant, ring: KeyRing, before: Mapping[str, datetime]) -> list[KeyInfo]:
    return [
        KeyInfo(
            key.key_id,
            key.scopes,
            key.label,
            key.issued_at,
            key.expires_at,
            key.successor_id,
            ring.last_use(key.key_id) or before.get(key.key_id),
        )
        for key in tenant.keys.values()
    ]


def new_key() -> NewKey:
    key_id = "".join(secrets.choice(ALPHABET) for _ in range(12))
    return written_key(key_id, secrets.token_bytes(32))
