"""Where webhooks end: which path and secret belong to which bot, and updates on their way into the log.

A path is as secret as the secret. Both are kept as hashes and compared in constant time, and an unknown path is
compared like a known one, so that neither the answer nor its time tells one from the other.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import NamedTuple

from actors.codes import OpenCodes, Proof
from actors.ports import Arrived, Ports, Then
from domain import updates
from domain.bot import Bot
from domain.errors import StoreError, StoreUnavailable
from domain.events import UpdateReceived
from domain.hearing import Door, Whose
from domain.store.inbox import InboxRow

ADDRESS_BYTES = 32


class Address:
    """Where Telegram brings a bot's updates. Never printed."""

    __slots__ = ("path", "secret")

    def __init__(self, path: str, secret: str) -> None:
        self.path, self.secret = path, secret

    def __repr__(self) -> str:
        return "Address(<redacted>)"


def new_address() -> Address:
    return Address(secrets.token_urlsafe(ADDRESS_BYTES), secrets.token_urlsafe(ADDRESS_BYTES))


Proven = Callable[[Proof, Callable[[bool], None]], None]
"""Told of a proof that is on disk. What it is given is told, always, whether the proof need not come again."""


class Count(NamedTuple):
    """Of a bot's updates, since the process started."""

    came: int = 0
    last_at: float | None = None
    """Unix seconds."""


class Doorstep:
    """For the loop's thread."""

    def __init__(
        self,
        ports: Ports,
        arrived: Arrived = lambda *_: None,
        codes: OpenCodes | None = None,
        proven: Proven = lambda _, then: then(True),
    ) -> None:
        self._ports = ports
        self._arrived = arrived
        self._codes = codes or OpenCodes(ports.clock)
        self._proven = proven
        self._doors: dict[bytes, Door] = {}
        self._nobodys = Door(Whose(0, ""), _hash(secrets.token_urlsafe()))
        self._nobodys.stands = False
        self._names: dict[int, str] = {}
        """Of the bots that hear, in lower case."""
        self._counts: dict[tuple[int, str], Count] = {}
        self._mismatched: dict[int, int] = {}
        self.unknown_paths = self.wrong_secrets = self.not_updates = self.turned_away = 0

    def meet(self, bot: Bot) -> None:
        """One that hears: what it is called now."""
        self._names[bot.bot_id] = bot.owner.username.lower() if bot.owner is not None else ""

    def put_up(self, whose: Whose, address: Address) -> None:
        self.take_down(address)
        self._doors[_hash(address.path)] = Door(whose, _hash(address.secret))

    def take_down(self, address: Address) -> None:
        door = self._doors.pop(_hash(address.path), None)
        if door is not None:
            door.stands = False

    def door(self, path: str, secret: str) -> Door:
        """One that does not stand for an unknown path and for a wrong secret alike."""
        door = self._doors.get(_hash(path), self._nobodys)
        return door if hmac.compare_digest(_hash(secret), door.secret_hash) else self._nobodys

    def whose(self, path: str, secret: str) -> Whose | None:
        """None for an unknown path and for a wrong secret alike; counted."""
        door = self._doors.get(_hash(path), self._nobodys)
        fits = hmac.compare_digest(_hash(secret), door.secret_hash)
        if door is self._nobodys:
            self.unknown_paths += 1
            return None
        if not fits:
            self.wrong_secrets += 1
            self._mismatched[door.whose.bot_id] = self._mismatched.get(door.whose.bot_id, 0) + 1
            return None
        return door.whose

    def bring(self, whose: Whose, body: bytes, then: Then) -> bool:
        """By webhook: False when the journal takes no more now. Raises NoUpdate and StoreError."""
        try:
            return self.take(whose, body, "webhook", then)
        except updates.NoUpdate:
            self.not_updates += 1
            raise

    def take(self, whose: Whose, body: bytes, via: str, then: Then) -> bool:
        """`then` is told its position when it is on disk, or 0 where it was before.

        What proves an owner is told of first. Until that is recorded Telegram brings it again, after a crash too.
        """
        update = updates.read(body)
        ports = self._ports
        if not ports.journal.reserve():
            self.turned_away += 1
            return False
        ports.journal.release()  # the journal takes the place itself, now
        bot_id, tenant_id = whose
        sealed = ports.seal(tenant_id, f"update/{bot_id}", body)
        now = ports.clock.utc()
        received = UpdateReceived(
            occurred_at=now,
            bot_id=bot_id,
            tenant_id=tenant_id,
            update_id=update.update_id,
            kind=update.kind,
            via=via,
            chat=update.chat,
            chat_type=update.chat_type,
            command=update.command if self._is_to(bot_id, update.to) else None,
        )
        row = InboxRow(bot_id, update.update_id, now.timestamp(), update.lane, sealed)
        proof = self._codes.heard(bot_id, update, body)

        def written(result: int | StoreError) -> None:
            if not isinstance(result, StoreError):
                self._counts[bot_id, via] = Count(self._counts.get((bot_id, via), Count()).came + 1, row.received_at)
                if result:
                    self._arrived(bot_id)
            if proof is None or isinstance(result, StoreError):
                then(result)
            else:
                self._proven(proof, lambda is_kept: then(result if is_kept else StoreUnavailable()))

        ports.journal.receive(received, row, written)
        return True

    def _is_to(self, bot_id: int, name: str | None) -> bool:
        """A bot that reads all of a group hears what is said to its neighbours too."""
        return name is None or self._names.get(bot_id, "") in ("", name)

    def came(self, bot_id: int, via: str) -> int:
        return self._counts.get((bot_id, via), Count()).came

    def last_at(self, bot_id: int) -> float | None:
        """By whichever way, since the process started."""
        times = [one.last_at for via in ("webhook", "polling") if (one := self._counts.get((bot_id, via))) is not None]
        return max((at for at in times if at is not None), default=None)

    def mismatched(self, bot_id: int) -> int:
        """Calls of its path with another secret."""
        return self._mismatched.get(bot_id, 0)

    def forget(self, bot_id: int) -> None:
        for via in ("webhook", "polling"):
            self._counts.pop((bot_id, via), None)
        self._names.pop(bot_id, None)
        self._mismatched.pop(bot_id, None)

    def counted(self) -> dict[str, int]:
        """For the operator, since the process started."""
        return {
            "unknown_paths": self.unknown_paths,
            "wrong_secrets": self.wrong_secrets,
            "not_updates": self.not_updates,
            "turned_away": self.turned_away,
        }


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
