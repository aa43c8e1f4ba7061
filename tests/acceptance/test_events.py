"""The log as an analyst gets it from a real gateway: whole, live, at any reader's pace, through kills and stops."""

from __future__ import annotations

import base64
import os
import re
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import httpx
import msgspec
import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import COMMAND, FAST, ROOT, Acme, Gateway
from tests.acceptance.made_logs import many_delivered, write_log

MANY = 60_000
"""About 20 MB on the wire."""
KILLED_AT_BYTES = (1 << 20, 8 << 20)
FLAT_KB = 8_000
WITHIN_S = 60
STOPPED_WITHIN_S = 15.0
"""What is in flight would be waited for longer."""
PAUSE = threading.Event()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """With a long history, all of it projected."""
    state_dir = tmp_path_factory.mktemp("large") / "state"
    write_log(state_dir, many_delivered(MANY))
    # It sends nothing: no Telegram is needed.
    gateway = Gateway(state_dir, "http://127.0.0.1:9", **FAST).start()
    with gateway.admin() as admin:
        until(lambda: admin.get("/admin/system/bot-health/summary", params={"at_least": MANY}).status_code == 200)
    yield gateway
    if gateway.is_running:
        assert gateway.stop() == 0


def until(holds: Any) -> None:
    ends = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < ends
        PAUSE.wait(0.005)


def exporting(gateway: Gateway, out: Path, *more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "BOTLOFT_KEY": gateway.admin_key, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*COMMAND, "events", "export", "--url", gateway.base_url, "--out", str(out), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=out.parent,
    )


def exported(gateway: Gateway, out: Path, *more: str) -> str:
    with exporting(gateway, out, *more) as process:
        said, _ = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 0, said
    return said


def rss_kb(gateway: Gateway) -> int:
    status = Path(f"/proc/{gateway.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1])


# A file of it


@pytest.mark.parametrize("kind", ["ndjson", "csv"])
def test_an_export_that_is_killed_goes_on_to_the_very_same_file(large: Gateway, tmp_path: Path, kind: str) -> None:
    exported(large, tmp_path / "whole", "--format", kind)
    killed = tmp_path / "killed"
    part = tmp_path / "killed.part"
    for size in KILLED_AT_BYTES:
        with exporting(large, killed, "--format", kind) as process:
            until(lambda size=size: part.exists() and part.stat().st_size > size)
            process.kill()
        assert not killed.exists()
    before = part.stat().st_size
    said = exported(large, killed, "--format", kind)

    assert (tmp_path / "whole").read_bytes() == killed.read_bytes()
    assert {"whole", "killed"} == {path.name for path in tmp_path.iterdir()}
    fetched = re.search(r"([\d,]+) events fetched", said)
    # It went on, and did not begin anew.
    assert fetched is not None
    assert before > KILLED_AT_BYTES[-1]
    assert int(fetched[1].replace(",", "")) < MANY


def test_a_parquet_file_has_every_event_and_typed_columns(large: Gateway, tmp_path: Path) -> None:
    exported(large, tmp_path / "events.parquet", "--format", "parquet", "--bot", "7000000007", "--bot", "7000000008")

    with duckdb.connect() as database:
        found = database.sql(f"FROM '{tmp_path}/events.parquet'")
        types = dict(zip(found.columns, map(str, found.types), strict=True))
        counted = database.sql(f"SELECT bot_id, count(*), sum(telegram_ms) FROM '{tmp_path}/events.parquet' GROUP BY 1")
        each = MANY // 100
        assert {(bot, each, each * 120.0) for bot in (7_000_000_007, 7_000_000_008)} == set(counted.fetchall())
    assert ("BIGINT", "TIMESTAMP", "DOUBLE", "VARCHAR") == tuple(
        types[name] for name in ("position", "occurred_at", "telegram_ms", "method")
    )


def test_an_export_outlives_its_gateway(tmp_path: Path, sandbox: SandboxClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **{**FAST, "PORT": port})
    write_log(gateway.state_dir, many_delivered(MANY))
    gateway.start()
    out, part = tmp_path / "out", tmp_path / "out.part"
    with exporting(gateway, out) as process:
        until(lambda: part.exists() and part.stat().st_size > 1 << 20)
        gateway.kill()
        assert not out.exists()
        gateway.start()
        said, _ = process.communicate(timeout=WITHIN_S)
    assert gateway.stop() == 0

    assert 0 == process.returncode, said
    lines = out.read_bytes().splitlines()
    assert list(range(1, MANY + 1)) == [msgspec.json.decode(line)["position"] for line in lines]


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--topics", "hold-placd"], 1, 'Did you mean "hold-placed"?'),
        (["--from", "yesterday"], 1, '"from" must be a time like'),
        (["--url", "localhost"], 3, "is no address"),
    ],
)
def test_an_export_of_nonsense_is_refused_in_a_sentence(
    large: Gateway, tmp_path: Path, more: list[str], code: int, said: str
) -> None:
    with exporting(large, tmp_path / "out", *more) as process:
        told, _ = process.communicate(timeout=WITHIN_S)

    assert code == process.returncode
    assert said in " ".join(told.split())
    assert [] == list(tmp_path.iterdir())


def test_an_export_goes_on_with_what_it_began_and_overwrites_nothing(large: Gateway, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with exporting(large, out) as process:
        until((tmp_path / "out.plan.json").exists)
        process.kill()
    with exporting(large, out, "--topics", "hold-placed") as process:
        other, _ = process.communicate(timeout=WITHIN_S)
    exported(large, out)
    with exporting(large, out) as process:
        again, _ = process.communicate(timeout=WITHIN_S)

    assert "belongs to an export of something else" in " ".join(other.split())
    assert "is there already" in " ".join(again.split())
    assert MANY == out.read_bytes().count(b"\n")


# Memory


def test_neither_a_fast_nor_a_standing_reader_costs_memory(large: Gateway) -> None:
    with large.admin() as admin:
        assert MANY == admin.get("/api/events").content.count(b"\n")
        before = rss_kb(large)
        for _ in range(2):
            assert MANY == admin.get("/api/events").content.count(b"\n")
        fast = rss_kb(large) - before
        with closing(standing_reader(large)) as reader:
            # While it stands there, others are served.
            for _ in range(3):
                assert MANY == admin.get("/api/events").content.count(b"\n")
            standing = rss_kb(large) - before
            received = bytearray()
            while not received.endswith(b"\r\n0\r\n\r\n"):
                piece = reader.recv(1 << 20)
                assert piece
                received += piece

    assert fast < FLAT_KB
    assert standing < FLAT_KB
    assert MANY == received.count(b'{"position"')


def standing_reader(gateway: Gateway) -> socket.socket:
    """It asks for everything and takes nothing."""
    parts = urlsplit(gateway.base_url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=WITHIN_S)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
    request = f"GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.admin_key}\r\n\r\n"
    connection.sendall(request.encode())
    return connection


# Live, and the end


def test_what_a_command_does_is_told_live_and_tailed(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme = Acme(gateway, sandbox)
    environment = {**os.environ, "BOTLOFT_KEY": acme.key, "BOTLOFT_URL": gateway.base_url, "PYTHONPATH": str(ROOT)}
    tail = [*COMMAND, "events", "tail", "--topics", "command-delivered", "--after", "0"]
    with subprocess.Popen(tail, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        assert process.stdout is not None
        with acme.client() as client, client.stream("GET", "/api/events/stream") as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith(": position")
            sent = acme.send(client, 42, "hello").raise_for_status().json()
            told = next(line for line in lines if line == f"id: {sent['position']}")
        shown = process.stdout.readline()
        process.kill()

    assert f"id: {sent['position']}" == told
    assert "command-delivered" in shown
    assert f"command_id={sent['command_id']}" in shown
    assert str(acme.bot_id) in shown


def test_a_stop_waits_for_no_stream(large: Gateway, tmp_path: Path, sandbox: SandboxClient) -> None:
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST).start()
    ended = threading.Event()

    def follow() -> None:
        with gateway.admin() as admin, admin.stream("GET", "/api/events/stream") as stream:
            for line in stream.iter_lines():
                if line.startswith(": position"):
                    following.set()
        # The stream came to its end, and was not cut.
        ended.set()

    following = threading.Event()
    follower = threading.Thread(target=follow)
    follower.start()
    assert following.wait(WITHIN_S)
    began = time.monotonic()
    assert 0 == gateway.stop()
    took_s = time.monotonic() - began
    follower.join(WITHIN_S)

    assert ended.is_set()
    assert took_s < STOPPED_WITHIN_S
    assert large.is_running


def test_an_export_that_a_stop_breaks_off_does_not_look_whole(tmp_path: Path, sandbox: SandboxClient) -> None:
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST)
    write_log(gateway.state_dir, many_delivered(MANY // 2))
    gateway.start()
    with gateway.admin() as admin, admin.stream("GET", "/api/events") as answer:
        chunks = answer.iter_raw()
        next(chunks)
        assert 0 == gateway.stop()
        with pytest.raises(httpx.RemoteProtocolError):
            list(chunks)


# Secrets


def test_no_sealed_byte_no_hash_and_no_text_is_in_an_export(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme = Acme(gateway, sandbox)
    with acme.client() as client, gateway.admin() as admin:
        for number in range(3):
            headers = {"Idempotency-Key": f"order-{number}"}
            body = {"chat_id": 42, "text": "nobody else may read this"}
            path = f"/api/bots/{acme.bot_id}/commands/sendMessage"
            client.post(path, json=body, headers=headers).raise_for_status()
        told = [one.get("/api/events").content for one in (client, admin)]
        told.append(admin.get("/api/events/catalog").content)
    with closing(sqlite3.connect(gateway.state_dir / "botloft.db")) as database:
        rows = database.execute("SELECT originator_id, state FROM events").fetchall()
    kept = [
        str(value)
        for _, state in rows
        for name, value in msgspec.json.decode(state).items()
        if name.endswith(("_sealed", "_hash", "_fingerprint"))
    ]
    hashes = [stream.rpartition("/")[2] for stream, _ in rows if "/k/" in stream]
    secrets = [*kept, *hashes, acme.key, acme.token, "nobody else may read this", "order-1"]
    plain = [base64.b64decode(one) for one in kept if one.endswith("=")]

    assert len(kept) >= 10
    assert len(hashes) >= 9
    assert all(b"command-accepted" in one for one in told)
    assert [] == [one[:12] for one in secrets for answer in told if one.encode() in answer]
    assert [] == [one[:4] for one in plain for answer in told if one in answer]
