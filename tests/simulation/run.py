"""One seed: `python -m tests.simulation.run 1234` tells what happened under seed 1234."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from structlog.testing import capture_logs

from tests.simulation.loop import START_S
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


def simulated(seed: int, *, remember: int = 60) -> World:
    """`remember`: so many of the last steps can be told afterwards."""
    world = World(seed, remember)
    with quiet():
        world.runs()
    return world


def story(seed: int, world: World) -> str:
    steps = [f"{at - START_S:10.4f}  {what:16} {about}" for at, what, about in world.watch.trace]
    wrong = [f"  {one}" for one in world.watch.wrong[:10]] or ["  all is well"]
    again = f"again, from its beginning: .venv/bin/python -m tests.simulation.run {seed}"
    return "\n".join([str(world.plan), "", *steps, "", f"seed {seed}:", *wrong, again])


if __name__ == "__main__":
    for text in sys.argv[1:]:
        sys.stdout.write(story(int(text), simulated(int(text), remember=10_000)) + "\n")
