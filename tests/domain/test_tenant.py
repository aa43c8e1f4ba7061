"""A tenant and its keys. Given events, when a command, then events or a refusal."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from domain.events import Event, KeyIssued, KeyRevoked, TenantRegistered, TenantRemoved, TenantWeighted
from domain.keys import Key, NewKey, hashed, key_id_of, opens, written_key
from domain.refusal import Refused
from domain.tenant import (
    NO_TENANT,
    OPERATOR,
    Decision,
    Scope,
    Tenant,
    evolve,
    issue_key,
    register,
    remove,
    removed_in,
    revoke_key,
    weigh,
)
from tests.examples import NOON, OTHER_TENANT, TENANT, a_new_key, a_tenant, after

REGISTERED = TenantRegistered(occurred_at=NOON, tenant_id=TENANT, name="Acme")


def events_of(decision: Decision) -> tuple[Event, ...]:
    assert not isinstance(decision, Refused), decision
    return decision


def issued(key: NewKey, scopes: tuple[Scope, ...] = (Scope.TENANT,), label: str = "") -> KeyIssued:
    (event,) = events_of(issue_key(a_tenant(REGISTERED), key, scopes, label, NOON))
    assert isinstance(event, KeyIssued)
    return event


def refused(decision: Decision) -> str:
    assert isinstance(decision, Refused), decision
    assert decision.detail.endswith("."), "a sentence that a person can act on"
    return decision.code


# Registering


def test_a_registered_tenant_has_its_name_and_no_key_yet() -> None:
    (event,) = events_of(register(Tenant(TENANT), "Acme", NOON))
    tenant = a_tenant(event)

    assert REGISTERED == event
    assert ("Acme", {}, 1) == (tenant.name, tenant.keys, tenant.version)


def test_a_tenant_is_registered_once() -> None:
    assert "invalid_request" == refused(register(a_tenant(REGISTERED), "Acme again", NOON))


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


def test_keys_overlap_while_they_are_rotated() -> None:
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


# Weights


def test_a_tenant_has_the_weight_that_it_was_given_last() -> None:
    decided = events_of(weigh(a_tenant(REGISTERED), 3, "admin", "pays for it", NOON))

    assert (TenantWeighted(occurred_at=NOON, tenant_id=TENANT, weight=3, by="admin", reason="pays for it"),) == decided
    assert (1, 3) == (a_tenant(REGISTERED).weight, a_tenant(REGISTERED, *decided).weight)


def test_the_same_weight_again_changes_nothing() -> None:
    assert () == weigh(a_tenant(REGISTERED), 1, "admin", "no reason", NOON)


@pytest.mark.parametrize("weight", [-1, 0, 101])
def test_a_weight_is_from_1_to_100(weight: int) -> None:
    refused = weigh(a_tenant(REGISTERED), weight, "admin", "why not", NOON)

    assert isinstance(refused, Refused)
    assert ("invalid_request", '"weight" must be a whole number from 1 to 100.') == (refused.code, refused.detail)


@pytest.mark.parametrize("tenant", [Tenant(TENANT), a_tenant(REGISTERED, tenant_id=OPERATOR)])
def test_who_is_no_tenant_has_no_weight(tenant: Tenant) -> None:
    assert NO_TENANT == weigh(tenant, 3, "admin", "why not", NOON)


# Folding


def test_the_version_counts_every_event() -> None:
    assert [0, 1, 2] == [a_tenant(*[REGISTERED, issued(a_new_key())][:n]).version for n in range(3)]


def test_two_tenants_share_nothing() -> None:
    a_tenant(REGISTERED, issued(a_new_key()))

    assert {} == Tenant(OTHER_TENANT).keys


def test_a_snapshot_reads_back_as_the_same_tenant() -> None:
    tenant = a_tenant(REGISTERED, issued(a_new_key(1)), issued(a_new_key(2), (Scope.ADMIN,), "ops"))

    assert tenant == msgspec.json.decode(msgspec.json.encode(tenant), type=Tenant)


# Removing


def test_a_removed_tenant_has_neither_name_nor_keys_nor_weight_and_never_comes_back() -> None:
    heavier = events_of(weigh(a_tenant(REGISTERED), 3, "admin", "pays for it", NOON))
    before = a_tenant(REGISTERED, issued(a_new_key()), *heavier)
    (removed,) = events_of(remove(before, "admin", "it left us", after(5)))
    tenant = evolve(before, removed)

    assert TenantRemoved(occurred_at=after(5), tenant_id=TENANT, by="admin", reason="it left us") == removed
    assert Tenant(TENANT, version=4, removed="it left us") == tenant
    assert NO_TENANT == remove(tenant, "admin", "again", after(6))
    assert NO_TENANT == weigh(tenant, 5, "admin", "again", after(6))
    assert "not_found" == refused(issue_key(tenant, a_new_key(2), (Scope.TENANT,), "", after(6)))
    assert "invalid_request" == refused(register(tenant, "Acme", after(6)))
    assert {TENANT} == removed_in([REGISTERED, *heavier, removed])


@pytest.mark.parametrize("tenant_id", [OPERATOR, "t_nobody"])
def test_neither_the_operator_nor_nobody_can_be_removed(tenant_id: str) -> None:
    history = (REGISTERED,) if tenant_id == OPERATOR else ()

    assert NO_TENANT == remove(a_tenant(*history, tenant_id=tenant_id), "admin", "why", NOON)
