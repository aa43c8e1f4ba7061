"""PostgreSQL goes away under a gateway, comes back, loses an answer, is taken by another: what callers see of it."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from domain import events
from domain.store.database import database_at
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.streams import day_stream
from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, Acme, Gateway
from tests.acceptance.test_kill import all_commands
from tests.acceptance.test_store_trouble import nothing_leaves_unrecorded, send
from tests.postgres_server import PASSWORD, PASSWORD_IN_URL, PostgresServer
from tests.proxy import COMMITTED, Proxy

CALLERS = 8
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def url(new_postgres_url: Callable[[], str]) -> str:
    return new_postgres_url()


@pytest.fixture
def on_postgres(tmp_path: Path, sandbox: SandboxClient, url: str) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path / "state", sandbox.base_url, DATABASE_URL=url, MAX_BACKLOG="40", **FAST).start()
    yield gateway
    if gateway.is_running:
        assert gateway.stop() == 0


def recorded(url: str) -> list[Any]:
    with closing(database_at(url).opened()) as store:
        return Ledger(store).read(0, 1_000_000)


class Load:
    """Callers who go on and on, each into a chat of its own, and what they were told."""

    def __init__(self, acme: Acme) -> None:
        self._acme = acme
        self.told: list[dict[str, Any]] = []
        self._ending = threading.Event()
        self._pool = ThreadPoolExecutor(CALLERS)
        self._calling = [self._pool.submit(self._call, caller) for caller in range(CALLERS)]

    def _call(self, caller: int) -> None:
        with self._acme.client() as client:
            number = 0
            while not self._ending.is_set():
                number += 1
                self.told.append(send(client, self._acme, 1000 + caller, f"{caller}-{number}", "3"))

    def until(self, what: Callable[[dict[str, Any]], bool], how_many: int = 1) -> None:
        """How many more of what is told from now on."""
        seen = len(self.told)
        while sum(map(what, self.told[seen:])) < how_many:
            for done in self._calling:
                if done.done():
                    done.result()

    def ends(self) -> None:
        self._ending.set()
        with self._pool:
            for done in self._calling:
                done.result()


def is_delivered(told: dict[str, Any]) -> bool:
    return told.get("outcome") == "delivered"


def is_refused(told: dict[str, Any]) -> bool:
    return (told["http"], told.get("code")) == (503, "store_unavailable")


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGKILL])
def test_a_server_that_is_killed_and_started_again_under_load_costs_no_count(
    on_postgres: Gateway, sandbox: SandboxClient, postgres: PostgresServer, url: str, number: signal.Signals
) -> None:
    acme = Acme(on_postgres, sandbox)
    load = Load(acme)
    load.until(is_delivered, 100)
    with postgres.away(number), on_postgres.client() as anyone:
        load.until(is_refused, CALLERS)
        while anyone.get("/health/ready").status_code == 200:
            pass
        not_ready = anyone.get("/health/ready").json()
    load.until(is_delivered, 100)
    load.ends()
    with acme.client() as client, on_postgres.client() as anyone:
        last = send(client, acme, 1, "the last one", "30")
        while anyone.get("/health/ready").status_code != 200:
            pass
        health = acme.health(client, at_least=last["position"])
        states = {command["command_id"]: command["state"] for command in all_commands(client, acme)}

    assert "the event store takes no events" in not_ready["wrong"]
    log = [one.event for one in recorded(url)]
    started = Counter(event.command_id for event in log if isinstance(event, events.CommandStarted))
    ended = Counter(event.command_id for event in log if isinstance(event, events.Ended))
    assert set(started.values()) == set(ended.values()) == {1}
    assert started.keys() <= ended.keys()
    # What was refused for want of room left nothing behind.
    told = {one["command_id"]: one["outcome"] for one in load.told if one.get("outcome") and "command_id" in one}
    assert told.items() <= states.items()
    texts = sandbox.texts(acme.bot_id)
    ended_as = Counter(states.values())
    assert len(texts) == len(set(texts))
    # On a busy host an answer of Telegram's may come too late to be told.
    assert 0 <= len(texts) - ended_as["delivered"] <= ended_as["uncertain"], ended_as
    assert health["successful_requests"] == ended_as["delivered"]
    assert {"delivered", "not_sent"} <= ended_as.keys() <= {"delivered", "not_sent", "uncertain"}


def test_a_server_that_hangs_stops_nothing_but_what_it_would_record(
    on_postgres: Gateway, sandbox: SandboxClient, postgres: PostgresServer
) -> None:
    nothing_leaves_unrecorded(on_postgres, sandbox, postgres.frozen)


def test_a_lost_acknowledgement_is_nobody_s_trouble(
    tmp_path: Path, sandbox: SandboxClient, postgres: PostgresServer, url: str
) -> None:
    with closing(Proxy(postgres.port)) as proxy:
        gateway = Gateway(tmp_path / "state", sandbox.base_url, DATABASE_URL=proxy.instead_of(url), **FAST).start()
        acme = Acme(gateway, sandbox)
        with acme.client() as client:
            proxy.lose(COMMITTED)
            answers = [send(client, acme, 1, f"{n}", "30") for n in range(3)]
        assert gateway.stop() == 0

    assert 1 == proxy.lost
    assert ["delivered"] * 3 == [answer["outcome"] for answer in answers]
    assert ["0", "1", "2"] == sandbox.texts(acme.bot_id)
    log = [one.event for one in recorded(url)]
    assert 3 == sum(isinstance(event, events.CommandStarted) for event in log)
    assert 3 == sum(isinstance(event, events.CommandDelivered) for event in log)


def test_somebody_else_in_a_bot_s_stream_costs_the_others_nothing(
    on_postgres: Gateway, sandbox: SandboxClient, url: str
) -> None:
    acme, globex = Acme(on_postgres, sandbox), Acme(on_postgres, sandbox, "Globex")
    with acme.client() as client, globex.client() as other, closing(database_at(url).opened()) as store:
        first = send(client, acme, 1, "first", "30")
        ledger = Ledger(store)
        event = ledger.read(first["position"] - 1, 1)[0].event
        assert isinstance(event, events.CommandDelivered)
        stream = day_stream(event)
        version = ledger.last_version(stream)
        intruder = events.ActorPassivated(occurred_at=event.occurred_at, bot_id=acme.bot_id, tenant_id=acme.tenant_id)
        ledger.append([Entry(stream, version + 1, intruder)])
        with ThreadPoolExecutor(2) as pool:
            sending = [pool.submit(send, *one, 1, "next", "30") for one in ((client, acme), (other, globex))]
            answers = [one.result() for one in sending]

        assert ["delivered"] * 2 == [answer["outcome"] for answer in answers]
        assert list(range(1, version + 4)) == [one.version for one in ledger.stream(stream)]


# Who owns it


def test_a_second_gateway_elsewhere_is_refused_and_told_who_holds_it(on_postgres: Gateway, tmp_path: Path) -> None:
    second = Gateway(tmp_path / "elsewhere", NOWHERE, DATABASE_URL=on_postgres.database_url)
    said = second.refuses_to_start()

    assert f"Process {on_postgres.pid}, started " in said
    assert "connected from 127.0.0.1" in said
    assert "Traceback" not in said


def test_a_gateway_whose_database_was_taken_by_another_stops_and_says_so(
    on_postgres: Gateway, postgres: PostgresServer, url: str
) -> None:
    os.kill(on_postgres.pid, signal.SIGSTOP)
    with postgres.away():
        pass
    quicker = database_at(url).owned_by("The quicker one")
    os.kill(on_postgres.pid, signal.SIGCONT)
    code = on_postgres.ended()
    quicker.release()

    assert 1 == code
    assert (
        "Another process runs the bots of this database. The quicker one connected from" in on_postgres.log.read_text()
    )
    assert "Traceback" not in on_postgres.log.read_text()


def test_a_gateway_takes_its_database_again_after_a_restart_of_the_server(
    on_postgres: Gateway, sandbox: SandboxClient, postgres: PostgresServer, tmp_path: Path
) -> None:
    with postgres.away():
        pass
    acme = Acme(on_postgres, sandbox)
    with acme.client() as client:
        answer = send(client, acme, 1, "after", "30")
    second = Gateway(tmp_path / "elsewhere", NOWHERE, DATABASE_URL=on_postgres.database_url)
    # Whoever comes in the moment between would get it; a second later nobody does.
    while "Process" not in (said := second.refuses_to_start()):
        pass

    assert answer["outcome"] == "delivered"
    assert f"Process {on_postgres.pid}, started " in said


# Its schema, and its password


def test_from_an_empty_database_to_a_running_gateway(
    tmp_path: Path, sandbox: SandboxClient, postgres: PostgresServer
) -> None:
    url = postgres.url(postgres.a_new_database(template="template0"))
    gateway = Gateway(tmp_path / "state", sandbox.base_url, DATABASE_URL=url, **FAST)
    refused = gateway.refuses_to_start()
    would, did, again = gateway.says("migrate", "--dry-run"), gateway.says("migrate"), gateway.says("migrate")
    gateway.start()
    acme = Acme(gateway, sandbox)
    with acme.client() as client:
        answer = send(client, acme, 1, "hello", "30")
    assert gateway.stop() == 0
    keys = gateway.says("keys", "issue")

    assert "Run `botloft migrate`." in refused
    assert "CREATE TABLE events " in would.stdout
    assert would.stdout.replace("would be done", "done") == did.stdout
    assert again.stdout.endswith(": nothing to do.\n")
    assert answer["outcome"] == "delivered"
    assert keys.stdout.startswith("blk_")


@pytest.mark.parametrize("url", ["mysql://botloft:{}@localhost/botloft", "postgresql://botloft:{}%zz@localhost/x"])
def test_a_database_that_is_none_is_refused_by_its_setting_and_without_its_password(tmp_path: Path, url: str) -> None:
    said = Gateway(tmp_path / "state", NOWHERE, DATABASE_URL=url.format(PASSWORD_IN_URL)).refuses_to_start()

    assert "BOTLOFT_DATABASE_URL" in said
    assert PASSWORD_IN_URL not in said
    assert "Traceback" not in said


def test_the_password_is_in_no_log_and_no_list_of_settings(
    on_postgres: Gateway, sandbox: SandboxClient, postgres: PostgresServer
) -> None:
    acme = Acme(on_postgres, sandbox)
    with postgres.away(), acme.client() as client:
        send(client, acme, 1, "while it is away", "1")
    settings = on_postgres.says("settings")
    with on_postgres.admin() as admin:
        stats = admin.get("/admin/system/stats").text
    assert on_postgres.stop() == 0

    for said in (on_postgres.log.read_text(), settings.stdout, stats):
        assert PASSWORD not in said
        assert PASSWORD_IN_URL not in said
    assert "set, not shown" in settings.stdout.replace("\n", " ")
