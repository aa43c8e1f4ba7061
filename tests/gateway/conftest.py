from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.store.key_file import KeyFile
from domain.store.ledger import Ledger
from domain.store.rotation import Rotation
from domain.store.sqlite import SQLiteStore
from domain.store.vault import Vault
from domain.tenant import OPERATOR, Scope
from gateway.app import create_app
from gateway.doors import Doors, GatewayOptions
from gateway.events.replay import Replay
from gateway.limits import Limits
from ops.vault_job import VaultJob
from projections.all import all_projections
from projections.checkpoints import Checkpoints
from projections.control import Control
from projections.past import Past
from projections.runner import Runner
from projections.views import Views
from tests.doubles import ManualClock
from tests.examples import OTHER_TENANT, TENANT, TOKEN_TEXT
from tests.gateway.fakes import (
    ADMIN_TEXT,
    Accounts,
    Alerts,
    Audit,
    Client,
    Delivery,
    Doorstep,
    Fleet,
    House,
    Inspector,
    Log,
    Notices,
    Ownership,
    Steward,
    ThreadReplays,
    Updates,
)

OPTIONS = GatewayOptions(
    open_registration=True,
    version="0.1.0",
    session_keys=(b"what signs the sessions of these tests",),
    admin_key_hash=hashlib.sha256(ADMIN_TEXT.encode()).hexdigest(),
)


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Two tenants, `acme` with a bot; an operator with a key. Options by name."""
    with ExitStack() as stack:
        yield lambda limits=None, **options: _house(tmp_path, stack, options, limits)


@pytest.fixture
def house(build: Callable[..., House]) -> House:
    return build()


def _house(directory: Path, stack: ExitStack, options: dict[str, Any], limits: Limits | None = None) -> House:
    store = SQLiteStore(directory / "log.db")
    stack.callback(store.close)
    ledger, views = Ledger(store), Views(directory / "views.db")
    stack.callback(views.close)
    runner = Runner(ledger, views, all_projections())
    runner.start()
    stack.callback(runner.stop)
    control = Control(runner, ledger, ManualClock())
    stack.callback(control.close)
    loop = stack.enter_context(asyncio.Runner())
    replay = loop.run(_made_on_the_loop(ledger))
    stack.callback(replay.close)
    clock = ManualClock()
    log = Log(ledger, runner, replay)
    fleet, accounts, audit = Fleet(log), Accounts(log, clock), Audit(log)
    delivery, notices, inspector, ownership = Delivery(), Notices(), Inspector(), Ownership(fleet)
    key_file = KeyFile(directory / "master.key")
    doors = Doors(
        fleet=fleet,
        accounts=accounts,
        alerts=Alerts(),
        audit=audit,
        updates=Updates(),
        ownership=ownership,
        doorstep=Doorstep(),
        delivery=delivery,
        notices=notices,
        find_key=accounts.find,
        key_was_used=accounts.used.__setitem__,
        views=views,
        past=Past(ledger, views, Checkpoints(views.path.parent / "checkpoints", []), all_projections()),
        retention=Steward(),
        master_keys=VaultJob(Rotation(store, Vault(store, key_file.made()), key_file)),
        inspector=inspector,
        runner=runner,
        projections=control,
        replay=replay,
        replays=ThreadReplays(ledger),
        clock=clock,
        limits=limits or Limits({}, clock),
        options=replace(OPTIONS, **options),
    )
    client = Client(create_app(doors), loop)
    house = House(
        client, doors, fleet, accounts, log, runner, ledger, audit, delivery, notices, ownership, clock, inspector
    )
    house.key = accounts.found(TENANT, "Acme", (Scope.TENANT,)).api_key
    house.other_key = accounts.found(OTHER_TENANT, "Globex", (Scope.TENANT,)).api_key
    house.admin_key = accounts.found(OPERATOR, "Operator", (Scope.ADMIN,)).api_key
    registered = house.call("POST", "/api/bots", {"token": TOKEN_TEXT}).json()
    assert client.loop.run(runner.wait_for(registered["position"], 10.0))
    fleet.asked.clear()
    return house


async def _made_on_the_loop(ledger: Ledger) -> Replay:
    return Replay(ledger)
