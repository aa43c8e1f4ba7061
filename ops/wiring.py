"""The one place where everything is put together. What comes from outside can be replaced by its argument."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pykka

from actors.acceptance import Archive
from actors.audit import AuditActor
from actors.codes import OpenCodes
from actors.fleet import bots_of, remembers_hold, slots_of, take_up
from actors.guards import Policy
from actors.incarnations import GIVEN_UP, Bots
from actors.journal import Journal
from actors.key_ring import KeyRing
from actors.messages import Drain, FoundOperator, TenantKey
from actors.ports import Calling, Clock, Ports
from actors.removal import Removals
from actors.slot import Slot
from actors.standing import Fatal, Standing
from actors.stewards import RetentionSteward
from actors.supervisor import Supervisor
from actors.telegram import Telegram
from actors.weights import Weights
from domain import streams
from domain.errors import StoreUnusable
from domain.recovery import OpenThings
from domain.store.ledger import Ledger
from domain.tenant import removed_in
from gateway.events.replay import Replay
from gateway.limits import Limits
from ops.clock import LoopTimers, SystemClock
from ops.delivering import Delivering
from ops.inbound import Following, Inbound, hearing_bots
from ops.inspecting import inspecting
from ops.parts import (
    able_to_alert,
    accounts_of,
    alerts_of,
    control_of,
    incidents_of,
    limits_of,
    permits_of,
    policy_of,
    projections_of,
    standing,
)
from ops.retention import worker
from ops.sealed import bot_and_token, opened_vault, sealed_token
from ops.settings import Settings
from ops.steward import Steward
from ops.vault_job import VaultJob, vault_job
from projections.all import all_projections
from projections.control import Control
from projections.past import Past
from projections.retention import Retention
from projections.runner import Runner
from projections.views import Views

RECOVERY_BATCH = 1000
JOURNAL_CLOSE_S = 10.0


@dataclass(frozen=True, slots=True)
class Loft:
    """The running system, without its HTTP face."""

    fleet: pykka.ActorRef[Any]
    accounts: pykka.ActorRef[Any]
    alerts: Standing[Any]
    audit: pykka.ActorRef[Any]
    inbound: Inbound
    delivery: Standing[Any]
    notices: Standing[Any]
    keys: KeyRing
    views: Views
    past: Past
    retention: Standing[Any]
    inspector: Standing[Any]
    runner: Runner
    projections: Control
    ledger: Ledger
    replay: Replay
    clock: Clock
    limits: Limits
    troubles: Callable[[], list[str]]
    """What keeps it from being ready, or soon will."""
    first_admin_key: TenantKey | None
    """At the very first start, and never again."""
    steward: Steward
    master_keys: VaultJob


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    clock: Clock | None = None,
    telegram: Callable[[], Calling] | None = None,
    jitter: Callable[[], float] = random.random,
) -> AsyncIterator[Loft]:
    """Starts everything in the running loop and drains it in the end.

    Raises StoreUnusable, AlreadyOwned and WrongMasterKey before anything has been started.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        database = settings.database
        _make_state_dir(settings.state_dir)
        owner = database.owned_by(f"Process {os.getpid()}, started {clock.utc():%Y-%m-%d %H:%M:%S} UTC,")
        stack.callback(owner.release)
        store = database.opened()
        stack.callback(store.close)
        steward = Steward(owner, store, clock)
        stack.callback(steward.stop)
        ledger = Ledger(store)
        tenants = list(ledger.streams_under(streams.TENANTS))
        removed = removed_in(recorded.event for recorded in tenants)
        vault, rotation = opened_vault(settings, store, removed)
        opened = interrupted(ledger)
        runner, views, past = projections_of(settings, ledger, stack)
        replay = Replay(ledger)
        stack.callback(replay.close)
        journal = Journal(ledger, opened, clock, settings.max_backlog, partial(_tell, runner.wake, replay.pulse.beat))
        stack.push_async_callback(journal.close, JOURNAL_CLOSE_S)
        calling = telegram() if telegram else Telegram(settings.telegram_api, settings.max_connections)
        stack.push_async_callback(calling.close)
        following = Following(OpenCodes(clock))
        bare = Ports(clock, LoopTimers(), journal, calling, jitter, vault.seal, following)
        delivering = Delivering(bare, ledger, vault, stack, allow_private=settings.callback_allow_private)
        ports = delivering.ports
        policy = policy_of(settings)
        archive = Archive(ledger.stream, ledger.at, vault.open)
        bots = bots_of(delivering.noting_takeovers(ledger.streams_under(streams.BOTS)))
        following.begins(bots.values())
        slots = slots_of(bots, ports)
        _take_up_all(opened, slots, removed, policy, ports, archive)
        incidents = incidents_of(ledger)
        alerting = alerts_of(settings, ports, ledger, stack)
        ports = able_to_alert(ports, alerting, bots.values(), incidents)
        keys, weights = KeyRing(), Weights()
        supervisor = Supervisor(
            slots,
            Bots(partial(bot_and_token, ledger, vault), partial(sealed_token, vault)),
            ports,
            permits_of(settings, ports, weights, stack),
            policy,
            archive,
            ports.alert,
            [bot_id for (kind, bot_id), one in incidents.items() if kind == GIVEN_UP and one.is_open],
        ).begin(Fatal("the supervisor", steward.failed))
        stack.push_async_callback(_drained, supervisor, settings.drain_s)
        delivery = delivering.started(bots, slots, supervisor)
        inbound = hearing_bots(settings, delivering, ledger, vault, ports.alert, supervisor, following, stack)
        inspector = inspecting(slots, ledger, vault, ports, supervisor, stack, settings.token_check_rps)
        removals = Removals(supervisor, vault.shred, clock, ports.timers)
        accounts = accounts_of(tenants, ports, ledger, keys, weights, removals, stack).begin(
            Fatal("the accounts", steward.failed)
        )
        work = worker(
            Retention(ledger, past, all_projections()), journal, clock, settings.retention_days, runner.position
        )
        retention = standing("retention", lambda: RetentionSteward(work, clock, ports.timers), ports, stack)
        first = None if settings.admin_key else await _ask(accounts, FoundOperator())
        control = control_of(runner, ledger, clock, stack)
        del bots, opened, tenants  # as large as the fleet, and what is named here lives as long as the loft
        yield Loft(
            fleet=supervisor,
            accounts=accounts,
            alerts=alerting,
            audit=AuditActor.start(journal, clock),
            inbound=inbound,
            delivery=delivery,
            notices=delivering.notices,
            retention=retention,
            inspector=inspector,
            keys=keys,
            views=views,
            past=past,
            runner=runner,
            projections=control,
            ledger=ledger,
            replay=replay,
            clock=clock,
            limits=limits_of(settings, stack),
            troubles=partial(
                _troubles,
                steward,
                (alerting, delivery, inbound.updates, inbound.ownership, delivering.notices, retention, inspector),
            ),
            first_admin_key=first,
            steward=steward,
            master_keys=vault_job(rotation, stack),
        )


def _take_up_all(
    opened: OpenThings, slots: dict[int, Slot], removed: Collection[str], policy: Policy, ports: Ports, archive: Archive
) -> None:
    """What the last process left: holds that are not over, and commands without an outcome."""
    for hold in opened.holds(ports.clock.utc()):
        if hold.bot_id in slots:
            remembers_hold(slots[hold.bot_id], hold, policy.pace, ports)
    for command in opened.commands():
        home = None if command.first.tenant_id in removed else slots.get(command.first.bot_id)
        take_up(home, command, ports, archive)


def interrupted(ledger: Ledger) -> OpenThings:
    """What the last process left open, from the log alone."""
    opened, position = OpenThings(), ledger.low_water() - 1
    while batch := ledger.read(position, RECOVERY_BATCH):
        for recorded in batch:
            opened.see(recorded.position, recorded.event, recorded.stream)
        position = batch[-1].position
    return opened


def _troubles(steward: Steward, services: Collection[Standing[Any]]) -> list[str]:
    found = (service.trouble() for service in services)
    return steward.troubles() + [trouble for trouble in found if trouble is not None]


def _make_state_dir(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnusable(f"{path}: {error.strerror}. Is the directory above it there and writable?") from error


def _tell(*told: Callable[[], None]) -> None:
    for one in told:
        one()


async def _drained(supervisor: pykka.ActorRef[Any], drain_s: float) -> None:
    with suppress(pykka.ActorDeadError):
        await _ask(supervisor, Drain(drain_s))


async def _ask(actor: pykka.ActorRef[Any], message: object) -> Any:
    return await actor.ask(message, block=False)
