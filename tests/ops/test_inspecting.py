"""What the log knows of earlier looks at tokens: a next process does not ask again so soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain import events as e
from domain import streams
from domain.rules.validation import Verdict, Why
from domain.store.mapper import Entry
from ops import inspecting
from tests.doubles import ManualClock
from tests.examples import BOT_ID, OTHER_BOT_ID, TENANT, a_delivered, after
from tests.projections.sample_events import Log, registered


@pytest.mark.parametrize("page", [1, 1000])
def test_of_each_bot_the_last_look_of_the_last_day_is_found(
    tmp_path: Path, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspecting, "PAGE", page)
    log = Log(tmp_path / "log.db")
    old, who = after(-90_000), {"bot_id": BOT_ID, "tenant_id": TENANT}
    log.append(registered(3, seconds=-90_000), registered(4, seconds=-80_000), a_delivered(occurred_at=after(-70_000)))
    log.ledger.append(
        [
            Entry(streams.tokens_stream(old), 1, inspected(old, 5)),
            Entry(streams.tokens_stream(after(0)), 1, inspected(after(-50_000), BOT_ID, 6)),
        ]
    )
    log.append(e.TokenValidated(**who, occurred_at=after(-40), category=Verdict.REVOKED, why=Why.ASKED))
    log.append(e.TokenValidated(**who, occurred_at=after(-20), category=Verdict.TIMEOUT, why=Why.ASKED))
    found = inspecting.looked_at(log.ledger, ManualClock())
    log.store.close()

    assert {
        4: after(-80_000).timestamp(),
        6: after(-50_000).timestamp(),
        OTHER_BOT_ID: after(-50_000).timestamp(),
        BOT_ID: after(-40).timestamp(),
    } == found


def inspected(at: object, *valid: int) -> e.TokensInspected:
    return e.TokensInspected(occurred_at=at, tenant_id="operator", valid=valid, revoked=(OTHER_BOT_ID,))  # type: ignore[arg-type]
