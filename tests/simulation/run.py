"""One seed, or many: `python -m tests.simulation.run 1234` tells what happened under seed 1234."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from structlog.testing import capture_logs

from tests.simulation.world import World


@contextmanager
def quiet() -> Iterator[None]:
    """Crashes are what these runs are made of; their tracebacks tell nothing."""
    pykka = logging.getLogger("pykka")
    was, pykka.disabled = pykka.disabled, True
    try:
        with capture_logs():
            yield
    finally:
        pykka.disabled = was


def simulated(seed: int) -> World:
    world = World(seed)
    with quiet():
        world.runs()
    return world


def story(seed: int, world: World) -> str:
    steps = "\n".join(f"{at - 1000:10.4f}  {what:16} {about}" for at, what, about in world.watch.trace)
    wrong = "\n".join(f"  {one}" for one in world.watch.wrong[:10])
    return f"{world.plan}\n{steps}\n\nseed {seed}:\n{wrong}\nagain: python -m tests.simulation.run {seed}"


if __name__ == "__main__":
    for text in sys.argv[1:]:
        print(story(int(text), simulated(int(text))))
