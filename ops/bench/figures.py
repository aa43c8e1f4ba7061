"""How numbers are read and told: CPU of a process, medians with their range, lines that align."""

from __future__ import annotations

import os
import platform
import re
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
UTIME, STIME = 11, 12
"""Where they stand in /proc/<pid>/stat after the name, which may hold blanks."""
LABEL_WIDTH = 52


def cpu_s(pid: int) -> float:
    """Seconds that all threads of this process have run, those that have ended too."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[UTIME]) + int(fields[STIME])) / TICKS_PER_S


def rss_mb(pid: int) -> float:
    """What a process has in memory now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def machine() -> str:
    cpu = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    parts = (
        f"{os.cpu_count()} CPUs, {cpu[1] if cpu else platform.processor() or 'unknown CPU'}",
        f"Linux {platform.release()}" if sys.platform == "linux" else platform.platform(),
        f"Python {platform.python_version()}",
    )
    return ", ".join(parts)


def heading(text: str) -> None:
    print(f"\n{text}")


def line(label: str, value: str) -> None:
    print(f"  {label:<{LABEL_WIDTH}} {value}")
    sys.stdout.flush()


def spread(values: Sequence[float], unit: str, digits: int = 0) -> str:
    """The median, and between what."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} {unit} ({low:.{digits}f} to {high:.{digits}f})"


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
