"""A bot and its token: looked at when there is reason to, and replaced, while the bot keeps all that it has."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from actors.mail import Change, Lifecycle, Register
from actors.messages import (
    BotChanged,
    ClearAlert,
    ConfigureBot,
    InspectToken,
    Notify,
    RaiseAlert,
    ResumeBot,
    RotateToken,
    SetBreaker,
    SuspendBot,
    TokenInspected,
)
from actors.runtime import LoopFuture
from domain import events as e
from domain.bot import ADMIN
from domain.errors import StoreUnavailable
from domain.failure import Answer, Delivered
from domain.identities import REVOKED as REVOKED_BECAUSE
from domain.refusal import Refused
from domain.rules.breaker import Phase
from domain.rules.tokens import Token, parse
from domain.rules.validation import Verdict, Why
from domain.token_life import Found
from tests.actors.fleets import Fleet, on_a_loop
from tests.doubles import BROKEN, LOST, REVOKED, UNLIMITED, LoneBot, a_seal
from tests.examples import BOT_ID, NOON, OTHER_BOT_ID, OTHER_TENANT, TENANT, a_token, an_identity

ME = Delivered(b'{"id":%d,"username":"examples_bot","first_name":"Examples"}' % BOT_ID)
RENAMED = Delivered(b'{"id":%d,"username":"new_bot","first_name":"New"}' % BOT_ID)
RESUME = ResumeBot(BOT_ID, TENANT, "tenant")
INSPECT = InspectToken(BOT_ID, TENANT, Why.ASKED)
UPDATES = ConfigureBot(BOT_ID, TENANT, {"updates": "polling"}, "tenant")


def another_token() -> Token:
    token = parse(f"{BOT_ID}:AAHanotherOfTheSameBot_0123456789")
    assert token is not None
    return token


def rotation(tenant_id: str = TENANT) -> RotateToken:
    return RotateToken(BOT_ID, tenant_id, another_token())


class Watched(LoneBot):
    """What its tenant and the operator are told stands in `told`."""

    def __init__(self, **more: object) -> None:
        self.told: list[object] = []
        super().__init__(**more)  # type: ignore[arg-type]  # by name

    def starts(self) -> None:
        self.ports = replace(self.ports, notify=self.told.append, alert=self.told.append)
        super().starts()

    def is_asked(self, message: Change) -> LoopFuture:
        reply = LoopFuture()
        self.tell(Lifecycle(message, reply))
        self.rest()
        return reply

    def change(self, message: Change) -> object:
        return self.is_asked(message).get()

    @property
    def kinds(self) -> list[str]:
        return [f"{type(one).__name__} {getattr(one, 'kind', '')}" for one in self.told]

    def is_refused(self) -> None:
        """Telegram has revoked its token, and it has met that."""
        self.telegram.works(REVOKED)
        self.say("hello")
        self.telegram.works(ME)

    @property
    def looks(self) -> int:
        return sum(call.method == "getMe" for call in self.telegram.calls)


def code(reply: object) -> str:
    assert isinstance(reply, Refused), reply
    return reply.code


# Refused


def test_a_revoked_token_is_told_to_the_tenant_and_to_the_operator_once_and_with_what_to_do() -> None:
    bot = Watched()
    bot.is_refused()
    bot.say("again")
    bot.telegram.works(REVOKED)
    bot.change(INSPECT)

    assert ["Notify token_revoked", "RaiseAlert token_revoked"] == bot.kinds
    notice, alert = bot.told
    assert isinstance(notice, Notify)
    assert isinstance(alert, RaiseAlert)
    assert (TENANT, BOT_ID) == (notice.tenant_id, alert.bot_id)
    assert all(f"PUT it to /api/bots/{BOT_ID}/token" in told.detail for told in (notice, alert))


def test_what_a_401_brings_to_light_is_recorded_with_why() -> None:
    bot = Watched()
    bot.is_refused()
    (validated,) = bot.journal.of(e.TokenValidated)

    assert (
        e.TokenValidated(occurred_at=NOON, bot_id=BOT_ID, tenant_id=TENANT, category=Verdict.REVOKED, why=Why.AFTER_401)
        == validated
    )
    assert NOON.timestamp() == bot.slot.validated_at


@pytest.mark.parametrize("answer", [LOST, BROKEN])
def test_no_word_after_a_401_is_neither_recorded_nor_a_reason_to_suspend(answer: Answer) -> None:
    bot = Watched()
    bot.telegram.will(REVOKED, answer)
    bot.say("hello")

    assert [] == bot.journal.of(e.TokenValidated, e.BotSuspended)
    assert 0.0 == bot.slot.validated_at


def test_each_401_that_follows_a_slip_of_telegrams_is_looked_into() -> None:
    bot = Watched()
    for _ in range(2):
        bot.telegram.will(REVOKED, ME)
        bot.say("hello")

    assert 2 == bot.looks


# Asked


@pytest.mark.parametrize(
    ("answer", "found", "status"),
    [
        (ME, Found(Verdict.VALID, "examples_bot", "Examples"), "active"),
        (REVOKED, Found(Verdict.REVOKED, "examples_bot", "Examples"), "suspended"),
        (BROKEN, Found(Verdict.UNKNOWN_ERROR, "examples_bot", "Examples"), "active"),
        (RENAMED, Found(Verdict.VALID, "new_bot", "New"), "active"),
    ],
)
def test_whoever_asks_hears_what_telegram_says_once_it_is_on_disk(answer: Answer, found: Found, status: str) -> None:
    bot = Watched()
    bot.telegram.works(answer)
    told = bot.change(INSPECT)

    assert TokenInspected(BOT_ID, *found, status, len(bot.journal.log)) == told
    (validated,) = bot.journal.of(e.TokenValidated)
    assert (found.verdict, Why.ASKED) == (validated.category, validated.why)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("second", "is_suspended"), [(ME, False), (LOST, False), (REVOKED, True)])
@pytest.mark.parametrize("message", [INSPECT, UPDATES])
def test_one_401_is_a_slip_of_telegrams_where_somebody_asks_too(
    message: InspectToken | ConfigureBot, second: Answer, is_suspended: bool
) -> None:
    bot = Watched()
    bot.telegram.will(REVOKED, second)
    bot.change(message)

    assert is_suspended == bool(bot.journal.of(e.BotSuspended))
    assert 2 == bot.looks


def test_a_401_that_somebody_else_has_seen_before_needs_no_third() -> None:
    bot = Watched()
    bot.telegram.works(REVOKED)
    bot.change(msgspec.structs.replace(INSPECT, why=Why.DAILY))

    assert 1 == bot.looks
    assert [REVOKED_BECAUSE] == [one.reason for one in bot.journal.of(e.BotSuspended)]  # type: ignore[attr-defined]


def test_another_name_is_recorded_and_its_tenant_told_once() -> None:
    bot = Watched()
    bot.telegram.works(RENAMED)
    bot.change(INSPECT)
    bot.change(INSPECT)

    assert 1 == len(bot.journal.of(e.BotRenamed))
    assert ["Notify bot_renamed"] == bot.kinds
    assert '@new_bot ("New") now; it was @examples_bot ("Examples")' in bot.told[0].detail  # type: ignore[attr-defined]


@pytest.mark.parametrize("message", [INSPECT, RESUME, UPDATES])
def test_another_tenant_brings_no_call_about(message: InspectToken | ResumeBot | ConfigureBot) -> None:
    bot = Watched()
    bot.change(SuspendBot(BOT_ID, TENANT, "holiday", "tenant"))
    refused = bot.change(msgspec.structs.replace(message, tenant_id=OTHER_TENANT))

    assert "not_found" == code(refused)
    assert 0 == bot.looks


# Before what needs a good token


def test_a_bot_is_put_to_work_again_only_with_a_token_that_telegram_takes() -> None:
    bot = Watched()
    bot.change(SuspendBot(BOT_ID, TENANT, "holiday", "tenant"))
    bot.telegram.works(REVOKED)
    refused = bot.change(RESUME)
    bot.telegram.works(ME)
    resumed = bot.change(RESUME)

    assert "token_unauthorized" == code(refused)
    assert isinstance(resumed, BotChanged)
    assert "active" == resumed.status
    assert ["tenant"] == [one.by for one in bot.journal.of(e.BotResumed)]  # type: ignore[attr-defined]


def test_telegrams_silence_keeps_no_bot_from_work_but_one_whose_token_it_has_refused() -> None:
    bot = Watched()
    bot.change(SuspendBot(BOT_ID, TENANT, "holiday", "tenant"))
    bot.telegram.works(LOST)
    resumed = bot.change(RESUME)
    bot.is_refused()
    bot.telegram.works(LOST)
    refused = bot.change(RESUME)

    assert isinstance(resumed, BotChanged)
    assert "token_unreachable" == code(refused)


def test_updates_are_not_turned_on_with_a_revoked_token() -> None:
    bot = Watched()
    bot.telegram.works(REVOKED)
    refused = bot.change(UPDATES)

    assert "token_unauthorized" == code(refused)
    assert [] == bot.journal.of(e.BotConfigured)


@pytest.mark.parametrize(
    "message",
    [
        ConfigureBot(BOT_ID, TENANT, {"bot_rps": 5}, "tenant"),
        ConfigureBot(BOT_ID, TENANT, {"updates": "off"}, "tenant"),
        ConfigureBot(BOT_ID, TENANT, {"updates": "telepathy"}, "tenant"),
        ConfigureBot(BOT_ID, TENANT, {"updates": "polling"}, "botloft"),
        RESUME,
        SuspendBot(BOT_ID, TENANT, "holiday", "tenant"),
    ],
)
def test_what_needs_no_token_or_changes_nothing_costs_no_call(message: ConfigureBot | ResumeBot | SuspendBot) -> None:
    bot = Watched()
    bot.change(message)

    assert 0 == bot.looks


def test_what_an_admin_suspended_its_tenant_cannot_even_have_looked_at() -> None:
    bot = Watched()
    bot.change(SuspendBot(BOT_ID, TENANT, "abuse", ADMIN))

    assert "bot_suspended" == code(bot.change(RESUME))
    assert 0 == bot.looks


def test_a_change_that_waits_for_telegram_is_made_by_the_actors_heir() -> None:
    bot = Watched()
    bot.telegram.waits()
    reply = bot.is_asked(UPDATES)
    bot.dies()
    bot.telegram.out[0].gets(ME)
    bot.starts()
    bot.rest()

    assert isinstance(reply.get(), BotChanged)
    assert 1 == len(bot.journal.of(e.BotConfigured))


# Replaced


def test_a_bot_goes_on_with_another_token_and_what_waits_leaves_with_it() -> None:
    bot = Watched()
    bot.telegram.works(ME)
    rotated = bot.change(rotation())
    bot.say("with the new one")

    assert isinstance(rotated, BotChanged)
    assert ("active", True) == (rotated.status, rotated.position is not None)
    assert [another_token()] * 2 == [call.token for call in bot.telegram.calls]
    (event,) = bot.journal.of(e.TokenRotated)
    assert a_seal(TENANT, f"token/{BOT_ID}", another_token().reveal().encode()) == event.token_sealed  # type: ignore[attr-defined]


def test_the_same_token_again_is_no_event() -> None:
    bot = Watched()
    bot.telegram.works(ME)
    told = bot.change(RotateToken(BOT_ID, TENANT, a_token()))

    assert isinstance(told, BotChanged)
    assert told.position is None
    assert [] == bot.journal.log


def test_a_new_token_ends_the_suspension_the_breaker_and_the_alert_of_the_old_one() -> None:
    bot = Watched()
    bot.is_refused()
    rotated = bot.change(rotation())

    assert isinstance(rotated, BotChanged)
    assert "active" == rotated.status
    assert Phase.CLOSED is bot.slot.memory.breaker.phase
    assert ["Notify token_revoked", "RaiseAlert token_revoked", "ClearAlert token_revoked"] == bot.kinds
    assert ClearAlert("token_revoked", BOT_ID) == bot.told[-1]
    assert "delivered" == bot.say("hello").outcome.final
    assert [Verdict.REVOKED, Verdict.VALID] == [one.category for one in bot.journal.of(e.TokenValidated)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("message", [RESUME, INSPECT, RotateToken(BOT_ID, TENANT, a_token())])
def test_a_token_that_telegram_takes_again_puts_the_bot_to_work_at_once(message: Change) -> None:
    bot = Watched()
    bot.is_refused()
    bot.change(message)

    assert ClearAlert("token_revoked", BOT_ID) == bot.told[-1]
    assert "delivered" == bot.say("hello").outcome.final


def test_a_breaker_that_an_admin_forced_open_stays_open() -> None:
    bot = Watched()
    bot.telegram.works(ME)
    bot.change(SetBreaker(BOT_ID, is_open=True, reason="a flood"))
    bot.change(rotation())

    assert Phase.FORCED is bot.slot.memory.breaker.phase


def test_a_call_with_the_old_token_ends_as_what_it_is_and_stops_nothing() -> None:
    bot = Watched()
    bot.telegram.will(None)
    bot.telegram.works(ME)
    old = bot.say("with the old one", 1)
    bot.change(rotation())
    bot.telegram.out[0].gets(REVOKED)
    bot.rest()

    assert ("rejected", "token_unauthorized") == old.ended
    assert [] == bot.journal.of(e.BotSuspended, e.BreakerOpened)
    assert "delivered" == bot.say("hello", 2).outcome.final


def test_a_word_on_the_old_token_that_comes_late_says_nothing_about_the_new_one() -> None:
    bot = Watched()
    bot.telegram.will(REVOKED, None)
    bot.telegram.works(ME)
    bot.say("hello")
    (look,) = bot.telegram.out
    bot.change(rotation())
    look.gets(REVOKED)
    bot.rest()

    assert [] == bot.journal.of(e.BotSuspended)
    assert "delivered" == bot.say("hello").outcome.final


def test_whoever_asked_about_the_old_token_hears_about_the_new_one() -> None:
    bot = Watched()
    bot.telegram.will(None)
    bot.telegram.works(ME)
    asked = bot.is_asked(INSPECT)
    bot.change(rotation())
    bot.telegram.out[0].gets(REVOKED)
    bot.rest()
    told = asked.get()

    assert isinstance(told, TokenInspected)
    assert (Verdict.VALID, "active") == (told.category, told.status)


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (REVOKED, "token_unauthorized"),
        (LOST, "token_unreachable"),
        (Delivered(b'{"id":5}'), "token_unauthorized"),
        (Delivered(b"true"), "token_unreachable"),
    ],
)
def test_a_token_that_telegram_does_not_take_changes_nothing(answer: Answer, refusal: str) -> None:
    bot = Watched()
    bot.telegram.will(answer)

    assert refusal == code(bot.change(rotation()))
    assert [] == bot.journal.log
    assert "delivered" == bot.say("hello").outcome.final
    assert a_token() == bot.telegram.calls[-1].token


def test_another_bots_token_is_refused_before_telegram_is_asked() -> None:
    bot = Watched()

    assert "token_mismatch" == code(bot.change(RotateToken(BOT_ID, TENANT, a_token(OTHER_BOT_ID))))
    assert [] == bot.telegram.calls


def test_a_token_that_cannot_be_kept_is_not_taken() -> None:
    def away(*_: object) -> bytes:
        raise StoreUnavailable

    bot = Watched()
    bot.telegram.works(ME)
    bot.ports = replace(bot.ports, seal=away)
    bot.starts()
    bot.rest()

    assert "store_unavailable" == code(bot.change(rotation()))
    assert [] == bot.journal.of(e.TokenRotated)


def test_a_claimant_replaces_the_token_of_its_claim_and_the_owner_notices_nothing() -> None:
    bot = Watched()
    bot.telegram.works(ME)
    bot.change(Register(an_identity(tenant_id=OTHER_TENANT), a_token()))
    rotated = bot.change(rotation(OTHER_TENANT))
    bot.say("the owner's")

    assert isinstance(rotated, BotChanged)
    assert "unverified" == rotated.status
    assert a_token() == bot.telegram.calls[-1].token
    assert [] == bot.journal.of(e.TokenValidated)
    assert "bot_unverified" == code(bot.change(msgspec.structs.replace(INSPECT, tenant_id=OTHER_TENANT)))


def test_a_revocation_is_told_as_the_reason_of_the_suspension() -> None:
    bot = Watched()
    bot.is_refused()
    (suspended,) = bot.journal.of(e.BotSuspended)

    assert REVOKED_BECAUSE == suspended.reason  # type: ignore[attr-defined]


def test_a_bot_whose_look_is_not_answered_does_not_fall_asleep_over_it() -> None:
    async def story(fleet: Fleet) -> None:
        fleet.telegram.waits()
        asked = fleet.ask(INSPECT)
        await fleet.until(lambda: fleet.telegram.out)
        await fleet.advance(9)
        during = fleet.slot.actor
        fleet.telegram.out[0].gets(ME)
        told = await fleet.told(asked)
        await fleet.advance(9)

        assert during is not None
        assert isinstance(told, TokenInspected)
        assert fleet.slot.actor is None

    on_a_loop(story, replace(UNLIMITED, idle_timeout_s=5))
