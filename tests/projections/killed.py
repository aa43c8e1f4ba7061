"""A process that folds a log into views in small batches, says after each how far it has come, and gets killed.

Run as `python -m tests.projections.killed <log> <views>`.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from domain.store.ledger import Ledger
from domain.store.sqlite import SQLiteStore
from projections import runner as runners
from projections.all import all_projections
from projections.runner import Runner
from projections.views import Views

BATCH = 37


def main(log: Path, views_path: Path) -> None:
    runners.BATCH = BATCH
    with closing(SQLiteStore(log)) as store, closing(Views(views_path)) as views:
        print("begins", flush=True)  # noqa: T201  for whoever kills it
        Runner(Ledger(store), views, all_projections()).catch_up(lambda at: print(at, flush=True))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
