"""Which method names Telegram has, by the list that aiogram ships.

Only the names of its files are read: importing aiogram's models costs seconds, and a sandbox should start at once.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

NOT_A_METHOD = {"__init__", "base"}


def _spelled(stem: str) -> str:
    first, *rest = stem.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _names() -> dict[str, str]:
    spec = find_spec("aiogram")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("the sandbox takes the names of the Bot API's methods from aiogram, which is not installed")
    files = Path(spec.submodule_search_locations[0], "methods").glob("*.py")
    names = (_spelled(file.stem) for file in files if file.stem not in NOT_A_METHOD)
    return {name.lower(): name for name in names}


METHODS: dict[str, str] = _names()
"""Every method in Telegram's own spelling, by its name in lower case."""
