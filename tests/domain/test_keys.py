"""Keys: their text, and what is decided about them. Given events, when a command, then events or a refusal."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from domain.events import Event, KeyIssued, KeyRevoked, KeyRotated, SessionsEnded, TenantRegistered
from domain.keys import Key, NewKey, hashed, is_over, key_id_of, opens, use_is_due, written_key
from domain.refusal import Refused
from domain.tenant import (
    MAX_KEYS,
    OPERATOR,
    Decision,
    Scope,
    Tenant,
    end_sessions,
    evolve,
    has_admin,
    issue_key,
    revoke_key,
    rotate_key,
)
from tests.examples import NOON, OTHER_TENANT, TENANT, a_new_key, a_tenant, after

REGISTERED = TenantRegistered(occurred_at=NOON, tenant_id=TENANT, name="Acme")
HOUR_S, DAY_S = 3600, 86_400
OLD, NEW, THIRD = a_new_key(1), a_new_key(2), a_new_key(3)


def events_of(decision: Decision) -> tuple[Event, ...]:
    assert not isinstance(decision, Refused), decision
    return decision


def issued(
    key: NewKey, scopes: tuple[Scope, ...] = (Scope.TENANT,), label: str = "", expires_at: datetime | None = None
) -> KeyIssued:
    (event,) = events_of(issue_key(a_tenant(REGISTERED), key, scopes, label, NOON, expires_at))
    assert isinstance(event, KeyIssued)
    return event


def refused(decision: Decision) -> str:
    assert isinstance(decision, Refused), decision
    assert decision.detail.endswith("."), "a sentence that a person can act on"
    return decision.code


# Keys


def test_a_new_key_opens_and_only_its_hash_is_kept() -> None:
    key = a_new_key()
    event = issued(key, (Scope.TENANT, Scope.ANALYST), "laptop")
    tenant = a_tenant(REGISTERED, event)
    kept = tenant.keys[key.key_id]

    assert Key(key.key_id, TENANT, hashed(key.text), ("tenant", "analyst"), "laptop", NOON) == kept
    assert opens(kept, key.text)
    assert not opens(kept, a_new_key(2).text)
    assert key.text.split("_")[2] not in repr(event)


def test_a_tenant_that_is_not_registered_gets_no_key() -> None:
    assert "not_found" == refused(issue_key(Tenant(TENANT), a_new_key(), (Scope.TENANT,), "", NOON))


def test_a_tenant_may_have_several_keys_and_revoke_one() -> None:
    old, new = a_new_key(1), a_new_key(2)
    both = a_tenant(REGISTERED, issued(old), issued(new))
    (event,) = events_of(revoke_key(both, old.key_id, after(60)))
    rotated = evolve(both, event)

    assert [old.key_id, new.key_id] == list(both.keys)
    assert KeyRevoked(occurred_at=after(60), tenant_id=TENANT, key_id=old.key_id) == event
    assert [new.key_id] == list(rotated.keys)


def test_the_last_key_is_not_revoked() -> None:
    key = a_new_key()
    tenant = a_tenant(REGISTERED, issued(key))

    assert "invalid_request" == refused(revoke_key(tenant, key.key_id, NOON))
    assert [key.key_id] == list(tenant.keys)


def test_another_tenant_s_key_cannot_be_revoked() -> None:
    mine, theirs = a_new_key(1), a_new_key(2)
    tenant = a_tenant(REGISTERED, issued(mine), issued(a_new_key(3)))

    assert "not_found" == refused(revoke_key(tenant, theirs.key_id, NOON))
    assert "not_found" == refused(revoke_key(Tenant(OTHER_TENANT), mine.key_id, NOON))


def test_a_key_is_revoked_once() -> None:
    tenant = a_tenant(
        REGISTERED,
        issued(a_new_key(1)),
        issued(a_new_key(2)),
        KeyRevoked(occurred_at=NOON, tenant_id=TENANT, key_id=a_new_key(1).key_id),
    )

    assert "not_found" == refused(revoke_key(tenant, a_new_key(1).key_id, NOON))


# Expiry


def test_a_key_opens_until_the_moment_at_which_it_expires() -> None:
    key = a_tenant(REGISTERED, issued(OLD, expires_at=after(60))).keys[OLD.key_id]

    assert after(60) == key.expires_at
    assert [False, False, True, True] == [is_over(key, after(s)) for s in (0, 59.999999, 60, 61)]


def test_a_key_that_was_not_told_to_never_expires() -> None:
    key = a_tenant(REGISTERED, issued(OLD)).keys[OLD.key_id]

    assert (None, False) == (key.expires_at, is_over(key, datetime.max.replace(tzinfo=NOON.tzinfo)))


@pytest.mark.parametrize("later_s", [-1, 0, 3651 * DAY_S])
def test_a_key_expires_in_the_future_and_within_ten_years(later_s: float) -> None:
    decision = issue_key(a_tenant(REGISTERED), OLD, (Scope.TENANT,), "", NOON, after(later_s))

    assert "invalid_request" == refused(decision)


def test_an_expired_key_is_listed_for_a_month_and_then_goes_with_the_next_that_is_issued() -> None:
    brief = issued(OLD, expires_at=after(60))
    month = 60 + 30 * DAY_S
    left = [list(a_tenant(REGISTERED, brief, issued_at(NEW, month + more)).keys) for more in (-1, 0)]

    assert [[OLD.key_id, NEW.key_id], [NEW.key_id]] == left


def issued_at(key: NewKey, later_s: float) -> Event:
    return events_of(issue_key(a_tenant(REGISTERED), key, (Scope.TENANT,), "", after(later_s)))[0]


# Rotation


def rotated(tenant: Tenant, overlap_s: float, at_s: float = 0, successor: NewKey = NEW) -> Tenant:
    for event in events_of(rotate_key(tenant, OLD.key_id, successor, timedelta(seconds=overlap_s), after(at_s))):
        tenant = evolve(tenant, event)
    return tenant


def test_a_successor_can_do_the_same_and_the_old_key_goes_on_until_the_overlap_ends() -> None:
    tenant = a_tenant(REGISTERED, issued(OLD, (Scope.TENANT, Scope.ANALYST), "laptop"))
    both = events_of(rotate_key(tenant, OLD.key_id, NEW, timedelta(seconds=DAY_S), after(5)))
    old, new = rotated(tenant, DAY_S, 5).keys.values()

    assert [KeyIssued, KeyRotated] == [type(event) for event in both]
    assert Key(NEW.key_id, TENANT, hashed(NEW.text), ("tenant", "analyst"), "laptop", after(5)) == new
    assert (after(5 + DAY_S), NEW.key_id) == (old.expires_at, old.successor_id)
    assert [False, True] == [is_over(old, after(5 + DAY_S + more)) for more in (-0.000001, 0)]


def test_without_an_overlap_the_old_key_is_gone_at_once_even_if_it_was_the_only_one() -> None:
    tenant = rotated(a_tenant(REGISTERED, issued(OLD)), 0)

    assert [NEW.key_id] == list(tenant.keys)


def test_a_successor_lives_as_long_as_the_old_key_was_to_live() -> None:
    tenant = a_tenant(REGISTERED, issued(OLD, expires_at=after(HOUR_S)))
    once = rotated(tenant, 60, 1800)
    twice = rotated(once, 60, 1830, THIRD)

    assert (after(1860), after(1800 + HOUR_S)) == (once.keys[OLD.key_id].expires_at, once.keys[NEW.key_id].expires_at)
    assert after(1830 + HOUR_S) == twice.keys[THIRD.key_id].expires_at


@pytest.mark.parametrize(("first_s", "second_s", "ends_s"), [(60, 600, 60), (600, 60, 60), (600, 600, 600)])
def test_a_second_rotation_never_lengthens_an_overlap(first_s: float, second_s: float, ends_s: float) -> None:
    once = rotated(a_tenant(REGISTERED, issued(OLD)), first_s)
    twice = rotated(once, second_s, 0, THIRD)

    assert (after(ends_s), THIRD.key_id) == (twice.keys[OLD.key_id].expires_at, twice.keys[OLD.key_id].successor_id)


@pytest.mark.parametrize(
    ("key_id", "overlap_s", "at_s", "code"),
    [
        (THIRD.key_id, 60, 0, "not_found"),
        (OLD.key_id, 60, HOUR_S, "invalid_request"),
        (OLD.key_id, -1, 0, "invalid_request"),
        (OLD.key_id, 30 * DAY_S + 1, 0, "invalid_request"),
    ],
)
def test_what_cannot_be_rotated_is_refused(key_id: str, overlap_s: float, at_s: float, code: str) -> None:
    tenant = a_tenant(REGISTERED, issued(OLD, expires_at=after(HOUR_S)))

    assert code == refused(rotate_key(tenant, key_id, NEW, timedelta(seconds=overlap_s), after(at_s)))


def test_a_tenant_has_so_many_keys_and_even_then_one_is_replaced_at_once() -> None:
    full = a_tenant(REGISTERED, *(issued(written_key(f"key{n:09d}", bytes(32))) for n in range(MAX_KEYS)))

    assert "invalid_request" == refused(issue_key(full, a_new_key(5000), (Scope.TENANT,), "", NOON))
    assert "invalid_request" == refused(rotate_key(full, OLD.key_id, a_new_key(5000), timedelta(seconds=1), NOON))
    assert MAX_KEYS == len(rotated(full, 0, successor=a_new_key(5000)).keys)


# The way in


def an_operator(*keys: tuple[NewKey, Scope, float | None]) -> Tenant:
    events = [issued(key, (scope,), expires_at=None if s is None else after(s)) for key, scope, s in keys]
    return a_tenant(REGISTERED, *events, tenant_id=OPERATOR)


@pytest.mark.parametrize(
    ("others", "refusal"),
    [
        ([(NEW, Scope.ADMIN, None)], None),
        ([(NEW, Scope.ADMIN, 60)], "invalid_request"),
        ([(NEW, Scope.ANALYST, None)], "invalid_request"),
        ([(NEW, Scope.ANALYST, None), (THIRD, Scope.ADMIN, None)], None),
    ],
)
def test_a_key_is_not_revoked_where_only_analysts_or_expired_keys_would_be_left(
    others: list[tuple[NewKey, Scope, float | None]], refusal: str | None
) -> None:
    decision = revoke_key(an_operator((OLD, Scope.ADMIN, None), *others), OLD.key_id, after(60))

    assert refusal == (decision.code if isinstance(decision, Refused) else None)


def test_an_analyst_s_and_an_expired_key_can_always_be_revoked() -> None:
    tenant = an_operator((OLD, Scope.ANALYST, None), (NEW, Scope.ADMIN, 60))

    assert [1, 1] == [len(events_of(revoke_key(tenant, key.key_id, after(60)))) for key in (OLD, NEW)]


def test_an_operator_whose_admin_keys_have_expired_has_none() -> None:
    tenant = an_operator((OLD, Scope.ADMIN, 60), (NEW, Scope.ANALYST, None))

    assert [True, False] == [has_admin(tenant, after(s)) for s in (59, 60)]


# Sessions


def test_sessions_are_ended_by_counting_on() -> None:
    tenant = a_tenant(REGISTERED, issued(OLD), issued(NEW))
    (ended,) = events_of(end_sessions(tenant, OLD.key_id, after(5)))

    assert SessionsEnded(occurred_at=after(5), tenant_id=TENANT, key_id=OLD.key_id) == ended
    assert [1, 0] == [key.sessions for key in evolve(tenant, ended).keys.values()]
    assert "not_found" == refused(end_sessions(tenant, THIRD.key_id, NOON))


# Use


@pytest.mark.parametrize(
    ("recorded_s", "is_due"), [(None, True), (0, False), (-1, False), (-DAY_S + 1, False), (-DAY_S, True), (1, True)]
)
def test_a_use_is_written_down_once_a_day_and_after_a_clock_was_set_back(
    recorded_s: float | None, is_due: bool
) -> None:
    assert is_due == use_is_due(None if recorded_s is None else after(recorded_s), NOON)


# The key's text


KEY_IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=12, max_size=12)
KEYS = st.builds(written_key, KEY_IDS, st.binary(min_size=32, max_size=32))


def test_a_key_is_written_as_the_design_says() -> None:
    assert re.fullmatch(r"blk_[a-z0-9]{12}_[0-9a-f]{64}_[0-9a-f]{8}", a_new_key().text)


@given(KEYS)
@settings(max_examples=100, deadline=None)
def test_a_key_s_text_names_its_key(key: NewKey) -> None:
    assert key.key_id == key_id_of(key.text)


@given(KEYS, st.data())
@settings(max_examples=300, deadline=None)
def test_any_single_mistyped_character_is_noticed_without_a_look_up(key: NewKey, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(key.text) - 1))
    typed = data.draw(st.characters().filter(lambda c: c != key.text[at]))

    assert key_id_of(key.text[:at] + typed + key.text[at + 1 :]) is None


@given(KEYS, st.integers(0, 90))
@settings(max_examples=100, deadline=None)
def test_a_left_out_a_doubled_and_a_swapped_character_are_noticed(key: NewKey, at: int) -> None:
    at = min(at, len(key.text) - 2)
    swapped = key.text[:at] + key.text[at + 1] + key.text[at] + key.text[at + 2 :]

    assert key_id_of(key.text[:at] + key.text[at + 1 :]) is None
    assert key_id_of(key.text[:at] + key.text[at] + key.text[at:]) is None
    assert key_id_of(swapped) is None or swapped == key.text


@given(st.text(max_size=120))
@example("")
@example("blk_")
@example(a_new_key().text + "\n")
@example(" " + a_new_key().text)
@example(a_new_key().text.upper())
@settings(max_examples=100, deadline=None)
def test_what_is_no_key_names_none(text: str) -> None:
    assert key_id_of(text) is None


@pytest.mark.parametrize("show", [repr, str, format, pretty_repr, lambda key: f"{key!r} {[key]}"])
def test_a_new_key_is_not_printed_by_accident(show: Callable[[NewKey], str]) -> None:
    key = a_new_key()

    assert key.key_id in show(key)
    assert key.text.split("_")[2] not in show(key)
