"""Who is connected, how many were at once, and a future for each that says when they are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable


class Connections:
    def __init__(self) -> None:
        self._gone: dict[Hashable, asyncio.Future[None]] = {}
        self.peak = 0

    def __len__(self) -> int:
        return len(self._gone)

    def made(self, connection: Hashable) -> None:
        self._gone[connection] = asyncio.get_running_loop().create_future()
        self.peak = max(self.peak, len(self._gone))

    def lost(self, connection: Hashable) -> None:
        gone = self._gone.pop(connection, None)
        if gone is not None and not gone.done():
            gone.set_result(None)

    def lose_all(self) -> None:
        """The server stops: whoever still hangs or waits is let go."""
        for connection in list(self._gone):
            self.lost(connection)

    def gone(self, connection: Hashable) -> asyncio.Future[None]:
        found = self._gone.get(connection)
        if found is None:
            found = asyncio.get_running_loop().create_future()
            found.set_result(None)
        return found
