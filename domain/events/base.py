"""What every event has."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    TOPIC: ClassVar[str]
    occurred_at: datetime
    """UTC."""
