"""What the control face cannot find."""

from __future__ import annotations

from ops.sandbox.world import Bot, World


class NoSuch(LookupError):
    """There is nothing under this number."""


def bot_numbered(world: World, bot_id: int) -> Bot:
    try:
        return world.bots[bot_id]
    except KeyError:
        raise NoSuch(f"there is no bot {bot_id}") from None
