"""How each bot did over time: five-minute buckets by event time, and incidents with their beginning, end and cause."""

from projections.history.figures import History, Incident, Incidents, Kind, Point
from projections.history.projection import HistoryProjection
from projections.history.queries import history_of, incidents

__all__ = ["History", "HistoryProjection", "Incident", "Incidents", "Kind", "Point", "history_of", "incidents"]
