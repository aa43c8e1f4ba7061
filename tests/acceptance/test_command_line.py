"""The command line beside a running gateway: what operators type."""

from __future__ import annotations

import subprocess

import msgspec
import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import COMMAND, ROOT, Acme, Gateway


def said(gateway: Gateway, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words, "--url", gateway.base_url],
        env=gateway.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_how_the_fleet_was_is_told_as_of_a_position_and_as_of_now(gateway: Gateway, sandbox: SandboxClient) -> None:
    acme = Acme(gateway, sandbox)
    with acme.client() as client:
        first = acme.send(client, 1, "one").json()["position"]
        last = acme.send(client, 1, "two").json()["position"]
        acme.health(client, last)
    then = msgspec.json.decode(said(gateway, "replay", "--as-of", str(first), "--json").stdout)
    one = msgspec.json.decode(said(gateway, "replay", "--as-of", str(last), "--bot", str(acme.bot_id), "--json").stdout)
    table = said(gateway, "replay", "--as-of", str(last))

    assert [(acme.bot_id, 1)] == [(bot["bot_id"], bot["total_requests"]) for bot in then["bots"]]
    assert [(acme.bot_id, 2)] == [(bot["bot_id"], bot["total_requests"]) for bot in one["bots"]]
    assert (0, True) == (table.returncode, str(acme.bot_id) in table.stdout)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("replay", "--as-of", "999999"), '"as_of": The log has not come to that position.'),
        (("replay", "--as-of", "soon"), '"as_of" must be a position from 1 on, or a time like 2026-07-01T12:00:00Z.'),
        (("replay", "--as-of", "1", "--bot", "99"), "There is no bot with this id."),
    ],
)
def test_nonsense_ends_with_a_sentence(gateway: Gateway, words: tuple[str, ...], sentence: str) -> None:
    with gateway.client() as anyone:
        anyone.post("/auth/register", json={"name": "Acme"}).raise_for_status()
    ended = said(gateway, *words)

    assert (1, sentence) == (ended.returncode, ended.stderr.strip())


def test_retention_is_run_and_shown(gateway: Gateway) -> None:
    before = said(gateway, "retention", "show")
    ran = said(gateway, "retention", "run")
    after = said(gateway, "retention", "show")

    assert "Events are kept for 30 days.\nThere was no run since the gateway started.\n" == before.stdout
    assert (0, True) == (ran.returncode, ran.stdout.startswith("nothing was older than "))
    assert ran.stdout.strip() in after.stdout
