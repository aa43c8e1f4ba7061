"""The file of an export, without a gateway: where it goes on, what it refuses, when it gives up."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import msgspec
import pytest

from domain.store.mapper import to_bytes
from gateway.events.catalog import catalog
from gateway.events.wire import on_the_wire
from ops.access import Refused
from ops.events import export as exporting
from ops.events import formats, tail
from ops.events.gateway import Cut, Gateway, from_environment
from ops.events.plan import COMMON, Plan, columns_of
from tests.domain.test_events import STORED
from tests.examples import a_delivered, a_rejected

LINE = b'{"position":%d,"topic":"x"}\n'
NOWHERE = Gateway("http://127.0.0.1:9", "a key")
QUERY = {"topics": "command-delivered"}
PLAN = Plan(QUERY, 3, {"position": "BIGINT", "topic": "VARCHAR"})


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "RETRY_S", (0.0, 0.0))


@pytest.mark.parametrize(
    ("content", "kept", "position"),
    [
        (b"", b"", 0),
        (b'{"posi', b"", 0),
        (LINE % 7, LINE % 7, 7),
        (LINE % 7 + b'{"position":8', LINE % 7, 7),
        (LINE % 7 + LINE % 9 + LINE % 12 + b"{", LINE % 7 + LINE % 9 + LINE % 12, 12),
        (b'{"position":4,"long":"' + b"x" * 200_000 + b'"}\n', b'{"position":4,"long":"' + b"x" * 200_000 + b'"}\n', 4),
        (LINE % 7 + b"y" * 200_000, LINE % 7, 7),
    ],
)
def test_a_cut_file_goes_on_after_its_last_whole_line(
    tmp_path: Path, content: bytes, kept: bytes, position: int
) -> None:
    path = tmp_path / "part"
    path.write_bytes(content)
    with path.open("a+b") as file:
        assert position == exporting.cut_to_last_line(file)
        file.write(b"next")

    assert kept + b"next" == path.read_bytes()


def test_a_gateway_that_stays_away_ends_the_export_and_keeps_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "out.plan.json").write_bytes(msgspec.json.encode(PLAN))
    (tmp_path / "out.part").write_bytes(LINE % 1)

    with pytest.raises(Cut):
        exporting.export(NOWHERE, QUERY, tmp_path / "out", "ndjson", lambda _: None)

    assert LINE % 1 == (tmp_path / "out.part").read_bytes()


def test_a_file_that_was_whole_when_its_export_was_killed_is_whole(tmp_path: Path) -> None:
    (tmp_path / "out.plan.json").write_bytes(msgspec.json.encode(PLAN))
    (tmp_path / "out").write_bytes(LINE % 1)
    exporting.export(NOWHERE, QUERY, tmp_path / "out", "ndjson", lambda _: None)

    assert ["out"] == [path.name for path in tmp_path.iterdir()]
    with pytest.raises(Refused, match="is there already"):
        exporting.export(NOWHERE, QUERY, tmp_path / "out", "ndjson", lambda _: None)


def test_two_exports_into_one_file_do_not_mix(tmp_path: Path) -> None:
    (tmp_path / "out.plan.json").write_bytes(msgspec.json.encode(PLAN))
    with (tmp_path / "out.part").open("a+b") as file:
        exporting.alone(file)

        with pytest.raises(Refused, match="Another process is writing"):
            exporting.export(NOWHERE, QUERY, tmp_path / "out", "ndjson", lambda _: None)


def test_parquet_without_its_extra_is_refused_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda _: None)

    with pytest.raises(Refused, match=r"pip install \"botloft\[analysis\]\""):
        exporting.export(NOWHERE, QUERY, tmp_path / "out", "parquet", lambda _: None)

    assert [] == list(tmp_path.iterdir())


def test_a_key_is_needed_and_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOTLOFT_KEY", raising=False)
    monkeypatch.delenv("BOTLOFT_ADMIN_KEY", raising=False)

    with pytest.raises(Refused, match="Set BOTLOFT_KEY"):
        from_environment(None)


# Tables


def all_lines(path: Path) -> dict[str, str]:
    """Every event there is; the columns of their table."""
    rows = [(n, "a stream", n, topic, state.encode()) for n, (topic, state) in enumerate(STORED.items(), 1)]
    path.write_bytes(b"".join(on_the_wire(row) + b"\n" for row in rows))
    return columns_of(catalog()["events"], {})


def test_a_table_has_every_field_of_every_event_and_those_of_all_first(tmp_path: Path) -> None:
    columns = all_lines(tmp_path / "lines")
    fields = {name for line in (tmp_path / "lines").read_bytes().splitlines() for name in msgspec.json.decode(line)}

    assert fields == columns.keys()
    assert list(COMMON) == list(columns)[:7]
    assert sorted(fields - set(COMMON)) == list(columns)[7:]


def test_a_table_of_some_topics_has_their_fields_alone() -> None:
    columns = columns_of(catalog()["events"], {"topics": "hold-placed,actor-started"})

    assert [*COMMON, "retry_after_s", "scope", "until"] == list(columns)


def test_columns_have_the_types_of_the_catalogue() -> None:
    columns = columns_of(catalog()["events"], {})

    assert {
        "position": "BIGINT",
        "occurred_at": "TIMESTAMP",
        "again_at": "TIMESTAMP",
        "telegram_ms": "DOUBLE",
        "telegram_code": "BIGINT",
        "chat": "VARCHAR",
        "category": "VARCHAR",
        "patient": "BOOLEAN",
        "waits": "JSON",
        "scopes": "JSON",
        "config": "JSON",
    }.items() <= columns.items()


def test_a_csv_has_a_row_for_each_line_whatever_is_in_its_texts(tmp_path: Path) -> None:
    nasty = 'a "quoted", text\nof two lines; ünïcode\r'
    rows = [(1, "s", 1, "command-rejected", to_bytes(a_rejected(description=nasty)))]
    rows += [(2, "s", 2, "command-delivered", to_bytes(a_delivered()))]
    (tmp_path / "lines").write_bytes(b"".join(on_the_wire(row) + b"\n" for row in rows))
    convert = formats.FORMATS["csv"]()
    assert convert is not None
    convert(tmp_path / "lines", tmp_path / "table", columns_of(catalog()["events"], {}))
    with (tmp_path / "table").open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)

    assert (nasty, "400", "[]", "") == tuple(first[name] for name in ("description", "telegram_code", "waits", "scope"))
    assert ("", "120.0", "2") == tuple(second[name] for name in ("description", "telegram_ms", "position"))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_of_nothing_has_its_columns(tmp_path: Path, kind: str) -> None:
    (tmp_path / "lines").write_bytes(b"")
    convert = formats.FORMATS[kind]()
    assert convert is not None
    convert(tmp_path / "lines", tmp_path / f"table.{kind}", PLAN.columns)

    with duckdb.connect() as database:
        found = database.sql(f"FROM '{tmp_path}/table.{kind}'")
        assert (["position", "topic"], []) == (found.columns, found.fetchall())


def test_a_parquet_of_every_event_loses_nothing(tmp_path: Path) -> None:
    columns = all_lines(tmp_path / "it's lines")
    convert = formats.FORMATS["parquet"]()
    assert convert is not None
    convert(tmp_path / "it's lines", tmp_path / "table.parquet", columns)

    with duckdb.connect() as database:
        rows = database.sql(f"SELECT topic, description FROM '{tmp_path}/table.parquet' ORDER BY position").fetchall()
    assert list(STORED) == [topic for topic, _ in rows]
    assert "Too Many Requests" == dict(rows)["attempt-failed"]


# A tail


def test_server_sent_events_are_put_together_from_any_pieces() -> None:
    sent = b': position 4\nretry: 2000\n\nid: 5\nevent: x\ndata: {"a": 1}\n\n: position 9\n\n'
    sent += b"id: 10\nevent: x\ndata: {}\n\n"
    expected = [(4, b""), (5, b'{"a": 1}'), (9, b""), (10, b"{}")]

    for size in (1, 7, 1000):
        pieces = (sent[at : at + size] for at in range(0, len(sent), size))
        assert expected == list(tail.parsed(pieces))


def test_a_tailed_event_is_one_line_that_cannot_move_the_cursor() -> None:
    state = to_bytes(a_rejected(description="\x1b[2J\x9b2J\nnext"))
    shown = tail.shown(on_the_wire((7, "s", 1, "command-rejected", state)))

    assert shown.startswith("12:00:00.200 7000000001   command-rejected command_id=")
    assert shown.isprintable()
    assert "description=" in shown
