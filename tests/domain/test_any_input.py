"""Whatever comes from outside: an update, an address, a signature. Nothing but the answers that are meant."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain import callback, signing
from domain.callback import Address
from domain.updates import MAX_ID, NoUpdate, Update, read

TEXT = st.text(max_size=20)
NAMES = st.sampled_from(("update_id", "message", "chat", "from", "user", "id", "type", "text", "callback_query"))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.just("/start@bot 1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | NAMES, inner, max_size=4),
    max_leaves=12,
)
UPDATES = st.fixed_dictionaries({"update_id": st.integers(-1, MAX_ID), "message": JSON}) | st.dictionaries(NAMES, JSON)
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  made aware


def read_or_none(body: bytes) -> Update | None:
    try:
        return read(body)
    except NoUpdate:
        return None


@given(st.binary(max_size=200))
@example(b"[" * 100_000)
@example(b'{"update_id":7,"message":{"chat":{"id":' + b"1" * 5_000 + b"}}}")
@example(b'{"update_id":7,"message":{"text":"\\ud800"}}')
@example(b'{"update_id":7,"\xff":{}}')
def test_any_bytes_are_no_update_or_one_that_can_be_recorded(body: bytes) -> None:
    found = read_or_none(body)

    assert found is None or found == msgspec.json.decode(msgspec.json.encode(found), type=Update)


@given(JSON | UPDATES)
def test_any_json_is_no_update_or_one_that_can_be_recorded(value: Any) -> None:
    found = read_or_none(json.dumps(value).encode())

    if found is not None:
        assert found == msgspec.json.decode(msgspec.json.encode(found), type=Update)
        assert value["update_id"] == found.update_id
        assert found.lane


@given(st.dictionaries(NAMES, TEXT), st.integers(0, MAX_ID - 1))
def test_what_has_a_number_and_something_in_it_is_an_update(content: dict[str, str], update_id: int) -> None:
    body = json.dumps({"update_id": update_id, "message": content})

    assert update_id == read(body.encode()).update_id


@given(TEXT, st.binary(min_size=signing.SECRET_BYTES, max_size=signing.SECRET_BYTES))
def test_an_address_is_read_as_it_was_written(url: str, chance: bytes) -> None:
    address = callback.an_address(url, chance)

    assert address == callback.read(callback.written(address))


@given(st.binary(max_size=100))
def test_what_was_never_written_is_no_address(opened: bytes) -> None:
    try:
        found = callback.read(opened)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return
    assert isinstance(found, Address)


@given(st.binary(min_size=1, max_size=64), TEXT, TIMES, st.binary(max_size=100))
def test_whoever_has_the_secret_can_check_a_signature_by_the_specification(
    chance: bytes, message_id: str, at: datetime, body: bytes
) -> None:
    headers = signing.signed(signing.secret_of(chance), message_id, at, body)
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(chance, content, hashlib.sha256)).decode()

    assert f"v1,{expected}" == headers["webhook-signature"]
    assert int(at.timestamp()) == int(headers["webhook-timestamp"])


@given(TEXT.filter(bool), TIMES, st.binary(max_size=100), st.binary(max_size=100))
def test_another_body_has_another_signature(secret: str, at: datetime, body: bytes, other: bytes) -> None:
    one, two = (signing.signed(secret, "msg_1", at, content)["webhook-signature"] for content in (body, other))

    assert (body == other) == (one == two)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_A", "whsec_AAAA!AAA", "whsec_é"])
def test_a_secret_of_the_specification_s_form_that_is_none_is_seen(secret: str) -> None:
    assert not signing.is_secret(secret)


@given(st.binary(min_size=1, max_size=64))
def test_what_we_make_is_a_secret(chance: bytes) -> None:
    assert signing.is_secret(signing.secret_of(chance))
    assert signing.is_secret("any text that does not begin so")
