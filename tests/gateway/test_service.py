"""What anybody may ask."""

from __future__ import annotations

import pykka

from actors.runtime import InboxFull
from projections.state import State, Stop
from tests.gateway.fakes import House


def test_it_lives_as_long_as_it_answers(house: House) -> None:
    house.fleet.says = pykka.ActorDeadError("gone")

    assert {"status": "live"} == house.call("GET", "/health/live", key="").json()


def test_it_is_ready(house: House) -> None:
    assert {"status": "ready", "wrong": [], "paused": []} == house.call("GET", "/health/ready", key="").json()


def test_a_fleet_that_drains_is_not_ready(house: House) -> None:
    house.fleet.draining = True
    answer = house.call("GET", "/health/ready", key="")

    assert (503, ["the fleet is draining"]) == (answer.status_code, answer.json()["wrong"])
    assert "1" == answer.headers["Retry-After"]


def test_a_fleet_that_does_not_answer_is_not_ready(house: House) -> None:
    for house.fleet.says in (pykka.ActorDeadError("gone"), InboxFull("full")):
        assert ["the fleet does not answer"] == house.call("GET", "/health/ready", key="").json()["wrong"]


def test_a_projection_that_stands_still_is_named_and_no_more_is_said(house: House) -> None:
    house.runner.states = lambda: [State("bots", 9), State("health", 3, Stop("KeyError('a secret')"))]  # type: ignore[method-assign]
    answer = house.call("GET", "/health/ready", key="")

    assert (503, ["the projection health stands still"]) == (answer.status_code, answer.json()["wrong"])


def test_the_front_page_says_where_to_go(house: House) -> None:
    told = house.call("GET", "/", key="").json()

    assert ("Botloft", "0.1.0", "/health/live") == (told["service"], told["version"], told["links"]["live"])
