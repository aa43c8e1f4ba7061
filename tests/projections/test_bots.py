from __future__ import annotations

import pytest

from domain import events as e
from domain.bot import Status
from projections.bots import BotRow, bot_of, bots_of
from projections.runner import Runner
from projections.views import Views
from tests.examples import BOT_ID, OTHER_BOT_ID, OTHER_TENANT, TENANT, after
from tests.projections.sample_events import (
    Log,
    challenged,
    dump,
    registered,
    removed,
    resumed,
    suspended,
    verified,
    withdrawn,
)


@pytest.fixture
def has(log: Log, runner: Runner, views: Views) -> Has:
    return Has(log, runner, views)


class Has:
    """What a tenant has after these events."""

    def __init__(self, log: Log, runner: Runner, views: Views) -> None:
        self._log, self._runner, self._views = log, runner, views

    def __call__(self, tenant_id: str, *events: e.Event) -> list[tuple[int, Status, str, str | None]]:
        if events:
            self._log.append(*events)
        self._runner.catch_up()
        rows = bots_of(self._views, tenant_id)
        return [(row.bot_id, row.status, row.ownership, row.suspended_reason) for row in rows]


MINE = (BOT_ID, Status.ACTIVE, "registered", None)
CLAIMED = (BOT_ID, Status.UNVERIFIED, "unverified", None)


def test_a_registered_bot_is_its_tenants_alone(has: Has, views: Views) -> None:
    assert [MINE] == has(TENANT, registered(seconds=1.5))
    assert [] == has(OTHER_TENANT)
    row = BotRow(BOT_ID, TENANT, "examples_bot", "Examples", Status.ACTIVE, "registered", None, after(1.5), {})
    assert row == bot_of(views, TENANT, BOT_ID)
    assert bot_of(views, OTHER_TENANT, BOT_ID) is None
    assert bot_of(views, TENANT, OTHER_BOT_ID) is None


def test_a_tenants_bots_are_listed_by_their_ids(has: Has) -> None:
    assert [2, 10, 30] == [row[0] for row in has(TENANT, registered(30), registered(2), registered(10))]


def test_a_claimant_sees_an_unverified_bot_and_nothing_of_the_owners(has: Has) -> None:
    assert [CLAIMED] == has(OTHER_TENANT, registered(), challenged(), suspended())
    assert [(BOT_ID, Status.SUSPENDED, "registered", "holiday")] == has(TENANT)
    assert [CLAIMED] == has(OTHER_TENANT, removed())
    assert [] == has(TENANT)


def test_a_suspended_bot_tells_why_until_it_is_resumed(has: Has) -> None:
    assert [(BOT_ID, Status.SUSPENDED, "registered", "holiday")] == has(TENANT, registered(), suspended())
    assert [MINE] == has(TENANT, resumed())


def test_a_withdrawn_claim_is_gone_and_the_owner_stays(has: Has) -> None:
    assert [] == has(OTHER_TENANT, registered(), challenged(), withdrawn())
    assert [MINE] == has(TENANT, withdrawn(tenant_id=TENANT))


def test_a_claimant_becomes_the_owner_by_a_registration_of_its_own(has: Has) -> None:
    assert [MINE] == has(OTHER_TENANT, registered(), challenged(), withdrawn(), registered(tenant_id=OTHER_TENANT))
    assert [] == has(TENANT)


def test_a_new_registration_forgets_the_old_suspension(has: Has) -> None:
    assert [MINE] == has(TENANT, registered(), suspended(), removed(), registered())


def test_a_verified_bot_stays_so_until_it_is_somebody_elses(has: Has) -> None:
    of_a_claimant = has(OTHER_TENANT, registered(), challenged(), verified())

    assert [(BOT_ID, Status.SUSPENDED, "verified", "holiday")] == has(TENANT, suspended())
    assert [(BOT_ID, Status.ACTIVE, "verified", None)] == has(TENANT, resumed())
    assert [CLAIMED] == of_a_claimant
    assert [MINE] == has(TENANT, removed(), registered())


def test_a_takeover_leaves_the_former_owner_nothing(has: Has) -> None:
    taken_over = removed(), withdrawn(), registered(tenant_id=OTHER_TENANT), verified(tenant_id=OTHER_TENANT)

    assert [] == has(TENANT, registered(), suspended(), challenged(), *taken_over)
    assert [(BOT_ID, Status.ACTIVE, "verified", None)] == has(OTHER_TENANT)


def test_no_sealed_token_reaches_the_views(has: Has, views: Views) -> None:
    has(TENANT, registered(), challenged())

    assert "sealed" not in repr(dump(views))
    assert "fingerprint" not in repr(dump(views))
