"""The HTTP face: every route, and the two places where an exception becomes an answer."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.errors import StoreUnavailable
from gateway.auth import Gate
from gateway.browsers import cross_origin
from gateway.clients import Clients, Resolved
from gateway.doors import Doors
from gateway.last_resort import LastResort
from gateway.limiting import Limited
from gateway.problems import Problem, on_http_exception, on_problem, on_store_away, told
from gateway.reading import Reads
from gateway.routes.accounts import Accounts
from gateway.routes.analytics import Analytics
from gateway.routes.audit import AuditRoutes
from gateway.routes.bots import Bots
from gateway.routes.breakers import Breakers
from gateway.routes.commands import Commands, commands_in
from gateway.routes.documents import Documents
from gateway.routes.events import Events
from gateway.routes.fleet import FleetRoutes
from gateway.routes.health import HealthRoutes
from gateway.routes.history import HistoryRoutes
from gateway.routes.inspection import InspectionRoutes
from gateway.routes.login import Login
from gateway.routes.notices import Notices
from gateway.routes.ownership import Ownership
from gateway.routes.projections import Projections
from gateway.routes.retention import RetentionRoutes
from gateway.routes.retries import Retries
from gateway.routes.service import Service
from gateway.routes.stories import Stories
from gateway.routes.tenants import Tenants
from gateway.routes.tokens import Tokens
from gateway.routes.updates import Updates
from gateway.routes.vault import VaultRoutes
from gateway.routes.webhooks import Webhooks, is_webhook
from gateway.routes.whatif import WhatIf


def create_app(doors: Doors) -> Starlette:
    gate = Gate(doors)
    reads = Reads(doors)
    commands = Commands(doors, gate, reads)
    webhooks = Webhooks(doors, gate, reads)
    app = Starlette(
        routes=[
            # In the order of how often they are walked: the router tries one after the other.
            *commands.routes(),
            *webhooks.routes(),
            *Stories(doors, gate, reads).routes(),
            *Bots(doors, gate, reads).routes(),
            *Ownership(doors, gate, reads).routes(),
            *Tokens(doors, gate, reads, commands).routes(),
            *Updates(doors, gate, reads).routes(),
            *Notices(doors, gate).routes(),
            # Before those of health: there a bot's id is whatever follows.
            *HistoryRoutes(doors, gate, reads).routes(),
            *HealthRoutes(doors, gate, reads).routes(),
            *Analytics(doors, gate, reads).routes(),
            *Breakers(doors, gate, reads).routes(),
            *Retries(doors, gate, reads).routes(),
            *FleetRoutes(doors, gate, reads).routes(),
            *Projections(doors, gate).routes(),
            *Accounts(doors, gate, reads).routes(),
            *Login(doors, gate, reads).routes(),
            *RetentionRoutes(doors, gate).routes(),
            *VaultRoutes(doors, gate).routes(),
            *AuditRoutes(doors, gate).routes(),
            *InspectionRoutes(doors, gate, reads).routes(),
            *Tenants(doors, gate, reads).routes(),
            *Events(doors, gate).routes(),
            *WhatIf(doors, gate, reads).routes(),
            *Service(doors).routes(),
            *Documents(lambda: app.routes, doors.options.version, gate.sessions).routes(),
        ],
        middleware=[
            *cross_origin(doors.options.cors_origins),
            Middleware(LastResort),
            Middleware(Resolved, Clients(doors.options.trusted_proxies, doors.options.whitelist)),
            Middleware(Limited, doors.limits),
            Middleware(Shortcut, commands, webhooks),
        ],
        exception_handlers={Problem: on_problem, HTTPException: on_http_exception, StoreUnavailable: on_store_away},
    )
    # A redirect would be built from the Host header, which the caller chooses.
    app.router.redirect_slashes = False
    return app


class Shortcut:
    """To the two routes that are walked thousands of times a second, past the router and the layers around it."""

    def __init__(self, app: ASGIApp, commands: Commands, webhooks: Webhooks) -> None:
        self._app = app
        self._commands = commands
        self._webhooks = webhooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        endpoint: ASGIApp = self._app
        if (in_path := commands_in(path)) is not None:
            scope["path_params"] = in_path
            endpoint = self._commands
        elif is_webhook(path):
            endpoint = self._webhooks
        try:
            await endpoint(scope, receive, send)
        except Problem as problem:
            await told(problem)(scope, receive, send)
