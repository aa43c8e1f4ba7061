"""The parts of the system that the settings shape, each with its own end on the stack of ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from actors.accounts import AccountsActor
from actors.alerts import AlertsActor
from actors.guards import Policy
from actors.key_ring import KeyRing, KeyUses, used_before
from actors.permits import Permits
from actors.ports import Clock, Ports
from actors.posting import Poster
from actors.removal import Removals
from actors.runtime import LoopActor, telling
from actors.standing import Standing
from actors.tellings import left_untold
from actors.weights import Weights
from domain import alerts, streams
from domain.alerts import Incident, Key
from domain.bot import Bot
from domain.rules.breaker import BreakerPolicy
from domain.rules.pacing import PacePolicy
from domain.store.ledger import Ledger
from domain.store.mapper import Recorded
from gateway.limits import Kind, Limits
from ops.clock import SystemClock
from ops.settings import Settings
from projections.all import all_projections
from projections.checkpoints import Checkpoints
from projections.control import Control
from projections.past import Past
from projections.runner import Runner
from projections.views import Views

log = structlog.get_logger()


def policy_of(settings: Settings) -> Policy:
    return Policy(
        pace=PacePolicy(settings.bot_rps, settings.chat_rps, settings.group_rpm),
        breaker=BreakerPolicy(settings.breaker_failures, settings.breaker_cooldown_s, settings.breaker_successes),
        max_in_flight=settings.max_in_flight,
        max_waiting=settings.max_waiting,
        telegram_timeout_s=settings.telegram_timeout_s,
        idle_timeout_s=settings.idle_timeout_s,
        max_active_bots=settings.max_active_bots,
        require_ownership=settings.require_ownership,
    )


def permits_of(settings: Settings, ports: Ports, weights: Weights, stack: AsyncExitStack) -> Permits:
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


def accounts_of(
    tenants: Sequence[Recorded],
    ports: Ports,
    ledger: Ledger,
    keys: KeyRing,
    weights: Weights,
    removals: Removals,
    stack: AsyncExitStack,
) -> AccountsActor:
    """Not yet begun."""
    stack.callback(KeyUses(keys, ports).stop)
    return AccountsActor(tenants, ports.journal, ports.clock, keys, weights, removals, partial(used_before, ledger))


def limits_of(settings: Settings, stack: AsyncExitStack) -> Limits:
    """Of callers, by the machine's own clocks: those of an experiment move no window."""
    clock = SystemClock()
    if settings.disable_rate_limiting:
        log.warning("rate_limiting_disabled", setting="DISABLE_RATE_LIMITING", means="nobody is limited")
        return Limits({}, clock)
    shared = None
    if settings.rate_limit_storage_uri is not None:
        from gateway.shared_counts import SharedCounts  # noqa: PLC0415  an extra, as above

        shared = SharedCounts(settings.rate_limit_storage_uri.get_secret_value(), clock)
        stack.push_async_callback(shared.close)
    return Limits({kind: getattr(settings, f"limit_{kind}") for kind in Kind}, clock, shared)


def alerts_of(settings: Settings, ports: Ports, ledger: Ledger, stack: AsyncExitStack) -> Standing[Any]:
    poster, secret = None, ""
    if settings.alert_url is not None and settings.alert_secret is not None:
        poster, secret = Poster(settings.alert_url), settings.alert_secret.get_secret_value()
        stack.push_async_callback(poster.close)
    alerting = Standing(
        "the alerts",
        lambda: incidents_of(ledger),
        lambda incidents: AlertsActor(ports, poster, secret, incidents),
        ports,
    )
    stack.push_async_callback(alerting.stop)
    return alerting


def incidents_of(ledger: Ledger) -> dict[Key, Incident]:
    return alerts.newest(recorded.event for recorded in ledger.streams_under(streams.ALERTS))


def able_to_alert(
    ports: Ports, alerting: Standing[Any], bots: Iterable[Bot], incidents: Mapping[Key, Incident]
) -> Ports:
    """The operator hears now what an earlier process has died over."""
    tell = telling(alerting)
    for untold in left_untold(bots, [key for key, incident in incidents.items() if incident.is_open]):
        tell(untold)
    return replace(ports, alert=tell)


def standing(name: str, make: Callable[[], LoopActor], ports: Ports, stack: AsyncExitStack) -> Standing[Any]:
    """A service that begins with nothing from the log. `stack` ends it."""
    service = Standing[Any](name, tuple, lambda _: make(), ports)
    stack.push_async_callback(service.stop)
    return service


def projections_of(settings: Settings, ledger: Ledger, stack: AsyncExitStack) -> tuple[Runner, Views, Past]:
    projections = all_projections()
    views = Views(settings.views)
    stack.callback(views.close)
    checkpoints = Checkpoints(settings.checkpoints, projections)
    runner = Runner(ledger, views, projections, checkpoints)
    runner.start()
    stack.callback(runner.stop)
    return runner, views, Past(ledger, views, checkpoints, projections)


def control_of(runner: Runner, ledger: Ledger, clock: Clock, stack: AsyncExitStack) -> Control:
    control = Control(runner, ledger, clock)
    stack.callback(control.close)
    return control
