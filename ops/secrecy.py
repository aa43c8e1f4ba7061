"""A process that has keys in its memory leaves no picture of it behind."""

from __future__ import annotations

import ctypes
import resource
import sys

PR_SET_DUMPABLE = 4


def no_core_dumps() -> None:
    """Whatever the shell allows: no core file, and on Linux none for a collector that cores are piped to either.

    There it also keeps other processes of the same user from reading this one's memory and environment.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
