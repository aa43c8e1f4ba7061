"""What becomes of a bot when Telegram is asked about its token, and when it gets another."""

from __future__ import annotations

import msgspec
import pytest

from domain import events as e
from domain.bot import ADMIN, Bot, Decision, Identity
from domain.failure import Answer, Delivered, lost_answer
from domain.identities import REVOKED
from domain.refusal import Refused
from domain.rules.validation import Verdict
from domain.token_life import Found, judged, may_change, rotate, seen
from tests.examples import BOT_ID, NOON, OTHER_TENANT, TENANT, a_bot, a_token, an_identity

WHO = {"occurred_at": NOON, "bot_id": BOT_ID, "tenant_id": TENANT}
VALID = Found(Verdict.VALID, "examples_bot", "Examples")
GONE = Found(Verdict.REVOKED)
NOTHING_SAID = [Found(verdict) for verdict in Verdict if verdict not in (Verdict.VALID, Verdict.REVOKED)]
NEW = an_identity(token_sealed=b"\x01another", token_fingerprint="another")


def registered() -> e.BotRegistered:
    return e.BotRegistered(occurred_at=NOON, bot_id=BOT_ID, **msgspec.structs.asdict(an_identity()))


def challenged(who: Identity) -> e.OwnershipChallenged:
    return e.OwnershipChallenged(occurred_at=NOON, bot_id=BOT_ID, **msgspec.structs.asdict(who))


def suspended(reason: str = REVOKED, by: str = "botloft") -> e.BotSuspended:
    return e.BotSuspended(**WHO, reason=reason, by=by)


def topics(decision: Decision) -> list[str]:
    assert not isinstance(decision, Refused), decision
    return [event.TOPIC for event in decision]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (
            Delivered(b'{"id":%d,"username":"examples_bot","first_name":"Examples","can_join_groups":true}' % BOT_ID),
            VALID,
        ),
        (Delivered(b'{"id":5,"username":"other_bot","first_name":"O"}'), Found(Verdict.UNKNOWN_ERROR)),
        (Delivered(b"true"), Found(Verdict.UNKNOWN_ERROR)),
        (lost_answer("no answer in time", timed_out=True), Found(Verdict.TIMEOUT)),
    ],
)
def test_telegrams_answer_is_judged_with_the_names_in_it(answer: Answer, found: Found) -> None:
    assert found == judged(a_token(), answer, was_valid=True)


def test_a_good_token_of_a_bot_at_work_changes_nothing() -> None:
    assert () == seen(a_bot(registered()), VALID, NOON)


def test_a_revoked_token_suspends_the_bot_once() -> None:
    bot = a_bot(registered())
    (happened,) = seen(bot, GONE, NOON)

    assert e.BotSuspended(**WHO, reason=REVOKED, by="botloft") == happened
    assert () == seen(a_bot(registered(), happened), GONE, NOON)


@pytest.mark.parametrize("found", NOTHING_SAID)
@pytest.mark.parametrize("life", [(), (suspended(),)], ids=["at work", "refused"])
def test_an_answer_that_says_nothing_about_the_token_changes_nothing(found: Found, life: tuple[e.Event, ...]) -> None:
    assert () == seen(a_bot(registered(), *life), found, NOON)


def test_telegrams_word_lifts_a_suspension_for_the_token_and_no_other() -> None:
    assert ["bot-resumed"] == topics(seen(a_bot(registered(), suspended()), VALID, NOON))
    assert () == seen(a_bot(registered(), suspended(by=ADMIN)), VALID, NOON)
    assert () == seen(a_bot(registered(), suspended("holiday", "tenant")), VALID, NOON)


def test_another_name_is_noticed_and_is_that_of_claimants_too() -> None:
    bot = a_bot(registered(), challenged(an_identity(tenant_id=OTHER_TENANT)))
    (renamed,) = seen(bot, Found(Verdict.VALID, "new_bot", "Examples"), NOON)
    bot = a_bot(registered(), challenged(an_identity(tenant_id=OTHER_TENANT)), renamed)

    assert e.BotRenamed(**WHO, username="new_bot", first_name="Examples") == renamed
    assert bot.owner == an_identity(username="new_bot")
    assert bot.claims == {OTHER_TENANT: an_identity(tenant_id=OTHER_TENANT, username="new_bot")}


def test_of_a_bot_that_nobody_has_nothing_follows() -> None:
    assert [(), ()] == [seen(Bot(BOT_ID), found, NOON) for found in (VALID, GONE)]


def test_a_new_token_takes_the_place_of_the_old_one_and_nothing_else_changes() -> None:
    configured = e.CallbackSet(**WHO, by="tenant", callback_sealed=b"\x01where")
    decision = rotate(a_bot(registered(), configured), NEW, NOON)
    assert not isinstance(decision, Refused)

    assert ["token-rotated"] == topics(decision)
    before, bot = a_bot(registered(), configured), a_bot(registered(), configured, *decision)
    assert msgspec.structs.replace(before, owner=NEW, version=bot.version) == bot


def test_the_same_token_again_is_no_event() -> None:
    assert () == rotate(a_bot(registered()), an_identity(token_sealed=b"\x01sealed anew"), NOON)


def test_a_new_token_resumes_a_bot_that_stood_still_for_the_old_one() -> None:
    assert ["token-rotated", "bot-resumed"] == topics(rotate(a_bot(registered(), suspended()), NEW, NOON))
    assert ["bot-resumed"] == topics(rotate(a_bot(registered(), suspended()), an_identity(), NOON))


@pytest.mark.parametrize("by", [ADMIN, "tenant"])
def test_a_new_token_lifts_nobody_else_s_suspension(by: str) -> None:
    assert ["token-rotated"] == topics(rotate(a_bot(registered(), suspended(by=by)), NEW, NOON))


def test_a_claimant_replaces_the_token_of_its_claim_and_the_owner_keeps_its_own() -> None:
    life = (registered(), challenged(an_identity(tenant_id=OTHER_TENANT)), suspended())
    new = an_identity(tenant_id=OTHER_TENANT, token_sealed=b"\x01another", token_fingerprint="another")
    decision = rotate(a_bot(*life), new, NOON)
    assert not isinstance(decision, Refused)
    bot = a_bot(*life, *decision)

    assert ["token-rotated"] == topics(decision)
    assert (an_identity(), {OTHER_TENANT: new}, REVOKED) == (bot.owner, bot.claims, bot.suspended)


def test_a_stranger_cannot_give_the_bot_a_token() -> None:
    refused = rotate(a_bot(registered()), an_identity(tenant_id=OTHER_TENANT), NOON)

    assert isinstance(refused, Refused)
    assert "not_found" == refused.code


@pytest.mark.parametrize(
    ("life", "found", "resumes", "code"),
    [
        ((), VALID, False, None),
        ((), GONE, False, "token_unauthorized"),
        ((), GONE, True, "token_unauthorized"),
        ((suspended(),), VALID, True, None),
        *(((suspended(),), found, True, "token_unreachable") for found in NOTHING_SAID),
        *(((suspended("holiday", "tenant"),), found, True, None) for found in NOTHING_SAID),
        *(((), found, False, None) for found in NOTHING_SAID),
    ],
)
def test_what_needs_a_good_token_waits_for_telegrams_word_only_where_that_is_what_it_lacks(
    life: tuple[e.Event, ...],
    found: Found,
    resumes: bool,
    code: str | None,
) -> None:
    refused = may_change(a_bot(registered(), *life), found, resumes=resumes)

    assert code == (refused.code if refused else None)
