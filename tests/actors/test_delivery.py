"""Updates are posted at least once, in order per lane, however the endpoint answers and however often we start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actors.messages import DescribeCallback, ListDeliveries, ReplayDeliveries
from domain import bot as lives
from domain import events
from domain.refusal import Refused
from tests.actors.post_office import Office, an_update, on_a_loop
from tests.actors.waiting import answer_of
from tests.examples import BOT_ID, NOON, OTHER_TENANT, TENANT

HOUR_S = 3600.0


def refuses(*update_ids: int) -> Callable[[int], int]:
    return lambda update_id: 500 if update_id in update_ids else 204


def test_an_update_is_posted_as_telegram_wrote_it_and_settled(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.brings(an_update(7, text="caf\u00e9"))
        await office.until(lambda: not office.waiting())

        assert {f"upd_{BOT_ID}_7": an_update(7, text="caf\u00e9")} == office.tenant.bodies
        (delivered,) = office.journal.of(events.UpdateDelivered)
        assert ("push", 1, 7) == (delivered.via, delivered.attempts, delivered.update_id)  # type: ignore[attr-defined]

    on_a_loop(tmp_path, story)


def test_of_one_lane_one_update_is_out_at_a_time_and_the_next_waits_for_it(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.tenant.answers = refuses(1)
        office.brings(an_update(1, chat=5), an_update(2, chat=5), an_update(3, chat=6), an_update(4, chat=6))
        await office.until(lambda: office.tenant.taken == [3, 4])
        await office.rest()
        first = list(office.tenant.posts)
        office.tenant.answers = refuses()
        await office.advance(1.0)
        await office.until(lambda: not office.waiting())

        assert 2 not in first
        assert [3, 4, 1, 2] == office.tenant.taken

    on_a_loop(tmp_path, story)


def test_lanes_go_side_by_side_up_to_eight(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.tenant.answers = lambda _: None
        office.brings(*(an_update(number, chat=number) for number in range(1, 21)))
        await office.until(lambda: len(office.tenant.out) == 8)
        await office.rest()
        office.tenant.answers = refuses()
        for answer in list(office.tenant.out.values()):
            answer.set_result(204)
        await office.until(lambda: not office.waiting())

        assert 8 == office.tenant.most
        assert set(range(1, 21)) == set(office.tenant.taken)

    on_a_loop(tmp_path, story)


def test_a_failure_is_recorded_and_tried_again_later_and_later(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.tenant.answers = refuses(1)
        office.brings(an_update(1))
        await office.until(lambda: len(office.tenant.posts) == 1)
        counts = []
        for seconds in (0.9, 0.2, 4.8, 0.3, 29.0, 1.5):
            await office.advance(seconds)
            counts.append(len(office.tenant.posts))
        failed = office.journal.of(events.UpdateDeliveryFailed)

        assert [1, 2, 2, 3, 3, 4] == counts
        assert [1, 2, 3, 4] == [one.attempt for one in failed]  # type: ignore[attr-defined]
        assert {"HTTP 500"} == {one.cause for one in failed}  # type: ignore[attr-defined]

    on_a_loop(tmp_path, story)


def test_an_update_that_comes_late_with_a_lower_id_is_delivered_too(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.brings(an_update(1000))
        await office.until(lambda: office.tenant.taken == [1000])
        office.tenant.answers = refuses(5000)
        office.brings(an_update(5000, chat=9))
        await office.until(lambda: 5000 in office.tenant.posts)
        # Far below what is known by then, while something still waits.
        office.brings(an_update(3))
        office.tenant.answers = refuses()
        await office.advance(2.0)
        await office.until(lambda: not office.waiting())

        assert {1000, 5000, 3} == set(office.tenant.taken)

    on_a_loop(tmp_path, story)


def test_what_was_left_is_posted_by_the_next_process(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.tenant.answers = refuses(1, 2)
        office.brings(an_update(1, chat=1), an_update(2, chat=2))
        await office.until(lambda: len(office.tenant.posts) == 2)
        await office.stops()
        office.tenant.answers = refuses()
        office.starts()
        await office.until(lambda: not office.waiting())

        assert {1, 2} == set(office.tenant.taken)

    on_a_loop(tmp_path, story)


def test_a_callback_url_that_is_set_later_gets_what_waits(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.brings(an_update(1), an_update(2))
        await office.rest()
        before = list(office.tenant.posts)
        office.calls_back()
        await office.until(lambda: not office.waiting())

        assert ([], [1, 2]) == (before, office.tenant.taken)

    on_a_loop(tmp_path, story)


def test_another_callback_url_is_tried_at_once(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.tenant.answers = refuses(1)
        office.brings(an_update(1))
        await office.until(lambda: office.journal.of(events.UpdateDeliveryFailed))
        office.tenant.answers = refuses()
        office.calls_back("https://elsewhere.example/")
        await office.until(lambda: not office.waiting())

        assert ["https://acme.example/updates", "https://elsewhere.example/"] == office.tenant.urls

    on_a_loop(tmp_path, story)


def test_an_endpoint_that_takes_nothing_for_three_days_is_disabled_a_day_after_a_warning(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.tenant.answers = lambda _: 500
        office.brings(an_update(1))
        await office.until(lambda: office.tenant.posts)
        told: dict[int, list[str]] = {}
        for hour in range(6, 79, 6):
            # Something always waits: what is too old is dropped meanwhile.
            if hour % 12 == 0:
                office.brings(an_update(1 + hour))
            await office.advance(6 * HOUR_S)
            told[hour] = [notice.kind for notice in office.notices if notice.kind != "updates_dropped"]

        assert [] == told[42]
        assert ["endpoint_failing"] == told[54] == told[66]
        assert ["endpoint_failing", "endpoint_disabled"] == told[78]
        (asked,) = office.configured
        assert ({"callback_url": None}, "botloft") == (asked.change, asked.by)
        assert office.callback() is None
        kinds = [event.TOPIC for event in office.journal.of(events.EndpointFailing, events.EndpointRecovered)]
        assert ["endpoint-failing", "endpoint-failing", "endpoint-recovered"] == kinds

    on_a_loop(tmp_path, story)


def test_how_long_an_endpoint_has_failed_outlives_the_process(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.tenant.answers = lambda _: 500
        office.brings(an_update(1))
        await office.until(lambda: office.tenant.posts)
        await office.advance(3 * HOUR_S)
        await office.stops()
        office.starts()
        await office.rest()
        info = await answer_of(office.actor, DescribeCallback(BOT_ID, TENANT))

        assert NOON == info.failing_since
        assert "https://acme.example/updates" == info.callback_url

    on_a_loop(tmp_path, story)


def test_an_endpoint_that_says_it_is_gone_is_disabled_at_once(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.tenant.answers = lambda _: 410
        office.brings(an_update(1, chat=1), an_update(2, chat=2))
        await office.until(lambda: office.notices)

        assert ["endpoint_disabled"] == [notice.kind for notice in office.notices]
        assert 1 == len(office.configured)
        assert [1, 2] == office.waiting()
        assert ([1, 2], 3) == await office.pull()

    on_a_loop(tmp_path, story)


def test_where_it_cannot_be_disabled_the_next_failure_says_so_again(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.fleet_refuses = True
        office.tenant.answers = lambda _: 410
        office.brings(an_update(1))
        await office.until(lambda: office.tenant.posts)
        await office.rest()
        first = list(office.notices)
        office.fleet_refuses = False
        await office.advance(2.0)
        await office.until(lambda: office.notices)

        assert [] == first
        assert 1 == len(office.configured)

    on_a_loop(tmp_path, story)


def test_a_success_forgets_that_it_has_failed(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.tenant.answers = lambda _: 500
        office.brings(an_update(1))
        await office.advance(2 * HOUR_S)
        office.tenant.answers = refuses()
        await office.advance(2 * HOUR_S)
        await office.until(lambda: not office.waiting())
        info = await answer_of(office.actor, DescribeCallback(BOT_ID, TENANT))

        assert (None, 0) == (info.failing_since, info.failures_in_a_row)

    on_a_loop(tmp_path, story)


def test_what_failed_is_listed_and_replayed_by_range(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.tenant.answers = lambda _: 500
        office.brings(*(an_update(number, chat=number % 2) for number in range(1, 5)))
        await office.until(lambda: len(office.journal.of(events.UpdateDeliveryFailed)) == 2)
        failed = await answer_of(office.actor, ListDeliveries(BOT_ID, TENANT, is_failed=True, after=-1, limit=10))
        waiting = await answer_of(office.actor, ListDeliveries(BOT_ID, TENANT, is_failed=False, after=-1, limit=1))
        behind = await answer_of(office.actor, ListDeliveries(BOT_ID, TENANT, is_failed=False, after=3, limit=10))
        office.tenant.answers = refuses()
        count = await answer_of(office.actor, ReplayDeliveries(BOT_ID, TENANT, 1, 1))
        await office.until(lambda: office.waiting() == [2, 4])

        assert [(1, 1, "HTTP 500"), (2, 1, "HTTP 500")] == [(one.update_id, one.attempts, one.cause) for one in failed]
        assert [3] == [one.update_id for one in waiting]
        assert [4] == [one.update_id for one in behind]
        assert 1 == count

    on_a_loop(tmp_path, story)


def test_what_nobody_can_read_any_more_does_not_hold_up_its_lane(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.brings(an_update(1), tenant_id=OTHER_TENANT)
        office.brings(an_update(2))
        await office.until(lambda: not office.waiting())

        assert [2] == office.tenant.taken

    on_a_loop(tmp_path, story)


def test_while_the_store_is_away_nothing_is_lost(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.inbox.is_away = True
        office.brings(an_update(1))
        await office.advance(5.0)
        office.inbox.is_away = False
        await office.advance(5.0)
        await office.until(lambda: not office.waiting())

        assert [1] == office.tenant.taken

    on_a_loop(tmp_path, story)


def test_what_has_waited_for_a_day_is_dropped_and_its_tenant_told_how_much(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.brings(an_update(1), an_update(2), age_s=25 * HOUR_S)
        office.brings(an_update(3), age_s=49 * HOUR_S)
        office.brings(an_update(4), age_s=23 * HOUR_S)
        await office.advance(61.0)
        await office.until(lambda: office.notices)
        (notice,) = office.notices

        assert (
            "updates_dropped",
            f"3 updates of bot {BOT_ID} were dropped: they had waited for more than 24 hours.",
        ) == (
            notice.kind,
            notice.detail,
        )
        assert [4] == office.waiting()
        assert {(BOT_ID, 1), (BOT_ID, 2), (BOT_ID, 4)} == office.ledger.inbox.known(
            (BOT_ID, one) for one in [1, 2, 3, 4]
        )

    on_a_loop(tmp_path, story)


def test_a_bot_that_leaves_its_tenant_takes_its_updates_with_it(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.calls_back()
        office.tenant.answers = lambda _: 500
        office.brings(an_update(1))
        await office.until(lambda: office.tenant.posts)
        removed = lives.remove(office.bot, TENANT, NOON)
        assert isinstance(removed, tuple)
        office.tenants.clear()
        office.becomes(lives.evolve(office.bot, removed[0]))
        await office.until(lambda: not office.waiting())
        posts = len(office.tenant.posts)
        await office.advance(HOUR_S)

        assert posts == len(office.tenant.posts)
        assert set() == office.ledger.inbox.known((BOT_ID, one) for one in [1])

    on_a_loop(tmp_path, story)


@pytest.mark.parametrize(("tenants", "code"), [((), "not_found"), ((OTHER_TENANT, TENANT), "bot_unverified")])
def test_nobody_but_its_owner_sees_what_waits(tmp_path: Path, tenants: tuple[str, ...], code: str) -> None:
    async def story(office: Office) -> None:
        office.tenants[BOT_ID] = tenants
        answers = [
            await answer_of(office.actor, ListDeliveries(BOT_ID, TENANT, is_failed=True, after=-1, limit=1)),
            await answer_of(office.actor, ReplayDeliveries(BOT_ID, TENANT, 1, 2)),
            await answer_of(office.actor, DescribeCallback(BOT_ID, TENANT)),
        ]

        assert [code] * 3 == [answer.code for answer in answers if isinstance(answer, Refused)]
        assert code == await office.pull()

    on_a_loop(tmp_path, story)
