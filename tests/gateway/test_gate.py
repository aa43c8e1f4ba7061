"""What opens the gateway, what does not, and that a failure costs the same whatever was wrong."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.keys import Key, NewKey, hashed, written_key
from domain.tenant import OPERATOR, Scope
from gateway import auth
from gateway.auth import Caller, Gate
from gateway.codes import PROBLEMS
from gateway.problems import Problem
from tests.doubles import ManualClock
from tests.examples import NOON, TENANT, a_new_key, after
from tests.gateway.fakes import ADMIN_TEXT

KEY, EXPIRED, REVOKED = a_new_key(1), a_new_key(2), a_new_key(3)
SAME_ID = written_key(KEY.key_id, bytes(32))
"""A good checksum, and another secret."""
MISTYPED = KEY.text[:-1] + ("0" if KEY.text[-1] != "0" else "1")


class Door:
    """A gate with a few keys, and what it says."""

    def __init__(self, *keys: NewKey, admin_text: str | None = ADMIN_TEXT) -> None:
        self.keys = {
            key.key_id: Key(key.key_id, TENANT, hashed(key.text), (Scope.TENANT,), "", NOON) for key in (KEY, *keys)
        }
        self.keys[EXPIRED.key_id] = Key(
            EXPIRED.key_id, TENANT, hashed(EXPIRED.text), (Scope.TENANT,), "", NOON, expires_at=NOON
        )
        self.used: dict[str, object] = {}
        self.clock = ManualClock()
        options = SimpleNamespace(
            admin_key_hash=hashlib.sha256(admin_text.encode()).hexdigest() if admin_text else None,
            session_keys=[b"signs"],
            public_url=None,
        )
        self.gate = Gate(
            SimpleNamespace(
                find_key=self.keys.get, key_was_used=self.used.__setitem__, clock=self.clock, options=options
            )
        )

    def says_to(self, text: str) -> Caller | str:
        try:
            return self.gate.admitted(f"Bearer {text}", Scope.TENANT, Scope.ADMIN)
        except Problem as problem:
            return problem.detail if problem.code == "unauthenticated" else problem.code


DOOR = Door()
TOO_LONG = "This is no API key: it is far too long."
NOT_SHOWN = PROBLEMS["unauthenticated"].advice
WRONG = {
    "mistyped": (MISTYPED, "The key is mistyped or cut: copy it again, whole."),
    "no key at all": ("nonsense", "The key is mistyped or cut: copy it again, whole."),
    "unknown": (a_new_key(9).text, "This key opens nothing: it is unknown here, or was revoked."),
    "of another secret": (SAME_ID.text, "This key opens nothing: it is unknown here, or was revoked."),
    "revoked": (REVOKED.text, "This key opens nothing: it is unknown here, or was revoked."),
    "expired": (EXPIRED.text, "This key has expired. Make another with POST /api/keys, or ask the operator for one."),
}


@pytest.mark.parametrize("admin_text", [ADMIN_TEXT, None])
@pytest.mark.parametrize(("text", "detail"), WRONG.values(), ids=WRONG)
def test_whatever_is_wrong_with_a_key_costs_one_hash_and_one_comparison(
    text: str, detail: str, admin_text: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: Counter[str] = Counter()
    for name in ("hashed", "same"):
        does = getattr(auth, name)
        monkeypatch.setattr(auth, name, lambda *given, name=name, does=does: counted.update([name]) or does(*given))

    assert detail == Door(admin_text=admin_text).says_to(text)
    assert {"hashed": 1, "same": 1} == counted


def test_only_who_has_the_secret_is_told_that_a_key_has_expired() -> None:
    same_id = written_key(EXPIRED.key_id, bytes(32))

    assert WRONG["unknown"][1] == DOOR.says_to(same_id.text)


def test_a_key_is_over_at_the_moment_at_which_the_gateway_s_clock_says_so() -> None:
    door = Door()
    key = door.keys[KEY.key_id]
    door.keys[KEY.key_id] = Key(key.key_id, TENANT, key.secret_hash, key.scopes, "", NOON, expires_at=after(60))
    told = []
    for moment in (after(59), after(60)):
        door.clock.is_set(moment)
        told.append(door.says_to(KEY.text))

    assert [Caller(TENANT, KEY.key_id, (Scope.TENANT,)), WRONG["expired"][1]] == told


def test_the_last_use_is_that_of_the_last_request_that_the_key_opened() -> None:
    door = Door()
    door.says_to(KEY.text)
    door.clock.is_set(NOON + timedelta(microseconds=1))
    door.says_to(KEY.text)
    door.clock.is_set(after(5))
    for text, _ in WRONG.values():
        door.says_to(text)

    assert {KEY.key_id: NOON + timedelta(microseconds=1)} == door.used


# Whatever is sent

KEYS = st.builds(
    written_key,
    st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=12, max_size=12),
    st.binary(min_size=32, max_size=32),
)


@given(KEYS)
@settings(max_examples=100, deadline=None)
def test_every_key_that_was_issued_is_recognised(key: NewKey) -> None:
    assert Caller(TENANT, key.key_id, (Scope.TENANT,)) == Door(key).says_to(key.text)


@given(KEYS, st.data())
@settings(max_examples=200, deadline=None)
def test_a_key_with_one_wrong_character_is_told_to_be_mistyped(key: NewKey, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(key.text) - 1))
    typed = data.draw(st.characters(min_codepoint=33, max_codepoint=255).filter(lambda c: c != key.text[at]))

    assert WRONG["mistyped"][1] == Door(key).says_to(key.text[:at] + typed + key.text[at + 1 :])


@given(st.one_of(st.text(max_size=600), st.text("blk_0123456789abcdef", max_size=120), KEYS.map(lambda key: key.text)))
@example("")
@example("blk_")
@example(KEY.text.upper())
@example(KEY.text + "\n" + KEY.text)
@example("\x00" * 64)
@settings(max_examples=300, deadline=None)
def test_no_other_text_opens_anything_or_breaks_anything(text: str) -> None:
    assert DOOR.says_to(text) in (WRONG["mistyped"][1], WRONG["unknown"][1], TOO_LONG, NOT_SHOWN)


@given(st.text(max_size=200))
@example(f"Basic {KEY.text}")
@example(f"Bearer  {KEY.text} x")
@example(KEY.text)
@settings(max_examples=100, deadline=None)
def test_no_other_header_opens_anything_either(header: str) -> None:
    with pytest.raises(Problem) as told:
        DOOR.gate.admitted(header, Scope.TENANT)

    assert "unauthenticated" == told.value.code


def test_the_admin_s_key_of_the_settings_opens_as_the_operator() -> None:
    assert Caller(OPERATOR, None, (Scope.ADMIN,)) == DOOR.says_to(ADMIN_TEXT)
