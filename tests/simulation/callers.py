"""Tenants' callers: what they ask, how long they wait, and that they repeat themselves."""

from __future__ import annotations

from random import Random

import msgspec

from actors.messages import Durability, Execute
from domain.command import Command
from tests.simulation.loop import Clock
from tests.simulation.plan import METHODS, ONCE_WITH_CHAT, WITHOUT_CHAT, Plan
from tests.simulation.process import Process
from tests.simulation.watch import Watch

LONGEST_S = 30.0


class Callers:
    def __init__(self, plan: Plan, chance: Random, clock: Clock, watch: Watch) -> None:
        self._plan, self._chance, self._clock, self._watch = plan, chance, clock, watch
        self._keys: list[Durability] = []

    def ask(self, process: Process, command_id: str) -> None:
        chance = self._chance
        command = self._a_command(command_id, chance.choice(list(self._plan.bots)))
        durability = self._a_durability() if chance.random() < 0.3 else None
        if durability is not None and durability.key is not None:
            self._keys.append(durability)
            if chance.random() < 0.3:
                # The same again, by a caller who never heard of the first.
                durability = chance.choice(self._keys)
        told = self._watch.asks(command, is_durable=durability is not None)
        process.ask(Execute(command, durability), told)

    def ask_plainly(self, process: Process, bot_id: int, chat: int) -> str:
        """A message that must arrive where nothing is in its way; returns the command's id."""
        command_id = f"last-{bot_id}-{chat}"
        command = msgspec.structs.replace(
            self._a_command(command_id, bot_id),
            method=ONCE_WITH_CHAT,
            chat=str(chat),
            deadline_s=LONGEST_S,
            parameters={"chat_id": chat, "id": command_id},
        )
        process.ask(Execute(command), self._watch.asks(command, is_durable=False))
        return command_id

    def _a_command(self, command_id: str, bot_id: int) -> Command:
        chance = self._chance
        method = chance.choice(METHODS)
        parameters: dict[str, object] = {"id": command_id}
        if method not in WITHOUT_CHAT:
            parameters["chat_id"] = chance.choice(self._plan.chats[bot_id])
        return Command(
            command_id=command_id,
            bot_id=bot_id,
            tenant_id=self._plan.bots[bot_id],
            method=method,
            parameters=parameters,
            chat=str(parameters["chat_id"]) if "chat_id" in parameters else None,
            received_at=self._clock.utc(),
            deadline_s=chance.choice((0.5, 3.0, 10.0, LONGEST_S)),
            retry_uncertain=chance.random() < 0.15,
            patient=chance.random() < self._plan.patient,
        )

    def _a_durability(self) -> Durability:
        chance = self._chance
        key = f"key{chance.randint(1, 1000)}" if chance.random() < 0.5 else None
        return Durability("hash", key, chance.choice((None, 0.0, 2.0)))
