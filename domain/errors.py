"""What can go wrong with the store; each docstring is the message."""

from __future__ import annotations


class StoreError(Exception):
    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        super().__init__(f"{self.__doc__} {detail}".strip())


class StaleStream(StoreError):
    """Somebody else has written to this stream."""


class StoreUnavailable(StoreError):
    """The event store does not take events at the moment."""


class StoreUnusable(StoreError):
    """The event store cannot be opened."""


class AlreadyOwned(StoreError):
    """Another process runs the bots of this database."""


class WrongMasterKey(StoreError):
    """The master key does not open what this database holds."""


class Unreadable(StoreError):
    """An event of the log is of no kind that this version knows, or damaged."""

    def __init__(self, position: int, topic: str, cause: Exception) -> None:
        self.position, self.topic, self.cause = position, topic, repr(cause)
        super().__init__(f"{topic} at position {position}: {self.cause}")


class Shredded(StoreError):
    """The key of this payload was destroyed."""
