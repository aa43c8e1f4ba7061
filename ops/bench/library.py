"""The same work by the library's own means: `ProjectionRunner` with our folds, and `Application.save`.

Its SQLite recorder has no subscriptions, so the events that it projects lie in memory, which is to its advantage. The
view is a SQLite file, one transaction an event, as that runner does it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import StoredEvent, Tracking
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.sqlite import SQLiteConnection, SQLiteConnectionPool, SQLiteDatastore, SQLiteTrackingRecorder

from domain.events import CommandDelivered, Event
from domain.store.mapper import Recorded, from_bytes, to_bytes
from projections.all import all_projections

WITHIN_S = 600.0
NAME = "Reference"


class _Mapper:
    def to_domain_event(self, stored: StoredEvent) -> Event:
        return from_bytes(stored.topic, stored.state)


class InMemory(Application[str]):
    def construct_mapper(self) -> Any:
        return _Mapper()


class View(SQLiteTrackingRecorder):
    """All of our projections, one event a transaction."""

    def __init__(self, datastore: SQLiteDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self._projections = all_projections()

    def construct_create_table_statements(self) -> list[str]:
        ours = [statement for projection in all_projections() for statement in projection.tables]
        return [*super().construct_create_table_statements(), *ours]

    def fold(self, happened: Event, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            for projection in self._projections:
                recorded = Recorded(tracking.notification_id, "", 0, happened)
                projection.fold([recorded], cursor.sqlite_cursor.connection)


class _Pool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")
        return connection


class RelaxedView(View):
    """Does not wait for the disk, as ours do not: a view can be made again."""

    def __init__(self, datastore: SQLiteDatastore, **kwargs: Any) -> None:
        datastore.pool.close()
        datastore.pool = _Pool(db_name=datastore.pool.db_name)
        super().__init__(datastore, **kwargs)


class Folds(Projection[View]):
    name = NAME

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        self.view.fold(domain_event, tracking)


def projected_per_s(events: Sequence[Recorded], path: Path, view: type[View] = View) -> float:
    """How many events a second `ProjectionRunner` takes."""
    stored = [StoredEvent(one.stream, one.version, one.event.TOPIC, to_bytes(one.event)) for one in events]
    environment = {
        "ORIGINATOR_ID_TYPE": "text",
        f"{NAME.upper()}_PERSISTENCE_MODULE": "eventsourcing.sqlite",
        f"{NAME.upper()}_SQLITE_DBNAME": str(path),
    }
    runner = ProjectionRunner(application_class=InMemory, projection_class=Folds, view_class=view, env=environment)
    with runner, closing(runner.view.datastore):
        began = time.perf_counter()
        runner.app.recorder.insert_events(stored)
        runner.wait(len(stored), WITHIN_S)
        return len(stored) / (time.perf_counter() - began)


class Outcomes(Aggregate):
    """A stream of outcomes, as the library would have it: an event by a decorated method."""

    @event("Delivered")
    def delivered(
        self,
        tenant_id: str,
        command_id: str,
        method: str,
        received_at: Any,
        chat: str | None,
        attempts: int,
        queue_ms: float,
        telegram_ms: float,
    ) -> None:
        pass


def saved_per_s(outcomes: Iterator[CommandDelivered], saves: int, directory: Path) -> float:
    """How many `Application.save` of one event a second, with full sync."""
    with _application(directory) as application:
        aggregate = Outcomes()
        application.save(aggregate)
        began = time.perf_counter()
        for _ in range(saves):
            one = next(outcomes)
            aggregate.delivered(
                one.tenant_id,
                one.command_id,
                one.method,
                one.received_at,
                one.chat,
                one.attempts,
                one.queue_ms,
                one.telegram_ms,
            )
            application.save(aggregate)
        return saves / (time.perf_counter() - began)


@contextmanager
def _application(directory: Path) -> Iterator[Application[Any]]:
    environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(directory / "saved.db")}
    application: Application[Any] = Application(environment)
    with closing(application):
        yield application
