"""`python -m ops.sandbox`: serve until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import sys

import uvloop

from ops.sandbox.sandbox import RETRY_BASE_S
from ops.sandbox.server import serve

OBJECTS_BEFORE_A_COLLECTION = 50_000


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ops.sandbox", description="A local server that speaks the Bot API."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--open", dest="is_open", action="store_true", help="any well-formed token is a bot")
    parser.add_argument("--flood", action="store_true", help="flood limits from the start")
    parser.add_argument("--no-calls", dest="keep_calls", action="store_false", help="count calls without keeping them")
    parser.add_argument("--retry-base-s", type=float, default=RETRY_BASE_S, help="the first pause between deliveries")
    return parser.parse_args()


def announce(base_url: str) -> None:
    sys.stdout.write(f"sandbox listening on {base_url}\n")
    sys.stdout.flush()


async def main() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # What users see is kept for good, so looking through it often for garbage is work for nothing.
    gc.set_threshold(OBJECTS_BEFORE_A_COLLECTION, 20, 100)
    await serve(stop, announce, **vars(options()))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
