"""A gateway whose wall clock the test sets."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from tests.acceptance.gateway_process import Gateway


class Wall:
    """The clock on the wall of one gateway. Its steady one is left alone, as by a real change."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "clock"
        self.is_set("+0")

    def is_set(self, offset: str) -> None:
        """From now on it is so much ahead of this machine's, or behind."""
        new = self.file.with_suffix(".new")
        new.write_text(offset)
        new.replace(self.file)


class MovedGateway(Gateway):
    wall: Wall

    @property
    def environment(self) -> dict[str, str]:
        spec = find_spec("libfaketime")
        assert spec is not None
        assert spec.origin is not None
        library = Path(spec.origin).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
        return {
            **super().environment,
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self.wall.file),
            # It looks once a second: at every call it would take more time than all the rest.
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
