"""What the log of a gateway says, read when it has ended."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

from domain import events
from domain.store.database import database_at
from domain.store.ledger import Ledger
from tests.acceptance.gateway_process import Gateway


class Log:
    """How often each command was accepted and started, how it ended, and what else happened."""

    def __init__(self, gateway: Gateway) -> None:
        self.accepted: Counter[str] = Counter()
        self.started: Counter[str] = Counter()
        self.outcomes: dict[str, list[str]] = {}
        self.topics: list[str] = []
        with closing(database_at(gateway.database_url).opened()) as store:
            for recorded in Ledger(store).read(0, 1_000_000):
                self._see(recorded.event)

    def _see(self, event: events.Event) -> None:
        self.topics.append(event.TOPIC)
        match event:
            case events.CommandAccepted():
                self.accepted[event.command_id] += 1
            case events.CommandStarted():
                self.started[event.command_id] += 1
            case events.Ended():
                outcome = event.TOPIC.removeprefix("command-").replace("-", "_")
                self.outcomes.setdefault(event.command_id, []).append(outcome)
            case _:
                pass

    @property
    def outcome(self) -> dict[str, str]:
        """Of each command that has begun or ended, its only one."""
        for command_id in self.accepted.keys() | self.started.keys() | self.outcomes.keys():
            assert len(self.outcomes.get(command_id, [])) == 1, (command_id, self.outcomes.get(command_id))
        return {command_id: ended for command_id, (ended,) in self.outcomes.items()}
