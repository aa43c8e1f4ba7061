"""The inbox as the loop sees it: looked into beside the loop, and settled in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

import structlog

from domain import callback
from domain.callback import Address
from domain.errors import Shredded, StoreError
from domain.store.inbox import Inbox, InboxRow

AGAIN_S = 1.0

T = TypeVar("T")

log = structlog.get_logger()


class Letter(NamedTuple):
    """One update, opened. `body` None: nobody can read it any more."""

    row: InboxRow
    body: bytes | None


def update_purpose(bot_id: int) -> str:
    """Of an update in the vault."""
    return f"update/{bot_id}"


class Desk:
    """What it returns in place of raising is a StoreError. Made on its loop; whoever makes it closes it."""

    def __init__(self, inbox: Inbox, opened: Callable[[str, str, bytes], bytes]) -> None:
        """`opened` is the vault's."""
        self._inbox = inbox
        self._opened = opened
        self._works: set[asyncio.Future[object]] = set()
        self._to_settle: dict[int, dict[int, Callable[[], None]]] = {}
        self._settling: asyncio.Task[None] | None = None
        self._is_closing = False

    async def rows(self, bot_id: int, after: int, limit: int) -> list[InboxRow] | StoreError:
        return await self._beside(lambda: self._inbox.waiting(bot_id, after, limit))

    async def letters(self, tenant_id: str, bot_id: int, after: int, limit: int) -> list[Letter] | StoreError:
        return await self._beside(
            lambda: [self._letter(tenant_id, row) for row in self._inbox.waiting(bot_id, after, limit)]
        )

    async def bots(self) -> list[int] | StoreError:
        return await self._beside(self._inbox.bots)

    async def address(self, tenant_id: str, purpose: str, sealed: bytes) -> Address | StoreError:
        return await self._beside(lambda: callback.read(self._opened(tenant_id, purpose, sealed)))

    async def forget(self, bot_id: int, until: datetime) -> None:
        """What it received for a tenant that it has left; asked again for as long as the store is away."""
        while not self._is_closing:
            more = await self._beside(lambda: self._inbox.forget(bot_id, until.timestamp()))
            if more is False:
                return
            if isinstance(more, StoreError):
                log.warning("inbox_not_emptied", reason=str(more))
                await asyncio.sleep(AGAIN_S)

    async def settled(self, bot_id: int, update_ids: Sequence[int]) -> StoreError | None:
        """Now."""
        return await self._beside(lambda: self._inbox.settle(bot_id, update_ids))

    async def drop(self, waiting_before: float, known_before: float) -> dict[int, int] | StoreError:
        """How many updates of which bot have waited for too long. Those are settled, and older ones forgotten."""
        return await self._beside(lambda: self._dropped(waiting_before, known_before))

    def settle(self, bot_id: int, update_id: int, then: Callable[[], None]) -> None:
        """Sooner or later, with others."""
        self._to_settle.setdefault(bot_id, {})[update_id] = then
        if self._settling is None:
            self._settling = asyncio.get_running_loop().create_task(self._settle_all())

    async def close(self) -> None:
        """Waits for what is under way."""
        self._is_closing = True
        if self._settling is not None:
            await self._settling
        if self._works:
            await asyncio.wait(self._works)

    async def _settle_all(self) -> None:
        while self._to_settle:
            batch, self._to_settle = self._to_settle, {}
            failed = await self._beside(lambda batch=batch: self._settle_batch(batch))  # type: ignore[misc]
            if isinstance(failed, StoreError):
                log.warning("updates_not_settled", reason=str(failed))
                for bot_id, of_bot in batch.items():
                    self._to_settle[bot_id] = {**of_bot, **self._to_settle.get(bot_id, {})}
                if self._is_closing:
                    break
                await asyncio.sleep(AGAIN_S)
                continue
            for of_bot in batch.values():
                for then in of_bot.values():
                    then()
        self._settling = None

    def _settle_batch(self, batch: dict[int, dict[int, Callable[[], None]]]) -> None:
        for bot_id, of_bot in batch.items():
            self._inbox.settle(bot_id, list(of_bot))

    def _letter(self, tenant_id: str, row: InboxRow) -> Letter:
        try:
            return Letter(row, self._opened(tenant_id, update_purpose(row.bot_id), row.sealed))
        except Shredded:
            return Letter(row, None)

    def _dropped(self, waiting_before: float, known_before: float) -> dict[int, int]:
        dropped: dict[int, int] = {}
        for bot_id in self._inbox.bots():
            after = -1
            while page := self._inbox.waiting(bot_id, after, 500):
                after = page[-1].update_id
                late = [row.update_id for row in page if row.received_at < waiting_before]
                if late:
                    self._inbox.settle(bot_id, late)
                    dropped[bot_id] = dropped.get(bot_id, 0) + len(late)
        while self._inbox.drop_before(known_before):
            pass
        return dropped

    async def _beside(self, work: Callable[[], T]) -> T | StoreError:
        def done() -> T | StoreError:
            try:
                return work()
            except StoreError as error:
                return error

        working = asyncio.ensure_future(asyncio.to_thread(done))
        self._works.add(working)  # type: ignore[arg-type]  # whatever it brings
        working.add_done_callback(self._works.discard)
        return await working
