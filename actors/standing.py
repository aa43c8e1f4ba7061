"""A service of the fleet that starts again by itself when it fails: whoever holds this reaches its newest incarnation.

What it was told meanwhile, and what was left in its inbox, is told to the next one. What it was asked and had not
answered is refused, or runs into its asker's own patience.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import pykka
import structlog

from actors.ports import Ports
from actors.runtime import LoopActor, LoopFuture, stopped
from domain.errors import StoreError
from domain.refusal import Refused
from domain.rules import restarts

PARKED_MAX = 100_000
STORE_AGAIN_S = 1.0
STARTING = Refused("overloaded", "This part of the gateway has failed and is just starting again. Try again.", 1.0)

log = structlog.get_logger()

Found = TypeVar("Found")


class Standing(Generic[Found]):
    """For the loop's thread."""

    def __init__(self, name: str, look: Callable[[], Found], make: Callable[[Found], LoopActor], ports: Ports) -> None:
        """`look` reads what it begins with from the log; it blocks and may raise StoreError. `make`: not yet begun."""
        self.name = name
        self._look, self._make, self._ports = look, make, ports
        self._failed_at: list[float] = []
        """Within the window in which failures count."""
        self._parked: deque[Any] = deque(maxlen=PARKED_MAX)
        self._is_stopped = False
        self._again: asyncio.Task[None] | None = None
        self.actor = self._begun(look())
        """Its newest incarnation."""

    def ask(self, message: Any, *, block: Any = False) -> Any:
        """Refused while there is nobody to answer."""
        if self._is_stopped or self.actor.is_alive():
            return self.actor.ask(message, block=block)
        reply = LoopFuture()
        reply.set(STARTING)
        return reply

    def tell(self, message: Any) -> None:
        if self.actor.is_alive():
            self.actor.tell(message)
        elif not self._is_stopped:
            self._parked.append(message)

    def is_alive(self) -> bool:
        """It is about to be, while it fails."""
        return not self._is_stopped

    def trouble(self) -> str | None:
        """For readiness."""
        return f"{self.name} keeps failing" if len(self._recent()) > restarts.RESTARTS_MAX else None

    async def stop(self) -> None:
        self._is_stopped = True
        if self._again is not None:
            self._again.cancel()
        await stopped(self.actor)

    # What its actor says of itself

    def died(self, reason: str) -> None:
        # It is never given up as a bot is: one bot can be done without, this cannot.
        self._failed_at = [*self._recent(), self._ports.clock.steady()]
        again_s = restarts.pause_s(len(self._failed_at))
        log.error("service_failed", service=self.name, error=reason, again_s=again_s)
        self._in(again_s)

    def left(self, message: Any) -> None:
        self._parked.append(message)

    def _recent(self) -> list[float]:
        now = self._ports.clock.steady()
        return [at for at in self._failed_at if now - at < restarts.WINDOW_S]

    def _in(self, seconds: float) -> None:
        self._ports.timers.at(self._ports.clock.steady() + seconds, self._begin_again)

    def _begin_again(self) -> None:
        if not self._is_stopped:
            # What it has written must be on disk before the next one reads.
            self._ports.journal.flush(lambda _: self._reads())

    def _reads(self) -> None:
        self._again = asyncio.get_running_loop().create_task(self._found())

    async def _found(self) -> None:
        try:
            found = await asyncio.to_thread(self._look)
        except StoreError as error:
            log.warning("service_waits", service=self.name, reason=str(error))
            self._in(STORE_AGAIN_S)
            return
        except Exception as error:  # noqa: BLE001  whatever it is, there must be a next try
            self.died(type(error).__name__)
            return
        self.actor = self._begun(found)
        while self._parked:
            self.actor.tell(self._parked.popleft())

    def _begun(self, found: Found) -> pykka.ActorRef[Any]:
        return self._make(found).begin(self)


class Fatal:
    """Keeps an actor without which the process cannot go on."""

    def __init__(self, name: str, lost: Callable[[str], None]) -> None:
        """`lost` is told a sentence."""
        self._name, self._lost = name, lost

    def died(self, reason: str) -> None:
        log.critical("service_failed", service=self._name, error=reason)
        self._lost(
            f"{self._name} has failed ({reason}), and without it the gateway cannot go on. It has stopped in order; "
            "start it again: what was accepted is in the log."
        )

    def left(self, message: Any) -> None:
        """Nobody is there to hear it: what matters is in the log."""
