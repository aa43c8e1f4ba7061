"""What keeps the gateway from starting is said in one sentence, before anything has happened."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import Acme, Gateway

NOWHERE = "http://127.0.0.1:9"


def test_a_second_one_on_the_same_database_is_refused_and_told_who_holds_it(gateway: Gateway) -> None:
    said = Gateway(gateway.state_dir, NOWHERE).refuses_to_start()

    assert "Another process runs the bots of this database. Process " in said
    assert "Traceback" not in said


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = Gateway(tmp_path / "state", NOWHERE, PORT=str(port)).refuses_to_start()

    assert f"127.0.0.1:{port}: Address already in use" in said
    assert "BOTLOFT_PORT" in said
    assert "Traceback" not in said


def test_a_state_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a directory")
    said = Gateway(in_the_way / "state", NOWHERE).refuses_to_start()

    assert str(in_the_way) in said
    assert "writable" in said
    assert "Traceback" not in said


def test_a_wrong_master_key_is_refused_at_start_and_the_right_one_works_again(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme = Acme(gateway, sandbox)
    gateway.stop()
    wrong = Gateway(gateway.state_dir, sandbox.base_url, MASTER_KEYS="another key than the one it was made with")
    said = wrong.refuses_to_start()
    gateway.start()
    with acme.client() as client:
        answer = acme.send(client, 5, "hello")

    assert "The master key does not open what this database holds." in said
    assert "BOTLOFT_MASTER_KEYS" in said
    assert answer.json()["outcome"] == "delivered"


def test_a_master_key_in_a_setting_takes_over_from_the_one_in_the_file(
    gateway: Gateway, sandbox: SandboxClient
) -> None:
    acme, new = Acme(gateway, sandbox), "a new master key that an operator has set"
    gateway.stop()
    file = gateway.state_dir / "master.key"
    old = file.read_text().strip()
    both = Gateway(gateway.state_dir, sandbox.base_url, MASTER_KEYS=f"{new},{old}")
    rotated = both.says("vault", "rotate")
    file.unlink()
    alone = Gateway(gateway.state_dir, sandbox.base_url, MASTER_KEYS=new).start()
    with acme.client_of(alone) as client:
        outcome = acme.send(client, 5, "hello").json()["outcome"]
    alone.stop()
    gone = gateway.refuses_to_start()

    assert rotated.stdout.startswith("2 data keys were sealed anew, "), rotated.stderr
    assert outcome == "delivered"
    assert f"{file} is gone. Put it back" in gone
    assert not file.exists()
    assert [] == [text for text in (rotated.stdout, rotated.stderr, gone) if old in text or new in text]
    file.write_text(new)
    gateway.start()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "many", "BOTLOFT_PORT: "),
        ("PORT", "70000", "BOTLOFT_PORT: "),
        ("BOT_RPS", "-1", "BOTLOFT_BOT_RPS: "),
        ("TELEGRAM_API", "api.telegram.org", "BOTLOFT_TELEGRAM_API: must begin with https:// or http://"),
        ("ADMIN_KEY", "short", "BOTLOFT_ADMIN_KEY: a key needs 32 characters or more"),
        ("ALERT_SECRET", "whsec_" + "!" * 40, "BOTLOFT_ALERT_SECRET: what begins with whsec_ must go on in base64"),
        (
            "METHOD_RPS",
            "sendDocment=5",
            "BOTLOFT_METHOD_RPS: the Bot API has no method sendDocment. Did you mean sendDoc",
        ),
        ("METHOD_RPS", "sendDocument=fast", "BOTLOFT_METHOD_RPS: sendDocument needs requests per second above 0"),
        (
            "RATE_LIMIT_STORAGE_URI",
            "mongodb://u:secret@host",
            "RATE_LIMIT_STORAGE_URI: must be memory://, or begin with",
        ),
        ("PROT", "1", "BOTLOFT_PROT: there is no such setting. Did you mean BOTLOFT_PORT?"),
    ],
)
def test_nonsense_in_a_setting_is_refused_by_its_name(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    said = Gateway(tmp_path / "state", **{"telegram": NOWHERE, name: value}).refuses_to_start()

    assert sentence in said
    assert "secret" not in said
    assert "Traceback" not in said
    assert not (tmp_path / "state").exists()
