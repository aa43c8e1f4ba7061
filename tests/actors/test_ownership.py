"""Codes that prove whose a bot is: given, heard where the bot is heard, used once; and what a takeover leaves of it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest

from actors.messages import CodeIssued, ConfigureBot, RemoveBot, RotateToken, SuspendBot
from actors.proving import proven
from actors.takeover import noting, taken_over, untold
from domain import events as e
from domain.codes import hashed
from domain.errors import StoreUnavailable
from domain.failure import Answer
from domain.ownership import LIFETIME, TAKEN_OVER, Ownership
from domain.refusal import Refused
from domain.rules.pacing import PacePolicy
from domain.store.mapper import Recorded
from tests.actors.fleets import ended
from tests.actors.ownership_world import CHAT, ITSELF, PUBLIC_URL, World, another_token, called, on_a_loop, said
from tests.doubles import BROKEN, DELIVERED, LOST, REFUSED_CONNECTION, RESTARTING, REVOKED, TEAPOT, UNLIMITED, flood
from tests.examples import BOT_ID, NOON, OTHER_TENANT, TENANT, a_token

SECONDS = LIFETIME.total_seconds()


# Codes


def test_a_code_is_told_once_and_only_its_hash_is_kept() -> None:
    async def story(world: World) -> None:
        world.pending = 3
        issued = await world.asks()

        assert isinstance(issued, CodeIssued)
        assert re.fullmatch(r"[A-Za-z0-9_-]{22}", issued.code)
        assert ("examples_bot", NOON + LIFETIME, 3) == (issued.username, issued.expires_at, issued.pending)
        assert [hashed(issued.code)] == [event.code_hash for event in world.of(e.OwnershipCodeIssued)]
        assert issued.code not in f"{issued!r} {list(issued.__rich_repr__())} {world.fleet.journal.events}"

    on_a_loop(story)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (REVOKED, "token_unauthorized"),
        (REFUSED_CONNECTION, "telegram_unreachable"),
        (flood(9), "telegram_hold"),
        (DELIVERED, None),
        (replace(DELIVERED, result=b"[]"), "telegram_unreachable"),
    ],
)
def test_where_a_code_would_be_of_no_use_none_is_given(answer: Answer, code: str | None) -> None:
    async def story(world: World) -> None:
        world.answer = answer
        told = await world.asks()

        assert code == (told.code if isinstance(told, Refused) else None)
        assert (code is None) == bool(world.of(e.OwnershipCodeIssued))

    on_a_loop(story)


def test_a_code_is_for_the_name_that_the_bot_has_now_or_for_the_known_one_where_telegram_does_not_say() -> None:
    async def story(world: World) -> None:
        names = []
        for answer in (called("new_name_bot"), LOST):
            world.itself = answer
            issued = await world.asks()
            names.append(getattr(issued, "username", issued))

        assert ["new_name_bot", "examples_bot"] == names

    on_a_loop(story)


@pytest.mark.parametrize(
    ("url", "code"),
    [("", None), (f"{PUBLIC_URL}/webhook/ours", None), ("https://example.com/webhook/theirs", "foreign_webhook")],
)
def test_a_webhook_elsewhere_is_said_and_not_touched(url: str, code: str | None) -> None:
    async def story(world: World) -> None:
        world.url = url
        told = await world.asks()

        assert code == (told.code if isinstance(told, Refused) else None)
        assert {"getWebhookInfo", "getMe"} >= {call.method for call in world.fleet.telegram.calls}

    on_a_loop(story)


def test_the_sixth_code_within_an_hour_is_refused_until_the_first_is_an_hour_old() -> None:
    async def story(world: World) -> None:
        for _ in range(5):
            await world.gets()
            await world.fleet.advance(60)
        calls = len(world.fleet.telegram.calls)
        told = await world.asks()

        assert isinstance(told, Refused)
        assert ("rate_limited", 3300.0) == (told.code, told.retry_after_s)
        assert calls == len(world.fleet.telegram.calls)
        await world.fleet.advance(3300)
        assert await world.gets()

    on_a_loop(story)


def test_a_stranger_and_a_bot_that_nobody_has_get_the_same_answer() -> None:
    async def story(world: World) -> None:
        told = await world.asks("initech")

        assert isinstance(told, Refused)
        assert "not_found" == told.code
        assert [] == world.fleet.telegram.calls

    on_a_loop(story)


def test_a_store_that_is_away_gives_no_code() -> None:
    async def story(world: World) -> None:
        world.fleet.shelf.trouble = StoreUnavailable()
        told = await world.asks()

        assert isinstance(told, Refused)
        assert "store_unavailable" == told.code

    on_a_loop(story)


# Heard at the doorstep


def test_a_code_in_a_private_chat_proves_it_and_the_bot_answers_there() -> None:
    async def story(world: World) -> None:
        await world.verifies()
        await world.fleet.until(lambda: world.of(e.CommandDelivered))
        (answer,) = world.answers_in(CHAT)

        assert Ownership.VERIFIED is world.ownership()
        assert a_token() == answer.token
        assert str(answer.text).startswith("Verified.")
        assert [TENANT] == [event.tenant_id for event in world.of(e.CommandDelivered)]
        assert isinstance(world.told[0], int)

    on_a_loop(story)


@pytest.mark.parametrize(
    "update",
    [
        lambda code: said(f"/start {code}", chat=-100),
        lambda code: said(f"/start {code}", kind="edited_message"),
        lambda code: said(f"/start {code} and more"),
        lambda code: said(f"/stop {code}"),
        said,
        lambda _: said("/start"),
        lambda _: said("/start somethingelse"),
        lambda code: said(f"/start {code.swapcase()}"),
        lambda code: said(f"/start@another_bot {code}"),
        lambda code: said(f"/start@examples_bot_2 {code}"),
        lambda code: said(f"/start@ {code}"),
    ],
)
def test_anything_else_is_an_update_like_any_other(update: Any) -> None:
    async def story(world: World) -> None:
        await world.brings(update(await world.gets()))
        await world.fleet.rest()

        assert 1 == world.received
        assert Ownership.REGISTERED is world.ownership()
        assert [] == world.answers_in(CHAT)

    on_a_loop(story)


@pytest.mark.parametrize("command", ["/start@examples_bot", "/START@Examples_Bot"])
def test_a_code_proves_it_where_the_bot_itself_is_named(command: str) -> None:
    async def story(world: World) -> None:
        await world.brings(said(f"{command} {await world.gets()}"))

        assert Ownership.VERIFIED is world.ownership()

    on_a_loop(story)


def test_a_code_proves_it_by_the_name_that_the_bot_has_at_that_moment_which_is_then_known() -> None:
    async def story(world: World) -> None:
        code = await world.gets()
        world.itself = called("New_Name_Bot")
        await world.brings(said(f"/start@examples_bot {code}", 1))
        by_the_old_one = world.ownership()
        await world.brings(said(f"/start@new_name_bot {code}", 2))
        await world.fleet.until(lambda: world.answers_in(CHAT))

        assert (Ownership.REGISTERED, Ownership.VERIFIED) == (by_the_old_one, world.ownership())
        assert ["New_Name_Bot"] == [event.username for event in world.of(e.BotRenamed)]
        assert [int, int] == [type(told) for told in world.told]

    on_a_loop(story)


def test_a_claimant_takes_the_bot_over_by_its_new_name_and_in_the_same_commit_it_is_called_so() -> None:
    async def story(world: World) -> None:
        await world.claim()
        code = await world.gets(OTHER_TENANT)
        world.itself = called("new_name_bot")
        await world.brings(said(f"/start@new_name_bot {code}"))
        lives = [one.event.TOPIC for one in world.fleet.journal.log if one.stream == f"bot/{BOT_ID}"]

        assert ["bot-registered", "ownership-verified", "bot-renamed"] == lives[-3:]
        assert ("new_name_bot", OTHER_TENANT) == (
            world.bot.owner and (world.bot.owner.username, world.bot.owner.tenant_id)
        )
        assert [taken_over(TENANT, BOT_ID)] == world.fleet.notices

    on_a_loop(story)


def test_a_code_that_names_another_bot_has_telegram_asked_once_a_minute_however_often_it_is_seen() -> None:
    async def story(world: World) -> None:
        code = await world.gets()
        for number in range(20):
            await world.brings(said(f"/start@another_bot_{number} {code}", number))
            await world.fleet.advance(3)
        often = world.asked
        await world.fleet.advance(60)
        world.itself = called("another_bot")
        await world.brings(said(f"/start@another_bot {code}", 20))

        assert 1 == often
        assert Ownership.VERIFIED is world.ownership()
        assert {int} == {type(told) for told in world.told}

    on_a_loop(story)


def test_a_code_sent_under_a_wrong_name_keeps_none_from_counting_that_is_sent_right() -> None:
    async def story(world: World) -> None:
        code = await world.gets()
        await world.brings(said(f"/start@another_bot {code}", 1))
        await world.brings(said(f"/start {code}", 2))

        assert Ownership.VERIFIED is world.ownership()

    on_a_loop(story)


def test_a_code_that_was_used_or_is_too_old_is_met_with_silence() -> None:
    async def story(world: World) -> None:
        old = await world.gets()
        await world.fleet.advance(SECONDS)
        await world.brings(said(f"/start {old}", 1))
        before = len(world.of(e.OwnershipVerified))
        code = await world.gets()
        await world.brings(said(f"/start {code}", 2))
        await world.brings(said(f"/start {code}", 3))
        await world.fleet.until(lambda: world.answers_in(CHAT))
        await world.fleet.rest()

        assert 0 == before
        assert 1 == len(world.of(e.OwnershipVerified))
        assert 1 == len(world.answers_in(CHAT))

    on_a_loop(story)


def test_a_proof_over_which_the_bot_fails_is_not_confirmed_and_counts_when_it_comes_again_a_minute_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed: list[int] = []

    def fails_once(*args: Any) -> None:
        if not failed:
            failed.append(BOT_ID)
            raise RuntimeError
        proven(*args)

    monkeypatch.setattr("actors.bot.proven", fails_once)

    async def story(world: World) -> None:
        update = said(f"/start {await world.gets()}")
        await world.brings(update)
        asked = world.asked
        await world.fleet.advance(30)
        await world.brings(update)
        asked_again, too_soon = world.asked, world.ownership()
        await world.fleet.advance(31)
        await world.brings(update)

        assert [False, False] == [isinstance(told, int) for told in world.told[:2]]
        assert (Ownership.REGISTERED, Ownership.VERIFIED) == (too_soon, world.ownership())
        assert asked == asked_again < world.asked

    on_a_loop(story)


def test_a_proof_that_cannot_be_recorded_is_not_confirmed_and_counts_when_telegram_brings_it_again() -> None:
    async def story(world: World) -> None:
        code = await world.gets()
        world.fleet.shelf.trouble = StoreUnavailable()
        await world.brings(said(f"/start {code}"))
        before = world.ownership()
        world.fleet.shelf.trouble = None
        await world.brings(said(f"/start {code}"))

        assert Ownership.REGISTERED is before
        assert [StoreUnavailable, int] == [type(told) for told in world.told]
        assert 1 == world.received
        assert Ownership.VERIFIED is world.ownership()

    on_a_loop(story)


def test_what_a_crash_kept_from_being_acted_on_counts_when_telegram_brings_it_to_the_next_process() -> None:
    codes: list[str] = []

    async def story(world: World) -> None:
        codes.append(await world.gets())
        world.fleet.shelf.trouble = StoreUnavailable()
        await world.brings(said(f"/start {codes[0]}"))

    async def then(world: World) -> None:
        await world.brings(said(f"/start {codes[0]}"))

        assert 1 == world.received
        assert Ownership.VERIFIED is world.ownership()

    on_a_loop(story, then=then)


@pytest.mark.parametrize(
    ("answer", "waits_s"),
    [
        (LOST, 2),
        (REFUSED_CONNECTION, 2),
        (BROKEN, 2),
        (RESTARTING, 2),
        (flood(9), 9),
        (TEAPOT, 2),
        (replace(DELIVERED, result=b"[]"), 2),
    ],
)
def test_a_good_code_outlives_a_telegram_that_cannot_be_asked_about_the_token(answer: Answer, waits_s: float) -> None:
    async def story(world: World) -> None:
        update = said(f"/start {await world.gets()}")
        world.answer = answer
        await world.brings(update)
        world.answer = None
        await world.fleet.advance(waits_s - 1)
        await world.brings(update)
        before = world.ownership(), world.asked
        await world.fleet.advance(1)
        await world.brings(update)
        await world.brings(update)
        await world.fleet.until(lambda: world.answers_in(CHAT))

        assert (Ownership.REGISTERED, 1) == before
        assert [StoreUnavailable, StoreUnavailable, int, int] == [type(told) for told in world.told]
        assert Ownership.VERIFIED is world.ownership()
        assert (1, 2) == (len(world.of(e.OwnershipVerified)), world.asked)

    on_a_loop(story)


def test_a_telegram_that_cannot_be_asked_makes_no_code_live_longer() -> None:
    async def story(world: World) -> None:
        update = said(f"/start {await world.gets()}")
        world.answer = LOST
        await world.fleet.advance(SECONDS - 1)
        await world.brings(update)
        await world.fleet.advance(1)
        world.answer = None
        await world.brings(update)

        assert [StoreUnavailable, int] == [type(told) for told in world.told]
        assert Ownership.REGISTERED is world.ownership()

    on_a_loop(story)


def test_a_token_that_is_replaced_while_telegram_is_asked_about_the_old_one_costs_no_code() -> None:
    async def story(world: World) -> None:
        update = said(f"/start {await world.gets()}")
        world.fleet.telegram.will(None)
        bringing = asyncio.ensure_future(world.brings(update))
        await world.fleet.until(lambda: world.fleet.telegram.out)
        await world.fleet.told(world.fleet.ask(RotateToken(BOT_ID, TENANT, another_token())))
        world.fleet.telegram.out[0].gets(ITSELF)
        await bringing
        await world.brings(update)

        assert [StoreUnavailable, int] == [type(told) for told in world.told]
        assert Ownership.VERIFIED is world.ownership()

    on_a_loop(story)


def test_one_401_is_a_slip_of_telegrams_as_everywhere_and_ends_no_proof() -> None:
    async def story(world: World) -> None:
        update = said(f"/start {await world.gets()}")
        world.fleet.telegram.will(REVOKED)
        await world.brings(update)

        assert Ownership.VERIFIED is world.ownership()
        assert 2 == world.asked

    on_a_loop(story)


def test_a_401_and_then_no_word_ends_no_proof_either() -> None:
    async def story(world: World) -> None:
        update = said(f"/start {await world.gets()}")
        world.fleet.telegram.will(REVOKED, LOST)
        await world.brings(update)
        await world.fleet.advance(2)
        await world.brings(update)

        assert [StoreUnavailable, int] == [type(told) for told in world.told]
        assert Ownership.VERIFIED is world.ownership()

    on_a_loop(story)


def test_a_token_that_was_revoked_since_takes_no_bot_from_who_has_the_new_one() -> None:
    async def story(world: World) -> None:
        await world.claim()
        code = await world.gets(OTHER_TENANT)
        world.revoked.append(another_token())
        await world.brings(said(f"/start {code}"))
        await world.fleet.rest()

        assert Ownership.REGISTERED is world.ownership()
        assert isinstance(world.told[0], int)

    on_a_loop(story)


def test_a_remembered_word_on_the_token_vouches_for_nothing() -> None:
    async def story(world: World) -> None:
        code = await world.gets()
        await world.brings(said(f"/start@another_bot {code}", 1))
        world.revoked.append(a_token())
        await world.brings(said(f"/start {code}", 2))

        assert Ownership.REGISTERED is world.ownership()

    on_a_loop(story)


def test_what_was_said_of_a_revoked_token_is_not_said_of_the_one_in_its_place() -> None:
    async def story(world: World) -> None:
        code = await world.gets()
        world.revoked.append(a_token())
        await world.brings(said(f"/start {code}", 1))
        await world.fleet.told(world.fleet.ask(RotateToken(BOT_ID, TENANT, another_token())))
        await world.brings(said(f"/start {code}", 2))

        assert Ownership.VERIFIED is world.ownership()

    on_a_loop(story)


# A takeover


def test_a_takeover_is_one_commit_and_the_former_tenant_is_told_once() -> None:
    async def story(world: World) -> None:
        await world.claim()
        await world.verifies(OTHER_TENANT)
        lives = [one.event.TOPIC for one in world.fleet.journal.log if one.stream == f"bot/{BOT_ID}"]

        assert ["bot-removed", "challenge-withdrawn", "bot-registered", "ownership-verified"] == lives[-4:]
        assert [taken_over(TENANT, BOT_ID)] == world.fleet.notices
        assert OTHER_TENANT not in repr(world.fleet.notices)
        assert (OTHER_TENANT,) == world.fleet.slot.tenants

    on_a_loop(story)


def test_of_the_former_tenants_commands_those_that_wait_are_cancelled_and_those_at_telegram_end_as_they_end() -> None:
    async def story(world: World) -> None:
        await world.claim()
        world.fleet.telegram.will(flood(300))
        held = world.fleet.say("makes the others of its chat wait", chat=5, deadline_s=1.0)
        await world.fleet.told(held)
        asleep = world.fleet.say("asleep", chat=5, deadline_s=3600.0, patient=True)
        world.fleet.telegram.will(None)
        at_telegram, behind = world.fleet.say("at Telegram", chat=6), world.fleet.say("behind it", chat=6)
        await world.fleet.until(lambda: "at Telegram" in world.fleet.telegram.texts)
        await world.verifies(OTHER_TENANT)
        waiting = await world.fleet.told(asleep, behind)
        world.fleet.telegram.out[0].gets(DELIVERED)
        delivered = await world.fleet.told(at_telegram)
        refused = await world.fleet.told(world.fleet.say("too late"))
        await world.fleet.advance(1)
        mine = await world.fleet.told(world.fleet.say("mine", chat=8, tenant_id=OTHER_TENANT))

        assert [("not_sent", "cancelled")] * 2 == [ended(told) for told in waiting]
        assert ("delivered", "") == ended(delivered)
        assert ("refused", "not_found") == ended(refused)
        assert ("delivered", "") == ended(mine)
        tokens = {str(call.text): call.token for call in world.fleet.telegram.calls if call.text}
        assert (a_token(), another_token()) == (tokens["at Telegram"], tokens["mine"])
        assert "behind it" not in tokens

    on_a_loop(story)


def test_telegram_sees_the_same_bot_and_its_holds_stay_but_the_pace_that_the_former_tenant_set_goes_with_it() -> None:
    async def story(world: World) -> None:
        slowly = ConfigureBot(BOT_ID, TENANT, {"bot_rps": 0.01, "chat_rps": 0.01}, "tenant")
        await world.fleet.told(world.fleet.ask(slowly))
        world.fleet.telegram.will(flood(300))
        await world.fleet.told(world.fleet.say("too fast", chat=5, deadline_s=1.0))
        await world.fleet.advance(100)
        await world.fleet.told(world.fleet.say("last words", chat=CHAT))
        await world.claim()
        await world.verifies(OTHER_TENANT)
        asked = world.fleet.say("mine", chat=CHAT, tenant_id=OTHER_TENANT)
        await world.fleet.rest()
        at_once = len(world.answers_in(CHAT))
        await world.fleet.advance(10)
        mine = await world.fleet.told(asked)
        held = await world.fleet.told(world.fleet.say("mine too", chat=5, tenant_id=OTHER_TENANT, deadline_s=1.0))

        assert ("delivered", "") == ended(mine)
        assert ("not_sent", "telegram_hold") == ended(held)
        assert 1 == at_once, "what Telegram saw a moment ago counts"

    on_a_loop(story, replace(UNLIMITED, pace=PacePolicy()))


def test_what_the_former_tenants_token_has_brought_upon_the_bot_is_over() -> None:
    async def story(world: World) -> None:
        await world.claim()
        world.revoked.append(a_token())
        await world.fleet.told(world.fleet.say("refused"))
        await world.fleet.until(lambda: world.of(e.BotSuspended))
        await world.verifies(OTHER_TENANT)
        told = await world.fleet.told(world.fleet.say("mine", chat=8, tenant_id=OTHER_TENANT))

        assert ("delivered", "") == ended(told)
        assert world.bot.suspended is None

    on_a_loop(story)


def test_a_late_word_on_the_former_token_suspends_nobody() -> None:
    async def story(world: World) -> None:
        await world.claim()
        code = await world.gets(OTHER_TENANT)
        world.fleet.telegram.will(REVOKED, None)
        await world.fleet.told(world.fleet.say("refused"))
        await world.fleet.until(lambda: world.fleet.telegram.out)
        (check,) = world.fleet.telegram.out
        await world.brings(said(f"/start {code}"))
        check.gets(REVOKED)
        await world.fleet.rest()

        assert Ownership.VERIFIED is world.ownership(OTHER_TENANT)
        assert [] == world.of(e.BotSuspended)

    on_a_loop(story)


@pytest.mark.parametrize("leaves", [TENANT, OTHER_TENANT])
def test_who_has_left_meanwhile_proves_nothing(leaves: str) -> None:
    async def story(world: World) -> None:
        await world.claim()
        code = await world.gets(leaves)
        await world.fleet.told(world.fleet.ask(RemoveBot(BOT_ID, leaves)))
        await world.brings(said(f"/start {code}"))

        assert [] == world.of(e.OwnershipVerified)

    on_a_loop(story)


def test_a_notice_that_a_crash_swallowed_is_given_by_the_next_process_and_no_other() -> None:
    def removed(tenant_id: str, reason: str = TAKEN_OVER) -> Recorded:
        gone = e.BotRemoved(occurred_at=NOON, bot_id=BOT_ID, tenant_id=tenant_id, by="botloft", reason=reason)
        return Recorded(1, f"bot/{BOT_ID}", 1, gone)

    def given(kind: str = "bot_taken_over") -> Recorded:
        notice = e.NoticeGiven(occurred_at=NOON, tenant_id=TENANT, kind=kind, detail="", bot_id=BOT_ID)
        return Recorded(2, "notices/acme", 1, notice)

    lives = [removed(TENANT), removed(OTHER_TENANT), removed(TENANT), removed(TENANT, "it left")]
    found: list[e.BotRemoved] = []
    passed = list(noting(lives, found))

    assert lives == passed
    assert [taken_over(TENANT, BOT_ID), taken_over(OTHER_TENANT, BOT_ID)] == list(
        untold(found, {TENANT: [given(), given("bot_suspended")], OTHER_TENANT: []}.__getitem__)
    )
    assert [] == list(untold(found[:1], {TENANT: [given()]}.__getitem__))


# Where proof is asked for


def test_commands_and_listening_wait_for_the_proof_where_it_is_asked_for() -> None:
    async def story(world: World) -> None:
        before = await world.fleet.told(world.fleet.say("too early"))
        listens = ConfigureBot(BOT_ID, TENANT, {"updates": "polling"}, "tenant")
        paces = ConfigureBot(BOT_ID, TENANT, {"bot_rps": 3}, "tenant")
        first = await world.fleet.told(world.fleet.ask(listens))
        other = await world.fleet.told(
            world.fleet.ask(paces), world.fleet.ask(SuspendBot(BOT_ID, TENANT, "", "tenant"))
        )
        await world.verifies()
        second = await world.fleet.told(world.fleet.ask(listens))

        assert ("refused", "bot_unverified") == ended(before)
        assert ["bot_unverified", None] == [getattr(told, "code", None) for told in (first, second)]
        assert not any(isinstance(told, Refused) for told in other)

    on_a_loop(story, replace(UNLIMITED, require_ownership=True))


def test_after_the_proof_commands_go_and_a_new_process_knows_it() -> None:
    async def story(world: World) -> None:
        await world.verifies()

        assert ("delivered", "") == ended(await world.fleet.told(world.fleet.say("now")))

    async def then(world: World) -> None:
        assert ("delivered", "") == ended(await world.fleet.told(world.fleet.say("again")))

    on_a_loop(story, replace(UNLIMITED, require_ownership=True), then=then)
