"""The process: the loft, its gateway on a socket, and a stop that loses nothing."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from pykka import ActorDeadError
from starlette.types import ASGIApp

from actors.delivery.mail import EndPulls
from actors.messages import Drain
from domain.keys import hashed
from gateway.answers import OF_THE_SERVER, OVER_TLS
from gateway.app import create_app
from gateway.clients import Clients
from gateway.doors import Doors, GatewayOptions
from gateway.intake import Intake
from ops.connections import Bounds, guarded
from ops.crowd import Crowd
from ops.sealed import session_keys
from ops.settings import Settings
from ops.short_way import with_short_way
from ops.version import VERSION
from ops.whatif.beside import Replays
from ops.whatif.today import today_of
from ops.wiring import Loft, running

BACKLOG = 2048
KEEP_ALIVE_S = 75
CLOSE_S = 5
GC_THRESHOLDS = (50_000, 20, 50)


class CannotListen(Exception):
    """The address is not to be had."""


async def serve(settings: Settings, ready: Callable[[str, Loft], None]) -> None:
    """Runs until SIGTERM or SIGINT. `ready` is told the base URL.

    Raises CannotListen, StoreUnusable, AlreadyOwned and WrongMasterKey before anything has been started, and
    AlreadyOwned after an orderly stop when another process has come to own the database meanwhile; FleetFailed after
    one when something has failed that cannot be started again.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(settings) as loft:
        listening = _listening(settings)
        within = doors(settings, loft)
        server = _Server(_config(create_app(within), _protocol(settings, within), settings.public_url))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        # What is there now stays: the collector need not look at it again for each generation of requests.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        ready(f"http://{_shown(settings.host)}:{listening.getsockname()[1]}", loft)
        stopping = asyncio.create_task(stop.wait())
        lost = loft.steward.lost
        ends: set[asyncio.Future[Any]] = {serving, stopping, lost}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        # Whoever asks Telegram by himself first: the drain closes the way there.
        await loft.inspector.stop()
        await loft.inbound.silence()
        # While the fleet drains the gateway still answers: new commands hear "shutting_down", old ones their outcome.
        with suppress(ActorDeadError):
            await loft.fleet.ask(Drain(settings.drain_s), block=False)
        loft.replay.stop()
        loft.delivery.tell(EndPulls())
        server.should_exit = True
        await serving
        if lost.done():
            raise lost.result()


def doors(settings: Settings, loft: Loft) -> Doors:
    admin_key = settings.admin_key
    return Doors(
        fleet=loft.fleet,
        accounts=loft.accounts,
        alerts=loft.alerts,
        audit=loft.audit,
        updates=loft.inbound.updates,
        ownership=loft.inbound.ownership,
        doorstep=loft.inbound.doorstep,
        delivery=loft.delivery,
        notices=loft.notices,
        find_key=loft.keys.find,
        key_was_used=loft.keys.was_used,
        views=loft.views,
        past=loft.past,
        retention=loft.retention,
        inspector=loft.inspector,
        runner=loft.runner,
        projections=loft.projections,
        master_keys=loft.master_keys,
        replay=loft.replay,
        replays=Replays(settings.url_of_database, today_of(settings)),
        clock=loft.clock,
        limits=loft.limits,
        troubles=loft.troubles,
        options=GatewayOptions(
            open_registration=settings.registration_is_open,
            public_url=settings.public_url,
            command_deadline_s=settings.command_deadline_s,
            admin_key_hash=hashed(admin_key.get_secret_value()) if admin_key else None,
            retention_days=settings.retention_days,
            version=VERSION,
            session_keys=session_keys(settings),
            callback_allow_private=settings.callback_allow_private,
            max_event_streams=settings.max_event_streams,
            max_event_streams_per_key=settings.max_event_streams_per_key,
            trusted_proxies=settings.trusted_proxies,
            whitelist=settings.rate_limit_whitelist,
            cors_origins=settings.cors_origins,
        ),
    )


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours to handle: the fleet drains before the server closes."""
        yield


def _protocol(settings: Settings, within: Doors) -> type[asyncio.Protocol]:
    crowd = Crowd(
        settings.max_open_connections,
        settings.max_open_connections_per_address,
        settings.trusted_proxies,
        settings.rate_limit_whitelist,
    )
    protocol = guarded(Bounds(head_s=settings.headers_within_s, body_s=settings.body_within_s), crowd)
    clients = Clients(settings.trusted_proxies, settings.rate_limit_whitelist)
    return with_short_way(protocol, Intake(within.doorstep, within.limits), clients)


def _config(app: ASGIApp, protocol: type[asyncio.Protocol], public_url: str | None) -> uvicorn.Config:
    is_https = public_url is not None and public_url.startswith("https://")
    return uvicorn.Config(
        app,
        loop="none",
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        headers=[*OF_THE_SERVER, *([OVER_TLS] if is_https else [])],
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=CLOSE_S,
    )


def _listening(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotListen(
            f"{settings.host}:{settings.port}: {error.strerror}. Set BOTLOFT_HOST and BOTLOFT_PORT to a free address."
        ) from error


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
