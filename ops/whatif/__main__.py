"""`python -m ops.whatif`: answers the question on standard input, with a lower priority than the gateway's."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import closing

import msgspec

from domain.store.database import database_at
from domain.store.ledger import Ledger
from domain.whatif.question import NoAnswer
from domain.whatif.report import answered
from ops.whatif.job import Done, Job, Refused

NICER = 19


def main() -> None:
    os.nice(NICER)
    gc.disable()  # it lives for seconds, and makes hundreds of thousands of small things that stay
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    try:
        with closing(database_at(job.database_url).reader()) as store:
            done = Done(report=answered(Ledger(store), job.today, job.question))
    except NoAnswer as error:
        done = Done(refused=Refused(type(error).__name__, str(error)))
    sys.stdout.buffer.write(msgspec.json.encode(done))


if __name__ == "__main__":
    main()
