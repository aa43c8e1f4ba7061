"""A webhook that is dark, stolen or gone, and what is done about each."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from actors.doorstep import Address
from actors.ports import Upload
from domain.events import WebhookLost
from domain.hearing import Hearing, Whose
from tests.actors.hearing_world import BAD_WEBHOOK, UNAUTHORIZED, World, on_a_loop, updates
from tests.examples import BOT_ID, TENANT

LEFT = {
    "hearing": Hearing(TENANT, b"path", b"secret"),
    "address": Address("the-path-of-an-earlier-process", "the-secret"),
}
LEFT_URL = "https://bots.example.com/webhook/the-path-of-an-earlier-process"


def test_a_webhook_is_recorded_before_telegram_is_told() -> None:
    async def story(world: World) -> None:
        world.journal.is_away = True
        await world.wants("webhook")
        before = list(world.asked)
        world.journal.is_away = False
        await world.rest()
        told = world.telegram.calls[-1].parameters

        assert [] == before
        assert ["setWebhook"] == world.asked
        assert {"url", "secret_token", "max_connections", "allowed_updates"} == set(told)
        assert 43 == len(str(told["secret_token"]))
        assert "webhook" == world.state

    on_a_loop(story)


def test_a_dark_webhook_gives_way_to_polling_and_comes_back() -> None:
    async def story(world: World) -> None:
        await world.wants("auto")
        world.fails(at=100)
        await world.passes(300)
        during = world.state
        await world.polled(updates(7))
        world.pending = 0
        await world.passes(900 + 30)

        assert "falling back" == during
        assert ["setWebhook", "deleteWebhook", "setWebhook"] == world.asked
        assert ["webhook-set", "webhook-lost", "polling-started", "webhook-restored"] == world.topics
        assert [("raised", "webhook_dark"), ("cleared", "webhook_dark")] == world.alerts
        assert "webhook" == world.state

    on_a_loop(story)


def test_a_webhook_that_is_still_dark_when_it_is_tried_gives_way_again_without_another_alert() -> None:
    async def story(world: World) -> None:
        await world.wants("auto")
        world.fails(at=100)
        await world.passes(300 + 900)
        world.fails(at=200)
        await world.passes(30)

        assert ["setWebhook", "deleteWebhook", "setWebhook", "deleteWebhook"] == world.asked
        assert ["webhook-set", "webhook-lost", "polling-started"] == world.topics
        assert [("raised", "webhook_dark")] == world.alerts
        assert 2 == len(world.polls.calls)
        assert "falling back" == world.state

    on_a_loop(story)


def test_a_webhook_that_brings_something_when_it_is_tried_has_come_back() -> None:
    async def story(world: World) -> None:
        await world.wants("auto")
        world.fails(at=100)
        await world.passes(300 + 900)
        world.fails(at=200)
        await world.brings(7)
        await world.passes(30)

        assert "webhook" == world.state
        assert "webhook-restored" == world.topics[-1]

    on_a_loop(story)


def test_without_a_way_around_it_a_dark_webhook_is_told_of_once_and_set_again() -> None:
    async def story(world: World) -> None:
        await world.wants("webhook")
        world.fails(at=100)
        await world.passes(300)
        world.fails(at=400)
        await world.passes(300)
        world.pending = 0
        await world.passes(300)

        assert ["setWebhook"] * 3 == world.asked
        assert ["webhook-set", "webhook-lost", "webhook-restored"] == world.topics
        assert [("raised", "webhook_dark"), ("cleared", "webhook_dark")] == world.alerts
        assert [] == world.polls.calls

    on_a_loop(story)


def test_a_webhook_whose_secret_telegram_has_wrong_is_set_again_and_not_given_up() -> None:
    async def story(world: World) -> None:
        await world.wants("auto")
        world.fails(at=100)
        assert world.doorstep.whose(world.url.rpartition("/")[2], "an old secret") is None
        await world.passes(300)

        assert ["setWebhook", "setWebhook"] == world.asked
        assert [] == world.polls.calls

    on_a_loop(story)


def test_a_stolen_webhook_is_told_of_once_and_not_fought_for() -> None:
    async def story(world: World) -> None:
        await world.wants("auto")
        world.url = "https://example.com/of-somebody-else"
        await world.passes(900)
        state = world.state
        await world.wants("off")

        assert "stopped: a foreign webhook" == state
        assert ["setWebhook"] == world.asked
        assert ["webhook-set", "webhook-lost", "webhook-removed"] == world.topics
        assert [("raised", "webhook_stolen"), ("cleared", "webhook_stolen")] == world.alerts

    on_a_loop(story)


def test_a_stolen_webhook_that_is_given_back_is_set_again() -> None:
    async def story(world: World) -> None:
        await world.wants("webhook")
        world.url = "https://example.com/of-somebody-else"
        await world.passes(300)
        world.url = ""
        await world.passes(600)

        assert ["setWebhook", "setWebhook"] == world.asked
        assert [("raised", "webhook_stolen"), ("cleared", "webhook_stolen")] == world.alerts
        assert "webhook" == world.state

    on_a_loop(story)


def test_a_webhook_that_is_gone_is_set_again_without_an_alert() -> None:
    async def story(world: World) -> None:
        await world.wants("webhook")
        world.url = ""
        await world.passes(300)

        assert ["setWebhook", "setWebhook"] == world.asked
        assert ["webhook-set", "webhook-lost", "webhook-restored"] == world.topics
        assert [] == world.alerts

    on_a_loop(story)


def test_an_address_that_telegram_refuses_gives_way_to_polling() -> None:
    async def story(world: World) -> None:
        world.refuses = BAD_WEBHOOK
        await world.wants("auto")

        assert ["refused"] == [event.reason for event in world.of(WebhookLost)]  # type: ignore[attr-defined]
        assert 1 == len(world.polls.out)
        assert "falling back" == world.state
        assert [("raised", "webhook_dark")] == world.alerts

    on_a_loop(story)


def test_what_happened_while_the_gateway_was_away_is_not_held_against_the_webhook() -> None:
    async def story(world: World) -> None:
        world.url = LEFT_URL
        world.fails(at=100)
        await world.wants("auto")
        await world.passes(299)
        await world.brings(7)
        world.pending = 0
        await world.passes(600)

        assert [] == world.asked
        assert [] == world.topics
        assert "webhook" == world.state

    on_a_loop(story, **LEFT)


def test_a_host_that_has_moved_tells_telegram_so() -> None:
    async def story(world: World) -> None:
        world.url = LEFT_URL.replace("bots.", "old.")
        await world.wants("webhook")
        await world.passes(1)

        assert LEFT_URL == world.url
        assert [] == world.topics

    on_a_loop(story, **LEFT)


def test_a_bot_that_wants_other_kinds_of_updates_tells_telegram_so() -> None:
    async def story(world: World) -> None:
        world.url = LEFT_URL
        await world.wants("webhook", kinds=("chat_member", "message"))
        await world.passes(1)
        told = world.allowed
        await world.passes(1000)

        assert ("chat_member", "message") == told
        assert ["setWebhook"] == world.asked

    on_a_loop(story, **LEFT)


def test_telegram_gets_the_certificate_that_it_is_to_trust_and_the_renewed_one_when_the_webhook_is_set_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bots.pem"
    path.write_bytes(b"first")

    async def story(world: World) -> None:
        world.url = LEFT_URL
        await world.wants("webhook")
        await world.passes(1)
        first = world.certificate
        path.write_bytes(b"renewed")
        world.url = ""
        await world.passes(300)

        assert Upload("certificate.pem", b"first") == first
        assert Upload("certificate.pem", b"renewed") == world.certificate
        assert ["setWebhook", "setWebhook"] == world.asked

    on_a_loop(story, **LEFT, certificate=path)


def test_without_the_certificate_that_it_needs_a_webhook_is_not_set(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.wants("webhook")

        assert [] == world.asked
        assert "stopped: the certificate cannot be read (No such file or directory)" == world.state

    on_a_loop(story, certificate=tmp_path / "gone.pem")


def test_falling_back_goes_on_in_the_next_process() -> None:
    async def story(world: World) -> None:
        await world.wants("auto")

        assert 1 == len(world.polls.out)
        assert "falling back" == world.state

    hearing = msgspec.structs.replace(LEFT["hearing"], lost="dark", polls=True)
    on_a_loop(story, **{**LEFT, "hearing": hearing})


def test_a_bot_that_another_tenant_took_over_gets_an_address_of_its_own() -> None:
    async def story(world: World) -> None:
        world.url = LEFT_URL
        await world.wants("webhook")

        assert ["webhook-removed", "webhook-set"] == world.topics
        assert ["globex", TENANT] == [one.event.tenant_id for one in world.journal.log]  # type: ignore[attr-defined]
        assert LEFT_URL != world.url
        assert world.doorstep.whose("the-path-of-an-earlier-process", "the-secret") is None

    on_a_loop(story, **{**LEFT, "hearing": Hearing("globex", b"path", b"secret")})


def test_with_a_token_that_is_refused_there_is_nothing_to_take_away() -> None:
    async def story(world: World) -> None:
        await world.wants("webhook")
        world.refuses = UNAUTHORIZED
        await world.wants("off")

        assert "webhook-removed" == world.topics[-1]
        assert BOT_ID in world.checked

    on_a_loop(story)


def test_a_rotated_address_is_the_only_one_and_the_old_one_is_good_until_telegram_has_it() -> None:
    async def story(world: World) -> None:
        await world.wants("webhook")
        former = world.telegram.calls[-1].parameters
        path = str(former["url"]).rpartition("/")[2]
        world.refuses = BAD_WEBHOOK
        refused = await _rotated(world)
        still = world.doorstep.whose(path, str(former["secret_token"]))
        world.refuses = None
        taken = await _rotated(world)

        assert (False, True) == (refused, taken)
        assert Whose(BOT_ID, TENANT) == still
        assert world.doorstep.whose(path, str(former["secret_token"])) is None

    on_a_loop(story)


async def _rotated(world: World) -> bool:
    rotating = asyncio.ensure_future(world.ear.rotate())
    await world.rest()
    return await rotating
