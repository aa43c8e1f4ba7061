"""A bot's life. Given events, when a command, then events or a refusal; a refusal changes nothing."""

from __future__ import annotations

from functools import reduce

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bot import (
    Bot,
    Decision,
    Status,
    evolve,
    may_command,
    register,
    remove,
    resume,
    suspend,
)
from domain.events import (
    BotRegistered,
    BotRemoved,
    BotResumed,
    BotSuspended,
    BreakerClosed,
    BreakerForced,
    BreakerHalfOpened,
    BreakerOpened,
    ChallengeWithdrawn,
    Event,
    OwnershipChallenged,
)
from domain.refusal import Refused
from tests.examples import BOT_ID, NOON, OTHER_TENANT, TENANT, a_bot, after, an_identity

STRANGER = "initech"

MINE = an_identity()
THEIRS = an_identity(tenant_id=OTHER_TENANT, token_sealed=b"\x01other")


def registered(tenant_id: str = TENANT) -> BotRegistered:
    (event,) = events_of(register(Bot(BOT_ID), an_identity(tenant_id=tenant_id), NOON))
    assert isinstance(event, BotRegistered)
    return event


def challenged() -> OwnershipChallenged:
    (event,) = events_of(register(a_bot(registered()), THEIRS, NOON))
    assert isinstance(event, OwnershipChallenged)
    return event


def suspended(reason: str = "too loud") -> BotSuspended:
    return BotSuspended(occurred_at=NOON, bot_id=BOT_ID, tenant_id=TENANT, reason=reason, by="tenant")


RESUMED = BotResumed(occurred_at=NOON, bot_id=BOT_ID, tenant_id=TENANT, by="tenant")
REMOVED = BotRemoved(occurred_at=NOON, bot_id=BOT_ID, tenant_id=TENANT)
WITHDRAWN = ChallengeWithdrawn(occurred_at=NOON, bot_id=BOT_ID, tenant_id=OTHER_TENANT)
OPENED = BreakerOpened(occurred_at=NOON, bot_id=BOT_ID, tenant_id=TENANT, until=after(60), cause="5 failures in a row")
HALF_OPENED = BreakerHalfOpened(occurred_at=after(60), bot_id=BOT_ID, tenant_id=TENANT)
FORCED = BreakerForced(occurred_at=NOON, bot_id=BOT_ID, tenant_id=TENANT, reason="a flood")
CLOSED = BreakerClosed(occurred_at=after(61), bot_id=BOT_ID, tenant_id=TENANT)


def events_of(decision: Decision) -> tuple[Event, ...]:
    assert not isinstance(decision, Refused), decision
    return decision


def refused(decision: Decision) -> str:
    assert isinstance(decision, Refused), decision
    assert decision.detail.endswith("."), "a sentence that a person can act on"
    return decision.code


# Registering


def test_a_bot_that_nobody_has_becomes_its_registrar_s() -> None:
    (event,) = events_of(register(Bot(BOT_ID), MINE, NOON))
    bot = a_bot(event)

    assert isinstance(event, BotRegistered)
    assert NOON == event.occurred_at
    assert MINE == bot.owner
    assert NOON == bot.registered_at
    assert Status.ACTIVE is bot.status_for(TENANT)
    assert (TENANT,) == bot.tenants


def test_one_s_own_bot_twice_is_refused() -> None:
    assert "bot_exists" == refused(register(a_bot(registered()), MINE, NOON))
    assert "bot_exists" == refused(register(a_bot(registered(), suspended()), MINE, NOON))


def test_a_bot_that_another_tenant_has_is_claimed_and_nothing_is_taken() -> None:
    (event,) = events_of(register(a_bot(registered()), THEIRS, after(5)))
    bot = a_bot(registered(), event)

    assert isinstance(event, OwnershipChallenged)
    assert OTHER_TENANT == event.tenant_id
    assert MINE == bot.owner
    assert Status.ACTIVE is bot.status_for(TENANT)
    assert Status.UNVERIFIED is bot.status_for(OTHER_TENANT)
    assert (TENANT, OTHER_TENANT) == bot.tenants


def test_claiming_a_bot_twice_is_refused() -> None:
    assert "bot_exists" == refused(register(a_bot(registered(), challenged()), THEIRS, NOON))


def test_each_claimant_keeps_a_token_of_its_own() -> None:
    bot = a_bot(registered(), challenged())

    assert b"\x01other" == bot.claims[OTHER_TENANT].token_sealed
    assert bot.owner is not None
    assert b"\x01sealed" == bot.owner.token_sealed


def test_a_bot_may_be_registered_again_after_its_removal_with_a_clean_slate() -> None:
    gone = a_bot(registered(), suspended(), OPENED, REMOVED)
    (event,) = events_of(register(gone, MINE, after(9)))
    bot = evolve(gone, event)

    assert Status.ACTIVE is bot.status_for(TENANT)
    assert bot.breaker_open_until is None
    assert after(9) == bot.registered_at


def test_removing_and_registering_a_bot_does_not_lift_what_an_operator_has_suspended() -> None:
    bot = a_bot(registered())
    bot = reduce(evolve, events_of(suspend(bot, TENANT, "abuse", "admin", NOON)), bot)
    gone = reduce(evolve, events_of(remove(bot, TENANT, NOON)), bot)
    again = reduce(evolve, events_of(register(gone, MINE, after(9))), gone)
    resumed = reduce(evolve, events_of(resume(again, TENANT, "admin", after(10))), again)
    gone_once_more = reduce(evolve, events_of(remove(resumed, TENANT, after(11))), resumed)

    assert (Status.SUSPENDED, "abuse", "admin") == (again.status_for(TENANT), again.suspended, again.suspended_by)
    assert "bot_suspended" == refused(resume(again, TENANT, "tenant", after(9)))
    assert "ask them" in str(may_command(again, TENANT))
    assert [BotRegistered] == [type(event) for event in events_of(register(gone_once_more, MINE, after(12)))]


def test_a_claimant_who_registers_a_bot_that_was_given_up_owns_it_and_its_claim_is_settled() -> None:
    given_up = a_bot(registered(), challenged(), REMOVED)
    decision = events_of(register(given_up, THEIRS, after(9)))
    bot = a_bot(registered(), challenged(), REMOVED, *decision)

    assert [ChallengeWithdrawn, BotRegistered] == [type(event) for event in decision]
    assert THEIRS == bot.owner
    assert {} == bot.claims
    assert (OTHER_TENANT,) == bot.tenants


def test_a_newcomer_who_registers_a_bot_that_was_given_up_leaves_the_claims_of_others() -> None:
    given_up = a_bot(registered(), challenged(), REMOVED)
    (event,) = events_of(register(given_up, an_identity(tenant_id=STRANGER), after(9)))
    bot = evolve(given_up, event)

    assert Status.ACTIVE is bot.status_for(STRANGER)
    assert Status.UNVERIFIED is bot.status_for(OTHER_TENANT)
    assert Status.REMOVED is bot.status_for(TENANT)


# Suspending and resuming


def test_a_suspended_bot_takes_no_commands_and_says_why() -> None:
    (event,) = events_of(suspend(a_bot(registered()), TENANT, "too loud", "admin", NOON))
    bot = a_bot(registered(), event)
    refusal = may_command(bot, TENANT)

    assert BotSuspended(occurred_at=NOON, bot_id=BOT_ID, tenant_id=TENANT, reason="too loud", by="admin") == event
    assert Status.SUSPENDED is bot.status_for(TENANT)
    assert refusal is not None
    assert "bot_suspended" == refusal.code
    assert "too loud" in refusal.detail
    assert "ask them to resume it" in refusal.detail


def test_the_first_reason_of_a_suspension_stands() -> None:
    bot = a_bot(registered(), suspended("token revoked"))

    assert () == events_of(suspend(bot, TENANT, "another reason", "tenant", NOON))
    assert "token revoked" == bot.suspended


def test_a_suspension_without_a_reason_is_one_all_the_same() -> None:
    assert Status.SUSPENDED is a_bot(registered(), suspended("")).status_for(TENANT)


def test_a_resumed_bot_takes_commands_again() -> None:
    (event,) = events_of(resume(a_bot(registered(), suspended()), TENANT, "tenant", NOON))
    bot = a_bot(registered(), suspended(), event)

    assert RESUMED == event
    assert Status.ACTIVE is bot.status_for(TENANT)
    assert may_command(bot, TENANT) is None


def test_resuming_an_active_bot_changes_nothing() -> None:
    assert () == events_of(resume(a_bot(registered()), TENANT, "tenant", NOON))


# Removing


@pytest.mark.parametrize("history", [[registered()], [registered(), suspended()]], ids=["active", "suspended"])
def test_a_removed_bot_is_nobody_s(history: list[Event]) -> None:
    (event,) = events_of(remove(a_bot(*history), TENANT, NOON))
    bot = a_bot(*history, event)

    assert REMOVED == event
    assert bot.owner is None
    assert bot.suspended is None
    assert () == bot.tenants
    assert Status.REMOVED is bot.status_for(TENANT)


def test_a_claimant_who_removes_a_bot_withdraws_its_claim_and_the_owner_keeps_it() -> None:
    history = (registered(), challenged())
    (event,) = events_of(remove(a_bot(*history), OTHER_TENANT, NOON))
    bot = a_bot(*history, event)

    assert WITHDRAWN == event
    assert Status.REMOVED is bot.status_for(OTHER_TENANT)
    assert Status.ACTIVE is bot.status_for(TENANT)


def test_removing_a_bot_leaves_the_claims_of_others() -> None:
    bot = a_bot(registered(), challenged(), REMOVED)

    assert Status.UNVERIFIED is bot.status_for(OTHER_TENANT)
    assert (OTHER_TENANT,) == bot.tenants


# Who may do what: every life a bot can have, every tenant, every command


LIVES = {
    "never registered": (),
    "active": (registered(),),
    "suspended": (registered(), suspended()),
    "claimed": (registered(), challenged()),
    "suspended and claimed": (registered(), challenged(), suspended()),
    "removed": (registered(), REMOVED),
    "removed, still claimed": (registered(), challenged(), REMOVED),
}
OK = ""
RIGHTS = [
    # life, tenant, suspend, resume, remove, command
    ("never registered", TENANT, "not_found", "not_found", "not_found", "not_found"),
    ("active", TENANT, OK, OK, OK, OK),
    ("active", STRANGER, "not_found", "not_found", "not_found", "not_found"),
    ("suspended", TENANT, OK, OK, OK, "bot_suspended"),
    ("suspended", STRANGER, "not_found", "not_found", "not_found", "not_found"),
    ("claimed", TENANT, OK, OK, OK, OK),
    ("claimed", OTHER_TENANT, "bot_unverified", "bot_unverified", OK, "bot_unverified"),
    ("claimed", STRANGER, "not_found", "not_found", "not_found", "not_found"),
    ("suspended and claimed", OTHER_TENANT, "bot_unverified", "bot_unverified", OK, "bot_unverified"),
    ("removed", TENANT, "not_found", "not_found", "not_found", "not_found"),
    ("removed, still claimed", TENANT, "not_found", "not_found", "not_found", "not_found"),
    ("removed, still claimed", OTHER_TENANT, "bot_unverified", "bot_unverified", OK, "bot_unverified"),
]


def code(decision: Decision | None) -> str:
    return decision.code if isinstance(decision, Refused) else OK


@pytest.mark.parametrize(
    ("life", "tenant_id", "suspending", "resuming", "removing", "commanding"),
    [pytest.param(*row, id=f"{row[0]}-{row[1]}") for row in RIGHTS],
)
def test_who_may_do_what(
    life: str, tenant_id: str, suspending: str, resuming: str, removing: str, commanding: str
) -> None:
    bot = a_bot(*LIVES[life])
    before = msgspec.json.encode(bot)

    assert suspending == code(suspend(bot, tenant_id, "reason", "tenant", NOON))
    assert resuming == code(resume(bot, tenant_id, "tenant", NOON))
    assert removing == code(remove(bot, tenant_id, NOON))
    assert commanding == code(may_command(bot, tenant_id))
    assert before == msgspec.json.encode(bot), "deciding changes nothing"


def test_what_an_admin_has_suspended_only_an_admin_resumes() -> None:
    (suspension,) = events_of(suspend(a_bot(registered()), TENANT, "abuse", "admin", NOON))
    bot = a_bot(registered(), suspension)
    refusal = resume(bot, TENANT, "tenant", NOON)
    (resumed,) = events_of(resume(bot, TENANT, "admin", NOON, "looked into"))

    assert "bot_suspended" == code(refusal)
    assert isinstance(refusal, Refused)
    assert "(abuse)" in refusal.detail
    assert isinstance(resumed, BotResumed)
    assert ("admin", "looked into") == (resumed.by, resumed.reason)


@pytest.mark.parametrize("by", ["tenant", "botloft"])
def test_any_other_suspension_can_be_lifted_by_its_tenant(by: str) -> None:
    (suspension,) = events_of(suspend(a_bot(registered()), TENANT, "reason", by, NOON))

    assert OK == code(resume(a_bot(registered(), suspension), TENANT, "tenant", NOON))


def test_a_stranger_is_told_the_same_as_if_there_were_no_such_bot() -> None:
    nowhere, elsewhere = Bot(BOT_ID), a_bot(registered(), suspended())

    assert may_command(nowhere, STRANGER) == may_command(elsewhere, STRANGER)
    assert remove(nowhere, STRANGER, NOON) == remove(elsewhere, STRANGER, NOON)
    assert suspend(nowhere, STRANGER, "", "tenant", NOON) == suspend(elsewhere, STRANGER, "", "tenant", NOON)


# The breaker's trace


def test_the_breaker_s_trace_survives_a_restart() -> None:
    assert after(60) == a_bot(registered(), OPENED).breaker_open_until
    assert (OPENED.until - OPENED.occurred_at).total_seconds() == a_bot(registered(), OPENED).breaker_cooldown_s
    assert after(60) == a_bot(registered(), OPENED, HALF_OPENED).breaker_open_until
    assert a_bot(registered(), OPENED, HALF_OPENED, CLOSED).breaker_open_until is None
    assert a_bot(registered(), OPENED, REMOVED).breaker_open_until is None


def test_removing_and_registering_a_bot_does_not_close_what_an_operator_has_forced_open() -> None:
    gone = a_bot(registered(), suspended(), FORCED, REMOVED)
    decided = events_of(register(gone, THEIRS, after(9)))
    again = reduce(evolve, decided, gone)
    reset = evolve(again, CLOSED)

    assert [BotRegistered, BreakerForced] == [type(event) for event in decided]
    assert BreakerForced(occurred_at=after(9), bot_id=BOT_ID, tenant_id=OTHER_TENANT, reason="a flood") == decided[1]
    assert (True, "a flood", None) == (again.breaker_forced, again.forced_because, again.breaker_open_until)
    assert (False, "") == (reset.breaker_forced, reset.forced_because)


def test_what_was_forced_open_and_suspended_by_an_operator_is_both_again() -> None:
    (barred,) = events_of(suspend(a_bot(registered(), FORCED), TENANT, "abuse", "admin", NOON))
    gone = a_bot(registered(), FORCED, barred, REMOVED)

    assert [BotRegistered, BotSuspended, BreakerForced] == [
        type(event) for event in events_of(register(gone, MINE, after(9)))
    ]


def test_a_registration_of_old_that_does_not_say_so_again_left_nothing_forced_as_the_views_have_it() -> None:
    bot = a_bot(registered(), FORCED, REMOVED, registered())

    assert (False, "") == (bot.breaker_forced, bot.forced_because)


def test_suspending_does_not_touch_the_breaker() -> None:
    assert after(60) == a_bot(registered(), OPENED, suspended(), RESUMED).breaker_open_until


# Folding


def test_the_version_counts_every_event_also_one_that_changes_nothing_else() -> None:
    assert [0, 1, 2, 3] == [a_bot(*[registered(), OPENED, HALF_OPENED][:n]).version for n in range(4)]


def test_evolving_leaves_the_bot_before_as_it_was() -> None:
    before = a_bot(registered(), challenged())
    evolve(before, WITHDRAWN)

    assert [OTHER_TENANT] == list(before.claims)


def test_two_new_bots_share_nothing() -> None:
    evolve(Bot(1), challenged())

    assert {} == Bot(2).claims


def test_a_snapshot_reads_back_as_the_same_bot() -> None:
    bot = a_bot(registered(), challenged(), suspended(), OPENED)

    assert bot == msgspec.json.decode(msgspec.json.encode(bot), type=Bot)


DEEDS = st.tuples(
    st.sampled_from(["register", "suspend", "resume", "remove"]), st.sampled_from([TENANT, OTHER_TENANT, STRANGER])
)


def decide(bot: Bot, deed: str, tenant_id: str) -> Decision:
    match deed:
        case "register":
            return register(bot, an_identity(tenant_id=tenant_id), NOON)
        case "suspend":
            return suspend(bot, tenant_id, "reason", "tenant", NOON)
        case "resume":
            return resume(bot, tenant_id, "tenant", NOON)
        case _:
            return remove(bot, tenant_id, NOON)


@given(st.lists(DEEDS, max_size=40))
@settings(max_examples=100, deadline=None)
def test_whatever_three_tenants_do_one_owns_the_bot_and_only_the_owner_commands_it(
    deeds: list[tuple[str, str]],
) -> None:
    bot = Bot(BOT_ID)
    for deed, tenant_id in deeds:
        owner_before = bot.owner
        decision = decide(bot, deed, tenant_id)
        for event in () if isinstance(decision, Refused) else decision:
            bot = evolve(bot, event)
        owner = bot.owner.tenant_id if bot.owner else None

        assert len(set(bot.tenants)) == len(bot.tenants)
        assert owner not in bot.claims
        assert {t for t in (TENANT, OTHER_TENANT, STRANGER) if may_command(bot, t) is None} <= {owner}
        assert bot.suspended is None or bot.owner is not None
        if owner_before and owner_before.tenant_id != tenant_id:
            assert bot.owner == owner_before, "nobody else takes a bot from its owner"
