"""Fetching updates: what is not on disk is not confirmed, and whoever is in the way is told apart."""

from __future__ import annotations

from domain.events import UpdateReceived
from domain.failure import never_left
from tests.actors.hearing_world import RIVAL, UNAUTHORIZED, WEBHOOK_SET, World, on_a_loop, updates
from tests.examples import BOT_ID


def test_an_update_is_confirmed_only_when_it_is_on_disk() -> None:
    async def story(world: World) -> None:
        await world.wants("polling")
        world.journal.is_away = True
        await world.polled(updates(7, 8))
        before = len(world.polls.calls)
        world.journal.is_away = False
        await world.rest()

        assert 1 == before
        assert [0, 9] == [call.parameters["offset"] for call in world.polls.calls]
        assert {(BOT_ID, 7), (BOT_ID, 8)} == set(world.journal.inbox)
        assert ["start", "start"] == [event.command for event in world.of(UpdateReceived)]  # type: ignore[attr-defined]
        assert [BOT_ID, BOT_ID] == world.arrived
        assert "polling" == world.state

    on_a_loop(story)


def test_the_kinds_of_updates_that_its_tenant_wants_are_those_that_are_fetched() -> None:
    async def story(world: World) -> None:
        await world.wants("polling", kinds=("chat_member",))

        assert [("chat_member",)] == [call.parameters["allowed_updates"] for call in world.polls.calls]

    on_a_loop(story)


def test_what_cannot_be_kept_is_not_confirmed_and_comes_again() -> None:
    async def story(world: World) -> None:
        await world.wants("polling")
        world.vault_is_away = True
        await world.polled(updates(7))
        world.vault_is_away = False
        await world.passes(2)
        offsets = [call.parameters["offset"] for call in world.polls.calls]
        await world.polled(updates(7))

        assert [0, 0] == offsets
        assert {(BOT_ID, 7)} == set(world.journal.inbox)

    on_a_loop(story)


def test_what_comes_again_is_recorded_once_and_confirmed_again() -> None:
    async def story(world: World) -> None:
        await world.wants("polling")
        await world.polled(updates(7))
        await world.polled(updates(7, 8))

        assert [7, 8] == [event.update_id for event in world.of(UpdateReceived)]  # type: ignore[attr-defined]
        assert [BOT_ID, BOT_ID] == world.arrived
        assert 9 == world.polls.calls[-1].parameters["offset"]

    on_a_loop(story)


def test_what_is_no_update_does_not_keep_the_others_from_coming() -> None:
    async def story(world: World) -> None:
        await world.wants("polling")
        answer = updates(7, 8)
        await world.polled(type(answer)(answer.result.replace(b'"update_id":7,"message":{', b'"update_id":7},{')))
        await world.passes(60)

        assert world.polls.out

    on_a_loop(story)


def test_a_full_journal_takes_the_rest_of_an_answer_later() -> None:
    async def story(world: World) -> None:
        world.journal.max_backlog = 1
        await world.wants("polling")
        world.journal.is_away = True
        await world.polled(updates(7, 8))
        world.journal.is_away = False
        await world.passes(5)

        assert [0, 9] == [call.parameters["offset"] for call in world.polls.calls]
        assert 2 == len(world.journal.inbox)
        assert world.doorstep.turned_away >= 1

    on_a_loop(story)


def test_failed_polls_come_again_ever_more_slowly_and_a_good_one_ends_that() -> None:
    async def story(world: World) -> None:
        world.polls.works(never_left("no connection"))
        await world.wants("polling")
        await world.passes(200)
        failed = [call.at - 1000 for call in world.polls.calls]
        world.polls.waits()
        await world.passes(60)
        await world.polled(updates(7))

        assert [0, 1, 3, 7, 15, 31, 63, 123, 183] == failed
        assert 1 == len(world.polls.out)

    on_a_loop(story)


def test_a_rival_is_told_of_once_and_left_alone_longer_and_longer() -> None:
    async def story(world: World) -> None:
        world.polls.works(RIVAL)
        await world.wants("polling")
        await world.passes(500)
        polls = [call.at - 1000 for call in world.polls.calls]
        state, alerts = world.state, list(world.alerts)
        world.polls.waits()
        await world.passes(480)
        await world.polled(updates(7))
        too_early = list(world.alerts)
        await world.passes(601)
        await world.polled(updates(8))

        assert [0, 60, 180, 420] == polls
        assert "stopped: somebody else polls with this token" == state
        assert [("raised", "updates_rival")] == alerts == too_early
        assert [("raised", "updates_rival"), ("cleared", "updates_rival")] == world.alerts
        assert "polling" == world.state

    on_a_loop(story)


def test_a_foreign_webhook_is_not_touched_and_looked_for_slowly() -> None:
    async def story(world: World) -> None:
        world.url = "https://example.com/of-somebody-else"
        await world.wants("polling")
        await world.polled(WEBHOOK_SET)
        await world.passes(299)
        state, polls = world.state, len(world.polls.calls)
        await world.passes(2)
        world.url = ""
        await world.polled(updates(7))

        assert ("stopped: a foreign webhook", 1) == (state, polls)
        assert [] == world.asked
        assert [("raised", "webhook_foreign"), ("cleared", "webhook_foreign")] == world.alerts
        assert "polling" == world.state

    on_a_loop(story)


def test_a_webhook_of_ours_in_the_way_is_taken_away() -> None:
    async def story(world: World) -> None:
        await world.wants("polling")
        world.url = "https://bots.example.com/webhook/left-behind"
        await world.polled(WEBHOOK_SET)

        assert ["deleteWebhook"] == world.asked
        assert 1 == len(world.polls.out)

    on_a_loop(story)


def test_a_refused_token_is_looked_into() -> None:
    async def story(world: World) -> None:
        await world.wants("polling")
        await world.polled(UNAUTHORIZED)

        assert [BOT_ID] == world.checked

    on_a_loop(story)


def test_without_a_public_address_auto_polls() -> None:
    async def story(world: World) -> None:
        await world.wants("auto")

        assert 1 == len(world.polls.out)
        assert "polling" == world.state
        assert [] == world.asked

    on_a_loop(story, public_url=None)
