"""How a caller stands with one of its limits, and the headers that tell it."""

from __future__ import annotations

import math
from typing import NamedTuple

from limits import RateLimitItem


class Allowance(NamedTuple):
    rate: RateLimitItem
    remaining: int
    next_s: float
    """Until one more is free."""
    is_over: bool

    @property
    def retry_after_s(self) -> float:
        return max(self.next_s, 0.0)

    def headers(self, now_s: float) -> dict[str, str]:
        """Of the IETF's draft, with seconds from now on, and the older ones, with a Unix time."""
        next_s = math.ceil(self.retry_after_s)
        remaining = str(max(0, self.remaining))
        return {
            "RateLimit-Policy": f"{self.rate.amount};w={self.rate.get_expiry()}",
            "RateLimit-Limit": str(self.rate.amount),
            "RateLimit-Remaining": remaining,
            "RateLimit-Reset": str(next_s),
            "X-RateLimit-Limit": str(self.rate.amount),
            "X-RateLimit-Remaining": remaining,
            "X-RateLimit-Reset": str(math.ceil(now_s) + next_s),
        }
