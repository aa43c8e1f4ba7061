"""A tenant and its keys. Given events, when a command, then events or a refusal."""

from __future__ import annotations

import msgspec
import pytest

from domain.events import Event, KeyIssued, TenantRegistered, TenantRemoved, TenantWeighted
from domain.keys import NewKey
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
