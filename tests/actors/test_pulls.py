"""Updates are fetched as with getUpdates: an offset confirms what was handed out, and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

from actors.delivery.mail import EndPulls
from actors.messages import StopPulling
from domain import events
from tests.actors.post_office import Office, an_update, on_a_loop
from tests.examples import BOT_ID, TENANT


def test_what_is_not_confirmed_is_handed_out_again(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.brings(an_update(3), an_update(1), an_update(2))

        assert ([1, 2], 3) == await office.pull(limit=2)
        assert ([1, 2], 3) == await office.pull(limit=2)
        assert ([2, 3], 4) == await office.pull(offset=2)
        assert ([3], 4) == await office.pull(offset=3)
        assert ([], 4) == await office.pull(offset=4)
        office.journal.commit()
        delivered = office.journal.of(events.UpdateDelivered)
        assert [(1, "pull"), (2, "pull"), (3, "pull")] == [(one.update_id, one.via) for one in delivered]  # type: ignore[attr-defined]

    on_a_loop(tmp_path, story)


def test_an_offset_confirms_nothing_that_was_not_handed_out(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.brings(an_update(10), an_update(12))

        assert ([10, 12], 13) == await office.pull(offset=999)
        office.brings(an_update(11))
        assert ([11], 12) == await office.pull(offset=13)
        assert [11] == office.waiting()

    on_a_loop(tmp_path, story)


def test_another_process_confirms_nothing_of_what_this_one_has_handed_out(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.brings(an_update(1))
        await office.pull()
        await office.stops()
        office.starts()

        assert ([1], 2) == await office.pull(offset=2)
        assert ([], 2) == await office.pull(offset=2)

    on_a_loop(tmp_path, story)


def test_who_waits_is_told_as_soon_as_something_comes(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        waits = asyncio.ensure_future(office.pull(timeout_s=50))
        await office.rest()
        office.brings(an_update(1))

        assert ([1], 2) == await waits

    on_a_loop(tmp_path, story)


def test_who_waits_in_vain_is_told_so_in_time(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        waits = asyncio.ensure_future(office.pull(offset=7, timeout_s=50))
        await office.advance(49.0)
        early = waits.done()
        await office.advance(1.5)

        assert (False, ([], 7)) == (early, await waits)

    on_a_loop(tmp_path, story)


def test_a_newer_question_ends_the_older_one(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        older = asyncio.ensure_future(office.pull(timeout_s=50))
        await office.rest()
        newer = asyncio.ensure_future(office.pull(timeout_s=50))
        await office.rest()
        office.brings(an_update(1))

        assert ("updates_conflict", ([1], 2)) == (await older, await newer)

    on_a_loop(tmp_path, story)


def test_who_has_gone_is_handed_nothing(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        gone = asyncio.ensure_future(office.pull(timeout_s=50, name="gone"))
        await office.rest()
        office.actor.tell(StopPulling(BOT_ID, TENANT, "another"))
        office.actor.tell(StopPulling(BOT_ID, TENANT, "gone"))
        await gone
        office.brings(an_update(1))
        await office.rest()

        assert ([1], 2) == await office.pull(offset=2)

    on_a_loop(tmp_path, story)


def test_a_stop_ends_the_waiting(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        waits = asyncio.ensure_future(office.pull(timeout_s=50))
        await office.rest()
        office.actor.tell(EndPulls())

        assert "shutting_down" == await waits
        assert "shutting_down" == await office.pull()

    on_a_loop(tmp_path, story)


def test_where_updates_are_posted_nobody_fetches_them(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        waits = asyncio.ensure_future(office.pull(timeout_s=50))
        await office.rest()
        office.calls_back()

        assert "updates_pushed" == await waits
        assert "updates_pushed" == await office.pull()

    on_a_loop(tmp_path, story)


def test_what_could_not_be_settled_stays_handed_out(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.brings(an_update(1))
        await office.pull()
        office.inbox.is_away = True
        failed = await office.pull(offset=2)
        office.inbox.is_away = False

        assert "store_unavailable" == failed
        assert ([], 2) == await office.pull(offset=2)

    on_a_loop(tmp_path, story)
