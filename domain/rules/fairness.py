"""Who goes next when there is less than everybody wants: tenants in weighted rounds.

A tenant gets at most its weight in each round, so another's command waits one round at most, however much is queued.
Within a tenant its bots take turns. No clock and no chance: the order follows from the calls alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

Member = TypeVar("Member", bound=Hashable)


class Rounds(Generic[Member]):
    def __init__(self) -> None:
        self._ahead: dict[Member, None] = {}
        self._went_ahead = False
        self._ring: deque[str] = deque()
        self._waiting: dict[str, dict[Member, None]] = {}
        self._credit: dict[str, int] = {}
        self._weight: dict[str, int] = {}
        self._went_last: tuple[str, int] = ("", 0)

    def __bool__(self) -> bool:
        return bool(self._ring or self._ahead)

    def __len__(self) -> int:
        return len(self._ahead) + sum(map(len, self._waiting.values()))

    def waiting(self, tenant_id: str) -> int:
        return len(self._waiting.get(tenant_id, ()))

    def join(self, tenant_id: str, member: Member, weight: int = 1) -> None:
        """Waits for one turn; joining twice is waiting once."""
        if tenant_id not in self._waiting:
            self._waiting[tenant_id] = {}
            last, credit = self._went_last
            if tenant_id == last and credit > 0:
                # It went a moment ago and has turns left in this round.
                self._ring.appendleft(tenant_id)
                self._credit[tenant_id] = credit
            else:
                self._ring.append(tenant_id)
                self._credit[tenant_id] = max(1, weight)
        # Another weight than before counts from its next round on.
        self._weight[tenant_id] = max(1, weight)
        self._waiting[tenant_id].setdefault(member)

    def join_ahead(self, member: Member) -> None:
        """Goes before the rounds, but never twice in a row past those who wait in them: they get half at least."""
        self._ahead.setdefault(member)

    def is_ahead(self, member: Member) -> bool:
        return member in self._ahead

    def leave(self, tenant_id: str, member: Member) -> None:
        """It does not wait any more."""
        members = self._waiting.get(tenant_id, {})
        if member in members:
            del members[member]
            if not members:
                self._forget(tenant_id)

    def next(self) -> Member:
        """Whose turn it is; it joins again for another. IndexError: nobody waits."""
        if self._ahead and not (self._went_ahead and self._ring):
            self._went_ahead = True
            member = next(iter(self._ahead))
            del self._ahead[member]
            return member
        self._went_ahead = False
        tenant_id = self._ring[0]
        members = self._waiting[tenant_id]
        member = next(iter(members))
        del members[member]
        credit = self._credit[tenant_id] - 1
        self._went_last = (tenant_id, credit)
        if not members:
            self._forget(tenant_id)
        elif credit > 0:
            self._credit[tenant_id] = credit
        else:
            self._ring.rotate(-1)
            self._credit[tenant_id] = self._weight[tenant_id]
        return member

    def _forget(self, tenant_id: str) -> None:
        self._ring.remove(tenant_id)
        del self._waiting[tenant_id], self._credit[tenant_id], self._weight[tenant_id]
