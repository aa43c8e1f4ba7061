"""Updates that tenants fetch, as with Telegram's getUpdates.

An offset confirms what this process has handed out with lower ids, and nothing else: what came late, and what an
earlier process handed out, is handed out (again) whatever the offset. Of a bot one question waits at a time.
"""

from __future__ import annotations

from collections.abc import Callable

from actors.delivery.desk import Desk, Letter
from actors.delivery.round import Beside
from actors.messages import PulledUpdates, PullUpdates, StopPulling
from actors.ports import Ports, Timer
from domain import events
from domain.errors import StoreError
from domain.refusal import Refused

REPLACED = Refused(
    "updates_conflict", "Another GET /api/bots/{bot_id}/updates has begun meanwhile: only one may wait at a time."
)
NOT_READ = Refused("store_unavailable", "The updates could not be read, and nothing was confirmed. Try again.", 1.0)
SHUTTING_DOWN = Refused("shutting_down", "The gateway is stopping. Ask again, with the same offset.", 2.0)

Reply = Callable[[object], None]


class Pull:
    """A question that waits for its answer."""

    def __init__(self, asked: PullUpdates, reply: Reply, until: float) -> None:
        self.asked, self.reply, self.until = asked, reply, until
        self.is_looking = False
        self.looks_again = False
        """Something came while it looked."""
        self.timer: Timer | None = None


class Pulls:
    def __init__(self, ports: Ports, desk: Desk, beside: Beside) -> None:
        self._ports = ports
        self._desk = desk
        self._beside = beside
        self._waiting: dict[int, Pull] = {}
        self._handed_out: dict[int, dict[int, float]] = {}
        """By bot, the ids that its tenant has and has not confirmed, and when they were received."""

    def begin(self, asked: PullUpdates, reply: Reply) -> None:
        bot_id = asked.bot_id
        self._end(self._waiting.get(bot_id), REPLACED)
        pull = self._waiting[bot_id] = Pull(asked, reply, self._ports.clock.steady() + asked.timeout_s)
        confirmed = self._confirmed(bot_id, asked.offset)
        if not confirmed:
            self._look(pull)
            return
        pull.is_looking = True
        settled = self._desk.settled(bot_id, list(confirmed))
        self._beside(settled, lambda failed: self._were_settled(pull, confirmed, failed))

    def arrived(self, bot_id: int) -> None:
        pull = self._waiting.get(bot_id)
        if pull is None:
            return
        if pull.is_looking:
            pull.looks_again = True
        else:
            self._look(pull)

    def stop(self, message: StopPulling) -> None:
        pull = self._waiting.get(message.bot_id)
        if pull is not None and pull.asked.pull_id == message.pull_id:
            self._end(pull, REPLACED)

    def end_of(self, bot_id: int, why: Refused) -> None:
        """Its bot has left, or its updates go elsewhere."""
        self._end(self._waiting.get(bot_id), why)
        self._handed_out.pop(bot_id, None)

    def end(self) -> None:
        """The gateway is stopping."""
        for pull in list(self._waiting.values()):
            self._end(pull, SHUTTING_DOWN)

    def _end(self, pull: Pull | None, answer: object) -> None:
        if pull is None:
            return
        if pull.timer is not None:
            pull.timer.cancel()
        if self._waiting.get(pull.asked.bot_id) is pull:
            del self._waiting[pull.asked.bot_id]
        pull.reply(answer)

    def _is_waiting(self, pull: Pull) -> bool:
        return self._waiting.get(pull.asked.bot_id) is pull

    def _confirmed(self, bot_id: int, offset: int | None) -> dict[int, float]:
        """Taken out of what was handed out."""
        handed_out = self._handed_out.get(bot_id, {})
        confirmed = {one: at for one, at in handed_out.items() if offset is not None and one < offset}
        left = {one: at for one, at in handed_out.items() if one not in confirmed}
        if left:
            self._handed_out[bot_id] = left
        else:
            self._handed_out.pop(bot_id, None)
        return confirmed

    def _were_settled(self, pull: Pull, confirmed: dict[int, float], failed: StoreError | None) -> None:
        if failed is not None:
            self._handed_out.setdefault(pull.asked.bot_id, {}).update(confirmed)
            if self._is_waiting(pull):
                self._end(pull, NOT_READ)
            return
        now = self._ports.clock.utc()
        for update_id, received_at in sorted(confirmed.items()):
            delivered = events.UpdateDelivered(
                occurred_at=now,
                bot_id=pull.asked.bot_id,
                tenant_id=pull.asked.tenant_id,
                update_id=update_id,
                via="pull",
                after_ms=round(max(0.0, now.timestamp() - received_at) * 1000, 3),
            )
            self._ports.journal.note(delivered)
        if self._is_waiting(pull):
            self._look(pull)

    def _look(self, pull: Pull) -> None:
        pull.is_looking, pull.looks_again = True, False
        asked = pull.asked
        letters = self._desk.letters(asked.tenant_id, asked.bot_id, -1, asked.limit)
        self._beside(letters, lambda found: self._found(pull, found))

    def _found(self, pull: Pull, found: list[Letter] | StoreError) -> None:
        pull.is_looking = False
        if not self._is_waiting(pull):
            return
        if isinstance(found, StoreError):
            self._end(pull, NOT_READ)
            return
        readable = [letter for letter in found if letter.body is not None]
        for letter in found:
            if letter.body is None:
                self._desk.settle(pull.asked.bot_id, letter.row.update_id, lambda: self.arrived(pull.asked.bot_id))
        if readable:
            self._hand_out(pull, readable)
        elif self._ports.clock.steady() >= pull.until:
            self._end(pull, PulledUpdates([], pull.asked.offset))
        elif pull.looks_again:
            self._look(pull)
        elif pull.timer is None:
            pull.timer = self._ports.timers.at(pull.until, lambda: self._is_late(pull))

    def _hand_out(self, pull: Pull, letters: list[Letter]) -> None:
        handed_out = self._handed_out.setdefault(pull.asked.bot_id, {})
        handed_out.update({letter.row.update_id: letter.row.received_at for letter in letters})
        bodies = [letter.body for letter in letters if letter.body is not None]
        self._end(pull, PulledUpdates(bodies, letters[-1].row.update_id + 1))

    def _is_late(self, pull: Pull) -> None:
        if self._is_waiting(pull):
            self._end(pull, PulledUpdates([], pull.asked.offset))
