"""What every event has."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    TOPIC: ClassVar[str]
    VERSION: ClassVar[int] = 1
    """Raised when fields are added."""
    occurred_at: datetime
    """UTC."""
