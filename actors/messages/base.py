"""What every message is: plain data, which could travel to another machine."""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, frozen=True):
    """Every ask is answered with the reply named here, or with `Refused`."""
