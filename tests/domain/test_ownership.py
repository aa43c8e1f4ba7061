"""Proof that a bot is a tenant's: who gets a code, when one counts, and what a proof makes of the bot."""

from __future__ import annotations

from functools import reduce

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bot import Bot, Decision, Status, evolve, may_command, register, remove, suspend
from domain.codes import hashed
from domain.config import Config
from domain.events import (
    BotConfigured,
    BotRegistered,
    BotRemoved,
    BreakerForced,
    CallbackSet,
    ChallengeWithdrawn,
    Event,
    OwnershipVerified,
)
from domain.ownership import (
    ISSUED_MAX,
    LIFETIME,
    TAKEN_OVER,
    Ownership,
    identity_of,
    issue,
    listens,
    ownership_for,
    verify,
)
from domain.refusal import Refused
from tests.examples import BOT_ID, NOON, OTHER_TENANT, TENANT, after, an_identity

STRANGER = "initech"
MINE = an_identity()
THEIRS = an_identity(tenant_id=OTHER_TENANT, token_sealed=b"\x01other", token_fingerprint="beef")
CODE, OTHER_CODE = hashed("a code"), hashed("another code")


def events_of(decision: Decision) -> tuple[Event, ...]:
    assert not isinstance(decision, Refused), decision
    return decision


def then(bot: Bot, *decisions: Decision) -> Bot:
    return reduce(evolve, [event for decision in decisions for event in events_of(decision)], bot)


def registered() -> Bot:
    return then(Bot(BOT_ID), register(Bot(BOT_ID), MINE, NOON))


def claimed() -> Bot:
    return then(registered(), register(registered(), THEIRS, NOON))


def with_code(bot: Bot, tenant_id: str = TENANT, code: str = CODE, at_s: float = 0) -> Bot:
    return then(bot, issue(bot, tenant_id, code, after(at_s)))


def proves(bot: Bot, tenant_id: str = TENANT, code: str = CODE, at_s: float = 1) -> tuple[Event, ...]:
    who = identity_of(bot, tenant_id)
    return events_of(verify(bot, tenant_id, code, who.token_fingerprint if who else "", after(at_s)))


def verified(bot: Bot, tenant_id: str = TENANT) -> Bot:
    with_one = with_code(bot, tenant_id)
    return reduce(evolve, proves(with_one, tenant_id), with_one)


# Codes


@pytest.mark.parametrize(
    ("bot", "tenant_id", "answer"),
    [
        (Bot(BOT_ID), TENANT, "not_found"),
        (registered(), TENANT, "ok"),
        (registered(), STRANGER, "not_found"),
        (claimed(), OTHER_TENANT, "ok"),
        (verified(registered()), TENANT, "bot_verified"),
        (then(claimed(), remove(claimed(), TENANT, NOON)), OTHER_TENANT, "ok"),
        (then(registered(), suspend(registered(), TENANT, "why", "admin", NOON)), TENANT, "ok"),
    ],
)
def test_a_code_is_for_who_has_or_claims_the_bot_and_has_not_proven_it(bot: Bot, tenant_id: str, answer: str) -> None:
    decision = issue(bot, tenant_id, CODE, NOON)

    assert answer == (decision.code if isinstance(decision, Refused) else "ok")


def test_a_code_counts_once_for_its_tenant_and_for_a_quarter_of_an_hour() -> None:
    bot = with_code(claimed())
    used = reduce(evolve, proves(bot), bot)
    last_s = LIFETIME.total_seconds()

    assert [OwnershipVerified] == [type(event) for event in proves(bot, at_s=last_s - 1)]
    assert () == proves(bot, at_s=last_s)
    assert () == proves(bot, code=OTHER_CODE)
    assert () == proves(bot, OTHER_TENANT)
    assert () == proves(used)


def test_a_new_code_takes_the_place_of_the_tenants_older_one_and_of_nobody_elses() -> None:
    both = with_code(with_code(claimed()), OTHER_TENANT, OTHER_CODE)
    again = with_code(both, TENANT, hashed("a third"), at_s=5)

    assert () == proves(again, at_s=6)
    assert proves(again, code=hashed("a third"), at_s=6)
    assert proves(again, OTHER_TENANT, OTHER_CODE, at_s=6)


def test_five_codes_an_hour_are_given_and_the_sixth_when_the_first_is_an_hour_old() -> None:
    bot = claimed()
    for number in range(ISSUED_MAX):
        bot = with_code(bot, code=hashed(str(number)), at_s=number * 60)
    refused = issue(bot, TENANT, CODE, after(300))
    of_another = issue(bot, OTHER_TENANT, OTHER_CODE, after(300))
    later = issue(bot, TENANT, CODE, after(3600))

    assert isinstance(refused, Refused)
    assert ("rate_limited", 3300.0) == (refused.code, refused.retry_after_s)
    assert events_of(of_another)
    assert events_of(later)


def test_leaving_and_coming_back_gives_no_more_codes() -> None:
    bot = registered()
    for number in range(ISSUED_MAX):
        bot = with_code(bot, code=hashed(str(number)))
    bot = then(bot, remove(bot, TENANT, NOON))
    bot = then(bot, register(bot, MINE, NOON))

    assert isinstance(issue(bot, TENANT, CODE, after(60)), Refused)


def test_what_is_kept_of_codes_is_an_hour_s() -> None:
    bot = with_code(with_code(registered()), at_s=3601)

    assert 1 == len(bot.codes)


@pytest.mark.parametrize("leaves", [TENANT, OTHER_TENANT])
def test_who_has_left_proves_nothing_any_more(leaves: str) -> None:
    bot = with_code(claimed(), leaves)
    gone = then(bot, remove(bot, leaves, NOON))
    back = then(gone, register(gone, MINE if leaves == TENANT else THEIRS, NOON))

    assert () == proves(gone, leaves)
    assert () == proves(back, leaves)


def test_a_token_that_was_replaced_meanwhile_proves_nothing() -> None:
    assert () == verify(with_code(registered()), TENANT, CODE, "of the old token", after(1))


# Proof


def test_an_owners_proof_changes_nothing_but_that() -> None:
    bot = with_code(registered())
    (event,) = proves(bot)
    after_it = evolve(bot, event)

    assert isinstance(event, OwnershipVerified)
    assert not event.is_takeover
    assert (Ownership.REGISTERED, Ownership.VERIFIED) == (ownership_for(bot, TENANT), ownership_for(after_it, TENANT))
    assert (bot.owner, bot.config, bot.registered_at) == (after_it.owner, after_it.config, after_it.registered_at)


def test_a_claimants_proof_is_a_removal_and_a_registration_and_everything_is_new() -> None:
    had = verified(claimed())
    configured = BotConfigured(
        occurred_at=NOON, bot_id=BOT_ID, tenant_id=TENANT, config=Config(updates="webhook"), by="tenant"
    )
    called = CallbackSet(occurred_at=NOON, bot_id=BOT_ID, tenant_id=TENANT, by="tenant", callback_sealed=b"sealed")
    had = reduce(evolve, (configured, called), had)
    had = with_code(then(had, suspend(had, TENANT, "a rest", "tenant", NOON)), OTHER_TENANT, OTHER_CODE)
    decided = proves(had, OTHER_TENANT, OTHER_CODE)
    has = reduce(evolve, decided, had)

    assert [BotRemoved, ChallengeWithdrawn, BotRegistered, OwnershipVerified] == [type(event) for event in decided]
    assert [TENANT, OTHER_TENANT, OTHER_TENANT, OTHER_TENANT] == [event.tenant_id for event in decided]  # type: ignore[attr-defined]
    assert TAKEN_OVER == decided[0].reason  # type: ignore[attr-defined]
    assert decided[-1].is_takeover  # type: ignore[attr-defined]
    assert THEIRS == has.owner
    assert Ownership.VERIFIED is ownership_for(has, OTHER_TENANT)
    assert (Status.ACTIVE, Status.REMOVED) == (has.status_for(OTHER_TENANT), has.status_for(TENANT))
    assert (Config(), None, after(1)) == (has.config, has.callback_sealed, has.registered_at)


def test_a_takeover_does_not_lift_what_an_operator_has_suspended() -> None:
    had = claimed()
    had = with_code(then(had, suspend(had, TENANT, "abuse", "admin", NOON)), OTHER_TENANT, OTHER_CODE)
    has = reduce(evolve, proves(had, OTHER_TENANT, OTHER_CODE), had)

    assert THEIRS == has.owner
    assert (Status.SUSPENDED, "abuse", "admin") == (has.status_for(OTHER_TENANT), has.suspended, has.suspended_by)


def test_a_takeover_does_not_close_what_an_operator_has_forced_open() -> None:
    forced = BreakerForced(occurred_at=NOON, bot_id=BOT_ID, tenant_id=TENANT, reason="a flood")
    decided = proves(with_code(evolve(claimed(), forced), OTHER_TENANT, OTHER_CODE), OTHER_TENANT, OTHER_CODE)

    assert [BotRemoved, ChallengeWithdrawn, BotRegistered, BreakerForced, OwnershipVerified] == [
        type(event) for event in decided
    ]
    assert ("a flood", OTHER_TENANT) == (decided[3].reason, decided[3].tenant_id)  # type: ignore[attr-defined]


def test_a_claim_on_a_bot_that_was_given_up_meanwhile_takes_it_from_nobody() -> None:
    bot = with_code(claimed(), OTHER_TENANT)
    bot = then(bot, remove(bot, TENANT, NOON))
    *registration, proof = proves(bot, OTHER_TENANT)

    assert [ChallengeWithdrawn, BotRegistered] == [type(event) for event in registration]
    assert isinstance(proof, OwnershipVerified)
    assert not proof.is_takeover


def test_the_former_owner_may_claim_it_and_prove_it_in_turn() -> None:
    theirs = verified(claimed(), OTHER_TENANT)
    both = then(theirs, register(theirs, MINE, NOON))

    assert Ownership.UNVERIFIED is ownership_for(both, TENANT)
    assert MINE == verified(both, TENANT).owner


def test_a_proof_goes_with_whoever_gave_it() -> None:
    bot = verified(registered())
    bot = then(bot, remove(bot, TENANT, NOON))
    bot = then(bot, register(bot, MINE, NOON))

    assert Ownership.REGISTERED is ownership_for(bot, TENANT)


def test_a_snapshot_reads_back_as_the_same_bot_and_an_older_one_as_not_verified() -> None:
    bot = with_code(verified(claimed()), OTHER_TENANT, OTHER_CODE)
    older = {name: value for name, value in msgspec.to_builtins(bot).items() if name not in ("codes", "is_verified")}

    assert bot == msgspec.json.decode(msgspec.json.encode(bot), type=Bot)
    assert not msgspec.json.decode(msgspec.json.encode(older), type=Bot).is_verified


@pytest.mark.parametrize(
    ("change", "does"),
    [({"updates": "auto"}, True), ({"updates": "off"}, False), ({"updates": None}, False), ({"bot_rps": 3}, False)],
)
def test_what_has_a_bot_listen_to_its_users(change: dict[str, object], does: bool) -> None:
    assert does == listens(change)


DEEDS = st.tuples(
    st.sampled_from(["register", "remove", "issue", "verify"]),
    st.sampled_from([TENANT, OTHER_TENANT, STRANGER]),
    st.integers(0, 2),
)


@given(st.lists(DEEDS, max_size=40))
@settings(max_examples=150, deadline=None)
def test_whatever_three_tenants_do_a_bot_changes_hands_by_a_code_of_the_new_owner_alone(
    deeds: list[tuple[str, str, int]],
) -> None:
    bot = Bot(BOT_ID)
    for second, (deed, tenant_id, number) in enumerate(deeds):
        before, now = bot, after(second)
        code = hashed(f"{tenant_id} {number}")
        who = an_identity(tenant_id=tenant_id)
        match deed:
            case "register":
                decision = register(bot, who, now)
            case "remove":
                decision = remove(bot, tenant_id, now)
            case "issue":
                decision = issue(bot, tenant_id, code, now)
            case _:
                decision = verify(bot, tenant_id, code, who.token_fingerprint, now)
        bot = reduce(evolve, () if isinstance(decision, Refused) else decision, bot)
        owner = bot.owner.tenant_id if bot.owner else None

        assert owner not in bot.claims
        assert {one for one in (TENANT, OTHER_TENANT, STRANGER) if may_command(bot, one) is None} <= {owner}
        assert not (bot.is_verified and bot.owner is None)
        if before.owner and owner not in (before.owner.tenant_id, None):
            assert ("verify", tenant_id, True) == (deed, owner, bot.is_verified)
            assert any(one.is_open and one.code_hash == code for one in before.codes)
        assert len({one.tenant_id for one in bot.codes if one.is_open}) == sum(one.is_open for one in bot.codes)
        assert {one.tenant_id for one in bot.codes if one.is_open} <= set(bot.tenants)
