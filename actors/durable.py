"""The supervisor's part in durable commands: the acceptance on disk first, then they go their way like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from actors import acceptance
from actors.acceptance import Archive
from actors.messages import Accepted, Durability, ReadResult
from actors.ports import Ports
from actors.slot import Slot, Stage, Ticket
from domain.command import Command
from domain.errors import StaleStream, StoreError
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

    async def earlier(self, command: Command, key: str) -> Found:
        try:
            return await asyncio.to_thread(acceptance.earlier, command, key, self._archive)
        except StoreError as error:
            return error

    async def read_result(self, message: ReadResult) -> bytes | Refused | None:
        try:
            return await asyncio.to_thread(acceptance.read_result, message, self._archive)
        except StoreError:
            return Refused("store_unavailable", "The result could not be read. Try again.", 2.0)

    def looked_up(self, slot: Slot, ticket: Ticket, durability: Durability, found: Found) -> None:
        slot.accepting -= 1
        if isinstance(found, StoreError):
            ticket.answered(NOT_ACCEPTED)
        elif found:
            ticket.answered(acceptance.replay(found, durability.body_hash, self._archive))
        else:
            self.accept(slot, ticket, durability)

    def accept(self, slot: Slot, ticket: Ticket, durability: Durability) -> None:
        try:
            acceptance.accept(
                ticket, durability, self._ports, lambda result: self._tell(Recorded(slot, ticket, durability, result))
            )
        except StoreError:
            ticket.answered(NOT_ACCEPTED)
        else:
            slot.accepting += 1

    def recorded(self, recorded: Recorded) -> None:
        ticket = recorded.ticket
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
