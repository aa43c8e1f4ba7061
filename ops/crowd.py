"""How many connections are open, altogether and by address, and whether there is room for one more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from domain.rules.forwarded import Network, address_in, counted_as, is_among


class Crowd:
    def __init__(
        self, most: int, most_of_one: int, trusted: Sequence[Network] = (), whitelist: Sequence[Network] = ()
    ) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._trusted = trusted
        self._whitelist = whitelist
        self._open = 0
        self._of_one: Counter[str] = Counter()

    def entered(self, peer: str) -> Callable[[], None] | None:
        """To be called when it has left; None: there is no room. The whitelisted always get in, and take no place."""
        address = address_in(peer)
        is_proxy = address is not None and is_among(address, self._trusted)
        if address is not None and not is_proxy and is_among(address, self._whitelist):
            return _nothing
        # Behind a proxy stand many, and it can tell them apart better than we can here.
        one = None if address is None or is_proxy else counted_as(address)
        if self._open >= self._most or (one is not None and self._of_one[one] >= self._most_of_one):
            return None
        self._open += 1
        if one is not None:
            self._of_one[one] += 1
        return partial(self._left, one)

    def _left(self, one: str | None) -> None:
        self._open -= 1
        if one is not None:
            self._of_one[one] -= 1
            if not self._of_one[one]:
                del self._of_one[one]


def _nothing() -> None:
    pass
