"""A tenant's code has come to the bot: the bot's own actor decides, and a takeover changes what it lives by."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from actors.life import Life
from actors.messages import ProveOwnership
from actors.ports import Clock
from actors.traffic import Traffic
from domain import ownership, token_life
from domain.bot import evolve


def proven(
    life: Life, traffic: Traffic, message: ProveOwnership, clock: Clock, reply: Callable[[object], None]
) -> None:
    """What Telegram has ends as it ends. What waits is no command of the new owner's, and ends as after a removal."""
    before, tenant_id = life.bot.owner, message.tenant_id
    now = clock.utc()
    decision = ownership.verify(life.bot, tenant_id, message.code_hash, message.token.fingerprint, now)
    if isinstance(decision, tuple) and decision:
        decision += token_life.seen(reduce(evolve, decision, life.bot), message.found, now)
    life.decided(decision, tenant_id, reply)
    if life.bot.owner is before:
        return
    life.token = message.token
    traffic.policy_changed()
