"""The supervisor's part in durable commands: the acceptance on disk first, then they go their way like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from actors import acceptance
from actors.acceptance import Archive
from actors.messages import Accepted, Durability, ReadResult, Replayed, ResultShredded
from actors.ports import Ports
from actors.slot import Slot, Stage, Ticket
from domain.command import Command
from domain.errors import StaleStream, StoreError, StoreUnusable
from domain.refusal import Refused
from domain.store import mapper

NOT_ACCEPTED = Refused("store_unavailable", "The command could not be accepted and was not sent. Try again.", 2.0)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Told to the supervisor: the acceptance is on disk, or why it is not."""

    slot: Slot
    ticket: Ticket
    durability: Durability
    result: int | StoreError


Found = Sequence[mapper.Recorded] | StoreError


class Durable:
    def __init__(
        self,
        ports: Ports,
        archive: Archive,
        tell: Callable[[object], None],
        hand_over: Callable[[Slot, Ticket], None],
    ) -> None:
        """`tell` reaches the supervisor, `hand_over` gives an accepted command to its bot."""
        self._ports = ports
        self._archive = archive
        self._tell = tell
        self._hand_over = hand_over
        self._in_hand: set[tuple[str, str]] = set()

    def claim(self, command: Command, key: str) -> bool:
        """False: the same key is in hand already. What is not on disk yet no look-up finds."""
        claimed = (command.tenant_id, key)
        if claimed in self._in_hand:
            return False
        self._in_hand.add(claimed)
        return True

    def _let_go(self, ticket: Ticket, durability: Durability) -> None:
        if durability.key is not None:
            self._in_hand.discard((ticket.command.tenant_id, durability.key))

    async def earlier(self, command: Command, key: str) -> Found:
        try:
            return await asyncio.to_thread(acceptance.earlier, command, key, self._archive)
        except StoreError as error:
            return error
        except Exception as error:  # noqa: BLE001  one key that cannot be read is no reason to stop the fleet
            return StoreUnusable(type(error).__name__)

    async def read_result(self, message: ReadResult) -> bytes | ResultShredded | Refused | None:
        try:
            return await asyncio.to_thread(acceptance.read_result, message, self._archive)
        except StoreError:
            return Refused("store_unavailable", "The result could not be read. Try again.", 2.0)

    def looked_up(self, slot: Slot, ticket: Ticket, durability: Durability, found: Found) -> None:
        slot.accepting -= 1
        if isinstance(found, StoreError):
            self._let_go(ticket, durability)
            ticket.answered(NOT_ACCEPTED)
        elif found and not acceptance.may_go_again(found, durability.body_hash):
            self._let_go(ticket, durability)
            ticket.answered(self._replayed(found, durability))
        else:
            self.accept(slot, ticket, durability, found)

    def _replayed(self, found: Sequence[mapper.Recorded], durability: Durability) -> Replayed | Refused:
        try:
            return acceptance.replay(found, durability.body_hash, self._archive)
        except StoreError:
            return Refused("store_unavailable", "The outcome could not be read. Try again with the same key.", 2.0)

    def accept(
        self, slot: Slot, ticket: Ticket, durability: Durability, earlier: Sequence[mapper.Recorded] = ()
    ) -> None:
        recorded = partial(self._recorded, slot, ticket, durability)
        if not self._ports.journal.reserve():
            self._let_go(ticket, durability)
            ticket.answered(NOT_ACCEPTED)
            return
        try:
            acceptance.accept(ticket, durability, self._ports, recorded, earlier)
        except StoreError:
            self._let_go(ticket, durability)
            ticket.answered(NOT_ACCEPTED)
        else:
            slot.accepting += 1
        finally:
            # Taken by the acceptance itself now.
            self._ports.journal.release()

    def _recorded(self, slot: Slot, ticket: Ticket, durability: Durability, result: int | StoreError) -> None:
        self._tell(Recorded(slot, ticket, durability, result))

    def recorded(self, recorded: Recorded) -> None:
        ticket = recorded.ticket
        self._let_go(ticket, recorded.durability)
        recorded.slot.accepting -= 1
        if isinstance(recorded.result, StaleStream):
            # Somebody was quicker with the same key, a moment ago.
            ticket.answered(acceptance.IN_FLIGHT)
            return
        if isinstance(recorded.result, StoreError):
            ticket.answered(NOT_ACCEPTED)
            return
        ticket.stage = Stage.WAITING
        self._hand_over(recorded.slot, ticket)
        if recorded.durability.wait_s is not None:
            accepted = Accepted(ticket.command.command_id, recorded.result)
            at = self._ports.clock.steady() + recorded.durability.wait_s
            if recorded.durability.wait_s <= 0:
                ticket.answered(accepted)
            else:
                self._ports.timers.at(at, lambda: ticket.answered(accepted))
