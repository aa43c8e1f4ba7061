"""An admin changes the master key: what is asked, what is told, and what is on record before it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain import events as e
from domain.errors import StoreUnavailable
from domain.refusal import Refused
from domain.store.vault import Vault
from tests.examples import NOON
from tests.gateway.fakes import House

PATH = "/admin/system/vault"
WHY = {"reason": "yearly"}


def ask(house: House, verb: str = "") -> Any:
    return house.call("POST" if verb else "GET", PATH + verb, WHY if verb else None, key=house.admin_key)


def rotated(house: House) -> dict[str, Any]:
    ask(house, "/rotate")
    while (found := ask(house).json())["rotation"]["state"] == "running":
        pass
    return dict(found)


def on_record(house: House) -> list[e.Event]:
    return [one.event for one in house.log.everything() if isinstance(one.event, e.AdminActed)]


def acted(verb: str) -> e.AdminActed:
    return e.AdminActed(
        occurred_at=NOON,
        tenant_id="operator",
        by="key000002000",
        reason="yearly",
        action=f"vault.{verb}",
        target="master key",
        client="127.0.0.1",
    )


def test_a_rotation_is_recorded_followed_by_its_numbers_and_ends_with_the_old_key_retired(house: House) -> None:
    before = ask(house).json()
    old = before["keys"][0]["key_id"]
    after = rotated(house)
    new = after["keys"][0]["key_id"]
    retired = ask(house, "/retire").json()

    assert {"keys": [{"key_id": old, "data_keys": 1}], "rotation": None} == before
    assert [{"key_id": new, "data_keys": 1}, {"key_id": old, "data_keys": 0}] == after["keys"]
    assert ("done", 1, 1, None) == tuple(after["rotation"][name] for name in ("state", "done", "total", "error"))
    assert {"retired": [old], "keys": [{"key_id": new, "data_keys": 1}]} == retired
    assert [acted("rotate"), acted("retire")] == on_record(house)


def test_what_cannot_be_recorded_is_not_done(house: House) -> None:
    before = ask(house).json()
    house.audit.says = Refused("store_unavailable", "It could not be recorded and was not done. Try again.")

    assert ["store_unavailable"] * 2 == [ask(house, verb).json()["code"] for verb in ("/rotate", "/retire")]
    assert before == ask(house).json()


def test_an_act_without_a_reason_is_refused_and_changes_nothing(house: House) -> None:
    before = ask(house).json()
    refused = [house.call("POST", PATH + verb, {}, key=house.admin_key) for verb in ("/rotate", "/retire")]

    assert [400, 400] == [one.status_code for one in refused]
    assert (before, []) == (ask(house).json(), on_record(house))


def test_a_file_that_somebody_changed_meanwhile_is_not_rotated(house: House, tmp_path: Path) -> None:
    (tmp_path / "master.key").write_text("another key\n")
    answer = ask(house, "/rotate")

    assert (409, "cannot_rotate") == (answer.status_code, answer.json()["code"])
    assert "Put it back as it was, or restart." in answer.json()["detail"]
    assert "another key\n" == (tmp_path / "master.key").read_text()


def test_a_store_that_goes_away_in_the_middle_fails_the_rotation_and_the_next_one_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    reseal = Vault.reseal

    def away(*_: object) -> list[str]:
        raise StoreUnavailable("no disk")

    monkeypatch.setattr(Vault, "reseal", away)
    failed = rotated(house)
    monkeypatch.setattr(Vault, "reseal", reseal)
    done = rotated(house)

    assert ("failed", 0) == (failed["rotation"]["state"], failed["rotation"]["done"])
    assert "run it again" in failed["rotation"]["error"]
    assert [0, 1] == [one["data_keys"] for one in failed["keys"]]
    assert [1, 0] == [one["data_keys"] for one in done["keys"]]
    assert failed["keys"][0]["key_id"] == done["keys"][0]["key_id"]
