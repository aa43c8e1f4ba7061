"""`python -m ops.bench [--quick]`: every number in one run, the machine first."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvloop

from ops.bench import command, export, idle, ingest, pipeline, polling, recording, replaying
from ops.bench.figures import machine
from ops.bench.sizes import FULL, QUICK

SECTIONS = (command, ingest, polling, pipeline, recording, export, idle, replaying)


async def main(*, quick: bool, directory: Path, postgres_url: str | None) -> None:
    sizes = QUICK if quick else FULL
    print(machine())
    if quick:
        print("A quick look that everything runs: these numbers mean nothing.")
    for section in SECTIONS:
        await section.measure(sizes, directory)
    if postgres_url is not None:
        await recording.measure_postgres(sizes, postgres_url)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m ops.bench", description="The numbers of docs/benchmarks.md.")
    parser.add_argument("--quick", action="store_true", help="only whether everything runs, in seconds")
    parser.add_argument("--dir", type=Path, default=Path("var"), help="where to work: a real disk, not a RAM disk")
    parser.add_argument("--postgres", metavar="URL", help="an empty database, to measure recording in PostgreSQL too")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    # Whole: the processes that are measured stand elsewhere.
    uvloop.run(main(quick=options.quick, directory=options.dir.resolve(), postgres_url=options.postgres))
