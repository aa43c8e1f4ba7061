"""The one place where everything is put together. What comes from outside can be replaced by its argument."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pykka

from actors.acceptance import Archive
from actors.accounts import AccountsActor, KeyRing, Weights
from actors.alerts import AlertsActor
from actors.audit import AuditActor
from actors.fleet import read_bot, remembers_hold, slots_of, take_up
from actors.guards import Policy
from actors.incarnations import GIVEN_UP, Bots
from actors.journal import Journal
from actors.messages import Drain, FoundOperator, TenantKey
from actors.permits import Permits
from actors.ports import Calling, Clock, Ports
from actors.posting import Poster
from actors.runtime import stopped
from actors.stewards import RetentionSteward
from actors.supervisor import Supervisor
from actors.telegram import Telegram
from domain import alerts, streams
from domain.alerts import Incident, Key
from domain.bot import Bot
from domain.errors import StoreUnusable
from domain.recovery import OpenThings
from domain.rules.breaker import BreakerPolicy
from domain.rules.pacing import PacePolicy
from domain.rules.tokens import Token, parse
from domain.store.ledger import Ledger
from domain.store.vault import Vault, master_key_file
from gateway.events.replay import Replay
from ops.clock import LoopTimers, SystemClock
from ops.delivering import Delivering
from ops.retention import worker
from ops.settings import Settings
from ops.steward import Steward
from projections.all import all_projections
from projections.checkpoints import Checkpoints
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
    alerts: pykka.ActorRef[Any]
    audit: pykka.ActorRef[Any]
    delivery: pykka.ActorRef[Any]
    notices: pykka.ActorRef[Any]
    keys: KeyRing
    views: Views
    past: Past
    retention: pykka.ActorRef[Any]
    runner: Runner
    projections: Control
    ledger: Ledger
    replay: Replay
    clock: Clock
    first_admin_key: TenantKey | None
    """At the very first start, and never again."""
    steward: Steward


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
        vault = Vault(store, _master_keys(settings))
        ledger = Ledger(store)
        opened = interrupted(ledger)
        runner, views, past = _projections(settings, ledger, stack)
        replay = Replay(ledger)
        stack.callback(replay.close)
        journal = Journal(ledger, opened, clock, settings.max_backlog, partial(_tell, runner.wake, replay.pulse.beat))
        stack.push_async_callback(journal.close, JOURNAL_CLOSE_S)
        calling = telegram() if telegram else Telegram(settings.telegram_api, settings.max_connections)
        stack.push_async_callback(calling.close)
        bare = Ports(clock, LoopTimers(), journal, calling, jitter, vault.seal)
        allow_private = settings.callback_allow_private
        delivering = Delivering(bare, ledger, vault, stack, allow_private=allow_private)
        ports = delivering.ports
        policy = policy_of(settings)
        archive = Archive(ledger.stream, ledger.at, vault.open)
        slots = slots_of(ledger.streams_under(streams.BOTS), ports)
        for hold in opened.holds(clock.utc()):
            if hold.bot_id in slots:
                remembers_hold(slots[hold.bot_id], hold, policy.pace, ports)
        for command in opened.commands():
            take_up(slots.get(command.first.bot_id), command, ports, archive)
        incidents = alerts.newest(recorded.event for recorded in ledger.streams_under(streams.ALERTS))
        telling = _alerts(settings, ports, incidents, stack)
        keys, weights = KeyRing(), Weights()
        accounts = AccountsActor.start(ledger.streams_under(streams.TENANTS), journal, clock, keys, weights)
        supervisor = Supervisor.start(
            slots,
            Bots(partial(_read, ledger, vault), partial(_seal, vault)),
            ports,
            _permits(settings, ports, weights, stack),
            policy,
            archive,
            telling.tell,
            [bot_id for (kind, bot_id), one in incidents.items() if kind == GIVEN_UP and one.is_open],
        )
        stack.push_async_callback(_ask, supervisor, Drain(settings.drain_s))
        delivery = delivering.started(slots, supervisor)
        dropping = Retention(ledger, past, all_projections())
        work = worker(dropping, journal, clock, settings.retention_days, runner.position)
        retention = RetentionSteward.start(work, clock, ports.timers)
        stack.push_async_callback(stopped, retention)
        first = None if settings.admin_key else await _ask(accounts, FoundOperator())
        control = Control(runner, ledger, clock)
        stack.callback(control.close)
        yield Loft(
            fleet=supervisor,
            accounts=accounts,
            alerts=telling,
            audit=AuditActor.start(journal, clock),
            delivery=delivery,
            notices=delivering.notices,
            retention=retention,
            keys=keys,
            views=views,
            past=past,
            runner=runner,
            projections=control,
            ledger=ledger,
            replay=replay,
            clock=clock,
            first_admin_key=first,
            steward=steward,
        )


def interrupted(ledger: Ledger) -> OpenThings:
    """What the last process left open, from the log alone."""
    opened, position = OpenThings(), ledger.low_water() - 1
    while batch := ledger.read(position, RECOVERY_BATCH):
        for recorded in batch:
            opened.see(recorded.position, recorded.event, recorded.stream)
        position = batch[-1].position
    return opened


def policy_of(settings: Settings) -> Policy:
    return Policy(
        pace=PacePolicy(settings.bot_rps, settings.chat_rps, settings.group_rpm),
        breaker=BreakerPolicy(settings.breaker_failures, settings.breaker_cooldown_s, settings.breaker_successes),
        max_in_flight=settings.max_in_flight,
        max_waiting=settings.max_waiting,
        telegram_timeout_s=settings.telegram_timeout_s,
        idle_timeout_s=settings.idle_timeout_s,
        max_active_bots=settings.max_active_bots,
    )


def _permits(settings: Settings, ports: Ports, weights: Weights, stack: AsyncExitStack) -> Permits:
    shared = None
    if settings.rate_limit_storage_uri is not None:
        from actors.shared_pace import RedisPace  # noqa: PLC0415  an extra: not every installation has its client

        shared = RedisPace(settings.rate_limit_storage_uri.get_secret_value(), ports.clock)
        stack.push_async_callback(shared.close)
    return Permits(
        settings.fleet_rps,
        ports.clock,
        ports.timers,
        method_rps=settings.method_rps,
        weight_of=weights.of,
        shared=shared,
    )


def _alerts(
    settings: Settings, ports: Ports, incidents: dict[Key, Incident], stack: AsyncExitStack
) -> pykka.ActorRef[AlertsActor]:
    poster, secret = None, ""
    if settings.alert_url is not None and settings.alert_secret is not None:
        poster, secret = Poster(settings.alert_url), settings.alert_secret.get_secret_value()
        stack.push_async_callback(poster.close)
    return AlertsActor.start(ports, poster, secret, incidents)


def _projections(settings: Settings, ledger: Ledger, stack: AsyncExitStack) -> tuple[Runner, Views, Past]:
    projections = all_projections()
    views = Views(settings.views)
    stack.callback(views.close)
    checkpoints = Checkpoints(settings.checkpoints, projections)
    runner = Runner(ledger, views, projections, checkpoints)
    runner.start()
    stack.callback(runner.stop)
    return runner, views, Past(ledger, views, checkpoints, projections)


def _make_state_dir(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnusable(f"{path}: {error.strerror}. Is the directory above it there and writable?") from error


def _master_keys(settings: Settings) -> list[bytes]:
    if settings.master_keys:
        return [key.get_secret_value().encode() for key in settings.master_keys]
    return [master_key_file(settings.state_dir / "master.key")]


def _read(ledger: Ledger, vault: Vault, bot_id: int) -> tuple[Bot, Token | None]:
    bot = read_bot(ledger, bot_id)
    if bot.owner is None:
        return bot, None
    text = vault.open(bot.owner.tenant_id, _purpose(bot_id), bot.owner.token_sealed).decode()
    return bot, parse(text)


def _seal(vault: Vault, tenant_id: str, token: Token) -> bytes:
    return vault.seal(tenant_id, _purpose(token.bot_id), token.reveal().encode())


def _purpose(bot_id: int) -> str:
    return f"token/{bot_id}"


def _tell(*told: Callable[[], None]) -> None:
    for one in told:
        one()


async def _ask(actor: pykka.ActorRef[Any], message: object) -> Any:
    return await actor.ask(message, block=False)
