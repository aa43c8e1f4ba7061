"""Incidents, as the log has them: raised, perhaps cleared, and what of it the operator was told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from domain.events import AlertCleared, AlertEvent, AlertPosted, AlertRaised, Event

Key = tuple[str, int]
"""Kind and bot: of one there is at most one incident at a time."""


def key_of(alert: AlertEvent) -> Key:
    return alert.kind, alert.bot_id


@dataclass(frozen=True, slots=True)
class Incident:
    raised: AlertRaised
    cleared: AlertCleared | None = None
    posted: frozenset[str] = frozenset()
    """Topics."""

    @property
    def is_open(self) -> bool:
        return self.cleared is None

    @property
    def untold(self) -> AlertRaised | AlertCleared | None:
        """What the operator should know by now. Nobody needs the end of an incident of which nobody was told."""
        if self.cleared is None:
            return None if AlertRaised.TOPIC in self.posted else self.raised
        was_half_told = AlertRaised.TOPIC in self.posted and AlertCleared.TOPIC not in self.posted
        return self.cleared if was_half_told else None


def newest(history: Iterable[Event]) -> dict[Key, Incident]:
    """The last incident of each kind and bot."""
    found: dict[Key, Incident] = {}
    for event in history:
        match event:
            case AlertRaised():
                found[key_of(event)] = Incident(event)
            case AlertCleared() if key_of(event) in found:
                found[key_of(event)] = replace(found[key_of(event)], cleared=event)
            case AlertPosted() if key_of(event) in found:
                incident = found[key_of(event)]
                found[key_of(event)] = replace(incident, posted=incident.posted | {event.told})
            case _:
                pass
    return found
