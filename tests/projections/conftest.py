from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from projections.all import all_projections
from projections.runner import Runner
from projections.views import Views
from tests.projections.health_told import HealthTold
from tests.projections.sample_events import Log
from tests.projections.usage_told import UsageTold


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "botloft.db")
    yield log
    log.store.close()


@pytest.fixture
def views(tmp_path: Path) -> Iterator[Views]:
    with closing(Views(tmp_path / "views.db")) as views:
        yield views


@pytest.fixture
def runner(log: Log, views: Views) -> Runner:
    """Of all projections, on the empty log; not started."""
    return Runner(log.ledger, views, all_projections())


@pytest.fixture
def told_health(log: Log, runner: Runner, views: Views) -> HealthTold:
    return HealthTold(log, runner, views)


@pytest.fixture
def told_usage(log: Log, runner: Runner, views: Views) -> UsageTold:
    return UsageTold(log, runner, views)
