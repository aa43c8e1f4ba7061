"""What leaves of an event: all that may be seen, always there; nothing that is sealed, hashed or unknown."""

from __future__ import annotations

import typing

import msgspec
import pytest
from structlog.testing import capture_logs

from domain.events import CATALOGUE
from domain.store.mapper import to_bytes
from gateway.events import wire
from gateway.events.catalog import catalog
from gateway.events.wire import SEEN, WITHHELD, on_the_wire
from tests.domain.test_events import STORED
from tests.examples import a_delivered, a_started

KEYED = "d/2026-07-01/k/0123456789abcdef"
every_topic = pytest.mark.parametrize("topic", CATALOGUE)


def told(topic: str, state: bytes, stream: str = "a stream") -> dict[str, typing.Any]:
    return msgspec.json.decode(on_the_wire((7, stream, 3, topic, state)))


def structs_in(annotation: object) -> set[type[msgspec.Struct]]:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        fields = msgspec.structs.fields(annotation)
        return {annotation}.union(*(structs_in(field.type) for field in fields))
    return set().union(*(structs_in(one) for one in typing.get_args(annotation)))


@every_topic
def test_every_field_is_either_seen_or_withheld(topic: str) -> None:
    """A new field fails here until `gateway/events/wire.py` says which it is."""
    inside = structs_in(CATALOGUE[topic]) - {CATALOGUE[topic]}
    own = set(CATALOGUE[topic].__struct_fields__)

    assert set() == own - SEEN - WITHHELD.keys()
    # Of what is inside, all goes: there is no withholding a part of it.
    assert set() == {name for struct in inside for name in struct.__struct_fields__} - SEEN


def test_no_field_is_both_and_none_is_in_the_table_without_need() -> None:
    structs = set().union(*(structs_in(event) for event in CATALOGUE.values()))
    there = {name for struct in structs for name in struct.__struct_fields__}

    assert set() == SEEN & WITHHELD.keys()
    assert set() == (SEEN | WITHHELD.keys()) - there


@every_topic
def test_an_event_on_the_wire_has_its_place_and_all_its_seen_fields(topic: str) -> None:
    stored = msgspec.json.decode(STORED[topic])
    expected = {"bot_id": None, **{name: value for name, value in stored.items() if name in SEEN}}

    assert {"position": 7, "topic": topic, "stream": "a stream", "version": 3, **expected} == told(
        topic, STORED[topic].encode()
    )


@every_topic
def test_every_line_begins_alike(topic: str) -> None:
    common = ["position", "topic", "stream", "version", "occurred_at", "bot_id", "tenant_id"]

    assert common == list(told(topic, STORED[topic].encode()))[:7]


@every_topic
def test_nothing_sealed_and_no_hash_is_on_the_wire(topic: str) -> None:
    line = on_the_wire((7, KEYED, 3, topic, STORED[topic].encode()))

    assert [] == [
        secret for secret in (b"AXNlYWxlZA==", b"beef", b"f00d", b"0123456789abcdef", b"_sealed") if secret in line
    ]


def test_a_field_that_nobody_has_classified_does_not_leave() -> None:
    state = to_bytes(a_started())[:-1] + b',"added_later":"who knows"}'

    assert "added_later" not in told("command-started", state)


def test_what_the_log_leaves_out_is_told_so_that_averages_are_right() -> None:
    state = to_bytes(a_delivered(attempts=0, chat=None))

    assert b"attempts" not in state
    assert (0, None, []) == tuple(told("command-delivered", state)[name] for name in ("attempts", "chat", "waits"))


def test_the_hash_of_an_idempotency_key_is_not_told() -> None:
    assert "d/2026-07-01/k" == told("command-started", to_bytes(a_started()), KEYED)["stream"]


def test_a_server_sent_event_has_its_position_as_id_and_its_topic_as_name() -> None:
    row = (7, "bot/1", 3, "command-started", to_bytes(a_started()))

    assert b"id: 7\nevent: command-started\ndata: %s\n\n" % on_the_wire(row) == wire.server_sent([row])


@pytest.mark.parametrize(
    ("topic", "state"), [("of-a-newer-version", b"{}"), ("command-started", b"{"), ("command-started", b'{"\xff":1}')]
)
def test_what_cannot_be_read_is_named_in_our_log_and_all_that_comes_after_it_is_told(topic: str, state: bytes) -> None:
    whole = (8, "bot/1", 4, "command-started", to_bytes(a_started()))
    with capture_logs() as logs:
        told_of = wire.lines([(7, "bot/1", 3, topic, state), whole])
        sent = wire.server_sent([(7, "bot/1", 3, topic, state), whole])

    assert [wire.lines([whole]), wire.server_sent([whole])] == [told_of, sent]
    assert 2 * [{"event": "event_unreadable", "position": 7, "topic": topic, "log_level": "warning"}] == logs


# The catalogue


def described(topic: str) -> dict[str, typing.Any]:
    events: typing.Any = catalog()["events"]
    return next(one for one in events if one["topic"] == topic)


@every_topic
def test_the_catalogue_describes_every_event_and_each_of_its_fields(topic: str) -> None:
    found = described(topic)

    assert found["description"]
    assert found["title"]
    assert found["streams"]
    assert list(told(topic, STORED[topic].encode())) == list(found["schema"]["properties"])
    assert found["schema"]["required"] == list(found["schema"]["properties"])
    assert [name for name in CATALOGUE[topic].__struct_fields__ if name in WITHHELD] == list(found["withheld"])


def test_the_catalogue_tells_units_and_what_a_field_means() -> None:
    properties = described("command-delivered")["schema"]["properties"]

    assert {"type": "number", "unit": "milliseconds", "description": "Of the last attempt."} == properties[
        "telegram_ms"
    ]
    assert "date-time" == properties["received_at"]["format"]
    assert "seconds" == described("hold-placed")["schema"]["properties"]["retry_after_s"]["unit"]


def test_the_catalogue_tells_in_which_streams_an_event_may_be() -> None:
    assert ["d/<day>/<bot_id>", "d/<day>/k"] == described("command-accepted")["streams"]
    assert ["d/<day>/<bot_id>"] == described("hold-placed")["streams"]
    assert ["bot/<bot_id>"] == described("bot-registered")["streams"]
    assert ["tenant/<tenant_id>"] == described("key-issued")["streams"]
