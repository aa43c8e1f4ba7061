"""The catalogue: what was once written stays readable, and nothing secret is ever written."""

from __future__ import annotations

import types
import typing
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.command import Wait
from domain.config import Config
from domain.events import CATALOGUE, Event
from domain.failure import Category, Strategy
from domain.rules.validation import Verdict, Why
from domain.store.mapper import from_bytes, to_bytes
from domain.streams import BOTS, TENANTS, bot_stream, day_stream, tenant_stream
from tests.examples import BOT_ID, NOON, TENANT, a_delivered, a_started, after

WHEN = '"occurred_at":"2026-07-01T12:00:00Z"'
WHO = f'{WHEN},"bot_id":7000000001,"tenant_id":"acme"'
IDENTITY = '"username":"examples_bot","first_name":"Examples","token_sealed":"AXNlYWxlZA==","token_fingerprint":"f00d"'
COMMAND = '"command_id":"0197c5e2","method":"sendMessage"'
WAITS = '[{"since":"2026-07-01T12:00:00Z","because":"hold","until":"2026-07-01T12:00:03Z"}]'
ENDED = (
    f'{WHO},{COMMAND},"received_at":"2026-07-01T11:59:59.500000Z","chat":"42","attempts":2,"queue_ms":1.5,'
    f'"telegram_ms":120.25,"waits":{WAITS}'
)
FAILED = f'{ENDED},"code":"telegram_rejected","category":"permanent","telegram_code":400,"description":"Bad Request"'

STORED = {
    "tenant-registered": f'{{{WHEN},"tenant_id":"acme","name":"Acme"}}',
    "key-issued": (
        f'{{{WHEN},"tenant_id":"acme","key_id":"k1","secret_hash":"beef","scopes":["tenant"],"label":"ci",'
        f'"expires_at":"2026-08-01T12:00:00Z"}}'
    ),
    "key-rotated": (f'{{{WHEN},"tenant_id":"acme","key_id":"k1","successor_id":"k2","until":"2026-07-02T12:00:00Z"}}'),
    "key-used": f'{{{WHEN},"tenant_id":"acme","key_id":"k1","last_used_at":"2026-07-01T11:59:00Z"}}',
    "sessions-ended": f'{{{WHEN},"tenant_id":"acme","key_id":"k1"}}',
    "key-revoked": f'{{{WHEN},"tenant_id":"acme","key_id":"k1"}}',
    "tenant-weighted": f'{{{WHEN},"tenant_id":"acme","weight":3,"by":"admin","reason":"pays for it"}}',
    "tenant-removed": f'{{{WHEN},"tenant_id":"acme","by":"admin","reason":"it left us"}}',
    "tenant-shredded": f'{{{WHEN},"tenant_id":"acme"}}',
    "bot-registered": f"{{{WHO},{IDENTITY}}}",
    "ownership-challenged": f"{{{WHO},{IDENTITY}}}",
    "challenge-withdrawn": f"{{{WHO}}}",
    "ownership-code-issued": f'{{{WHO},"code_hash":"beef","expires_at":"2026-07-01T12:15:00Z"}}',
    "ownership-verified": f'{{{WHO},"is_takeover":true}}',
    "bot-suspended": f'{{{WHO},"reason":"too loud","by":"admin"}}',
    "bot-resumed": f'{{{WHO},"by":"admin","reason":"looked into"}}',
    "bot-removed": f'{{{WHO},"by":"admin","reason":"abuse"}}',
    "bot-configured": f'{{{WHO},"config":{{"bot_rps":5.0}},"by":"admin","reason":"a flood"}}',
    "webhook-set": f'{{{WHO},"path_sealed":"AXNlYWxlZA==","secret_sealed":"AXNlYWxlZA==","token_fingerprint":"f00d"}}',
    "webhook-removed": f"{{{WHO}}}",
    "webhook-lost": f'{{{WHO},"reason":"dark"}}',
    "webhook-restored": f"{{{WHO}}}",
    "polling-started": f"{{{WHO}}}",
    "token-rotated": f'{{{WHO},"token_sealed":"AXNlYWxlZA==","token_fingerprint":"f00d"}}',
    "bot-renamed": f'{{{WHO},"username":"examples_bot","first_name":"Examples"}}',
    "token-validated": f'{{{WHO},"category":"VALID","why":"daily","username":"examples_bot","first_name":"Examples"}}',
    "tokens-inspected": f'{{{WHEN},"tenant_id":"operator","valid":[7000000001],"revoked":[7000000002]}}',
    "retry-statistics-reset": f'{{{WHO},"reason":"a new policy","by":"admin"}}',
    "callback-set": f'{{{WHO},"by":"botloft","callback_sealed":"AXNlYWxlZA==","reason":"it answered 410 Gone"}}',
    "notice-given": f'{{{WHO},"kind":"bot_suspended","detail":"Telegram refuses the token"}}',
    "notice-posted": f'{{{WHEN},"tenant_id":"acme","number":3}}',
    "notice-endpoint-set": f'{{{WHEN},"tenant_id":"acme","endpoint_sealed":"AXNlYWxlZA=="}}',
    "endpoint-failing": f'{{{WHO},"since":"2026-07-01T09:00:00Z","is_warned":true}}',
    "endpoint-recovered": f"{{{WHO}}}",
    "breaker-forced": f'{{{WHO},"reason":"a flood"}}',
    "breaker-opened": f'{{{WHO},"until":"2026-07-01T12:01:00Z","cause":"5 failures in a row"}}',
    "breaker-half-opened": f"{{{WHO}}}",
    "breaker-closed": f'{{{WHO},"reason":"checked"}}',
    "command-accepted": (
        f'{{{WHO},{COMMAND},"received_at":"2026-07-01T11:59:59.500000Z","deadline_s":3600.0,'
        f'"parameters_sealed":"AXNlYWxlZA==","body_hash":"beef","chat":"42","retry_uncertain":true,"patient":true}}'
    ),
    "command-started": f'{{{WHO},{COMMAND},"received_at":"2026-07-01T11:59:59.500000Z","chat":"42"}}',
    "attempt-failed": (
        f'{{{WHO},{COMMAND},"attempt":1,"category":"rate_limit","description":"Too Many Requests","telegram_ms":80.5,'
        f'"chat":"42","telegram_code":429,"retry_after_s":5.0,"again_at":"2026-07-01T12:00:05Z",'
        f'"strategy":"linear"}}'
    ),
    "command-delivered": f'{{{ENDED},"result_sealed":"AXNlYWxlZA=="}}',
    "command-rejected": f"{{{FAILED}}}",
    "command-not-sent": f"{{{FAILED}}}",
    "command-uncertain": f"{{{FAILED}}}",
    "hold-placed": f'{{{WHO},"scope":"chat:42","until":"2026-07-01T12:00:05Z","retry_after_s":5.0}}',
    "alert-raised": f'{{{WHO},"kind":"bot_given_up","detail":"its actor failed"}}',
    "alert-cleared": f'{{{WHO},"kind":"bot_given_up","detail":"its actor failed"}}',
    "update-received": (
        f'{{{WHO},"update_id":7,"kind":"message","via":"webhook","chat":"42","chat_type":"private","command":"start"}}'
    ),
    "update-delivered": f'{{{WHO},"update_id":7,"via":"push","attempts":2,"after_ms":12.5}}',
    "update-delivery-failed": (
        f'{{{WHO},"update_id":7,"attempt":1,"cause":"HTTP 500","again_at":"2026-07-01T12:00:30Z"}}'
    ),
    "day-summarised": f'{{{WHO},"day":"2026-06-01","up_to":99,"counts":{{"command-delivered":3}},"rows":"gA=="}}',
    "retention-ran": f'{{{WHEN},"tenant_id":"operator","up_to":99,"kept_from":"2026-06-02","events":7,"by":"botloft"}}',
    "alert-posted": f'{{{WHO},"kind":"bot_given_up","told":"alert-raised"}}',
    "admin-acted": (
        f'{{{WHEN},"tenant_id":"operator","by":"k1","reason":"disk","action":"projection.pause","target":"health",'
        f'"client":"192.0.2.7"}}'
    ),
    "admin-act-refused": f'{{{WHEN},"tenant_id":"operator","act_position":7,"code":"not_found"}}',
    "projection-event-skipped": (
        f'{{{WHEN},"tenant_id":"operator","by":"k1","reason":"known bug","projection":"health","skipped_position":7,'
        f'"skipped_topic":"command-delivered","cause":"KeyError()"}}'
    ),
    "actor-started": f"{{{WHO}}}",
    "actor-failed": f'{{{WHO},"reason":"ValueError"}}',
    "actor-restarted": f'{{{WHO},"after_s":2.0}}',
    "actor-passivated": f"{{{WHO}}}",
}
"""Every topic as a log has it. A row is never changed or taken out: somebody's log holds it. New events add rows."""


def concrete(base: type[Event] = Event) -> list[type[Event]]:
    below = [found for sub in base.__subclasses__() for found in concrete(sub)]
    return [base, *below] if "TOPIC" in vars(base) else below


def test_no_topic_is_renamed_lost_or_left_out_of_the_table() -> None:
    assert sorted(STORED) == sorted(CATALOGUE)


def test_no_two_events_have_one_topic() -> None:
    topics = Counter(event.TOPIC for event in concrete())

    assert [] == [topic for topic, times in topics.items() if times > 1]
    assert len(topics) == len(CATALOGUE)


@pytest.mark.parametrize("topic", STORED)
def test_an_old_log_still_reads_and_would_be_written_the_same(topic: str) -> None:
    event = from_bytes(topic, STORED[topic].encode())

    assert CATALOGUE[topic] is type(event)
    assert msgspec.json.decode(STORED[topic]) == msgspec.json.decode(to_bytes(event))


@pytest.mark.parametrize("topic", STORED)
def test_the_table_shows_every_field(topic: str) -> None:
    shown = msgspec.json.decode(STORED[topic], type=dict[str, object])

    assert set(CATALOGUE[topic].__struct_fields__) == set(shown)


@pytest.mark.parametrize("topic", STORED)
def test_fields_of_a_later_version_do_not_stop_an_older_reader(topic: str) -> None:
    newer = STORED[topic][:-1] + ',"added_later":{"anything":1}}'

    assert from_bytes(topic, STORED[topic].encode()) == from_bytes(topic, newer.encode())


MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  Hypothesis wants it so
BY_TYPE: dict[object, st.SearchStrategy[object]] = {
    str: st.text(max_size=30),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bytes: st.binary(max_size=40),
    bool: st.booleans(),
    type(None): st.none(),
    datetime: MOMENTS,
    Category: st.sampled_from(Category),
    dict[str, int]: st.dictionaries(st.text(max_size=10), st.integers(0, 2**53), max_size=3),
    Strategy: st.sampled_from(Strategy),
    Verdict: st.sampled_from(Verdict),
    Why: st.sampled_from(Why),
    Config: st.builds(Config, bot_rps=st.one_of(st.none(), st.floats(0, 1000))),
    Wait: st.builds(Wait, MOMENTS, st.text(max_size=10), st.one_of(st.none(), MOMENTS)),
}


def values_of(annotation: object) -> st.SearchStrategy[object]:
    if annotation in BY_TYPE:
        return BY_TYPE[annotation]
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is tuple:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        return st.one_of(*map(values_of, arguments))
    raise TypeError(f"teach BY_TYPE what a {annotation!r} looks like")


@pytest.mark.parametrize("event", CATALOGUE.values(), ids=CATALOGUE)
def test_every_event_comes_back_from_the_log_as_it_went_in(event: type[Event]) -> None:
    fields = {field.name: values_of(field.type) for field in msgspec.structs.fields(event)}

    @given(st.fixed_dictionaries(fields))
    @settings(max_examples=15, deadline=None)
    def comes_back(values: dict[str, object]) -> None:
        written = event(**values)  # type: ignore[arg-type]  # by construction

        assert written == from_bytes(event.TOPIC, to_bytes(written))

    comes_back()


@pytest.mark.parametrize("event", CATALOGUE.values(), ids=CATALOGUE)
def test_an_event_does_not_change(event: type[Event]) -> None:
    happened = from_bytes(event.TOPIC, STORED[event.TOPIC].encode())

    with pytest.raises(AttributeError):
        happened.occurred_at = after(1)  # type: ignore[misc]  # that is the point


SECRETS = {
    "token", "secret", "key", "password", "text", "caption", "message", "body", "parameters", "payload", "result",
    "update", "content", "url",
}  # fmt: skip
HARMLESS_ENDINGS = ("_sealed", "_hash", "_fingerprint", "_id", "_ms", "_s")


@pytest.mark.parametrize("event", CATALOGUE.values(), ids=CATALOGUE)
def test_no_event_has_a_place_for_a_secret_in_clear(event: type[Event]) -> None:
    suspicious = [
        name
        for name in event.__struct_fields__
        if SECRETS & set(name.split("_")) and not name.endswith(HARMLESS_ENDINGS)
    ]

    assert [] == suspicious


@pytest.mark.parametrize("event", CATALOGUE.values(), ids=CATALOGUE)
def test_what_is_sealed_is_bytes(event: type[Event]) -> None:
    sealed = [field.type for field in msgspec.structs.fields(event) if field.name.endswith("_sealed")]

    assert all(kind is bytes or kind == (bytes | None) for kind in sealed)


@pytest.mark.parametrize("event", CATALOGUE.values(), ids=CATALOGUE)
def test_an_event_says_when_and_whose_it_was(event: type[Event]) -> None:
    assert {"occurred_at", "tenant_id"} <= set(event.__struct_fields__)


# Streams


def test_streams_are_named_after_what_they_tell_of() -> None:
    assert "tenant/acme" == tenant_stream(TENANT)
    assert "bot/7000000001" == bot_stream(BOT_ID)
    assert "d/2026-07-01/7000000001" == day_stream(a_started())
    assert bot_stream(BOT_ID).startswith(BOTS)
    assert tenant_stream(TENANT).startswith(TENANTS)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 7, 1, 23, 59, 59, 999_999, tzinfo=UTC), "2026-07-01"),
        (datetime(2026, 7, 2, 0, 0, tzinfo=UTC), "2026-07-02"),
    ],
)
def test_a_day_ends_at_midnight_utc(moment: datetime, day: str) -> None:
    assert f"d/{day}/{BOT_ID}" == day_stream(a_delivered(occurred_at=moment))


def test_a_moment_keeps_its_microseconds_and_is_utc_again() -> None:
    moment = (NOON + timedelta(microseconds=123_457)).astimezone(timezone(timedelta(hours=2)))
    back = from_bytes("command-started", to_bytes(a_started(occurred_at=moment)))

    assert moment == back.occurred_at
