"""The list of a whole fleet comes in pages, and `botloft replay` shows all of them."""

from __future__ import annotations

from typing import Any

from ops.replay_cli import _bots

PAGES: dict[object, tuple[list[int], str | None]] = {None: ([1, 2], "p2"), "p2": ([3], "p3"), "p3": ([4], None)}
REMOVED = 2


def get(*path: str, **query: object) -> dict[str, Any]:
    assert query["as_of"] == "17"
    if path[-1] != "bots":
        return {"bot_id": int(path[-1])}
    bots, after = PAGES[query.get("after")]
    return {"bots": [{"bot_id": n, "health": None if n == REMOVED else {}} for n in bots], "next": after}


def test_every_page_of_the_fleet_is_asked_for() -> None:
    assert [1, 3, 4] == [bot["bot_id"] for bot in _bots(get, "17")]
