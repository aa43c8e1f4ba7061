"""Whatever is raised where a request is handled, by us or by a library: a problem, and never its own text."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import aiohttp
import cryptography.exceptions
import jinja2
import msgspec
import psycopg
import pykka
import pytest
import redis
import uvicorn
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from structlog.testing import capture_logs

import actors
import domain
import gateway
import ops
import projections
from domain.errors import StoreUnavailable
from gateway.codes import PROBLEMS
from gateway.problems import Problem
from gateway.routing import at
from tests.gateway.fakes import House
from tests.gateway.test_problems import assert_problem

OURS = (actors, domain, gateway, ops, projections)
LIBRARIES = (aiohttp, cryptography.exceptions, jinja2, msgspec, psycopg, pykka, redis, uvicorn, ClientDisconnect)
EDGES = {
    *(one.__name__ for one in OURS),
    *(
        one.__module__.partition(".")[0] if isinstance(one, type) else one.__name__.partition(".")[0]
        for one in LIBRARIES
    ),
    *("asyncio", "builtins", "concurrent", "http", "json", "socket", "sqlite3", "ssl", "zlib"),
}
SECRET = "7000000001:AAexamplesexamplesexamples and a blk_ key"
TOLD_OTHERWISE = {StoreUnavailable: (503, "store_unavailable"), HTTPException: (400, "invalid_request")}
"""All others are faults of ours."""


def all_of_ours_imported() -> None:
    for package in OURS:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)


def classes_below(above: type[Exception]) -> Iterator[type[Exception]]:
    for one in above.__subclasses__():
        if one.__module__.partition(".")[0].lstrip("_") in EDGES:
            yield one
        yield from classes_below(one)


all_of_ours_imported()
CLASSES = sorted({*classes_below(Exception)} - {Problem}, key=lambda one: (one.__module__, one.__qualname__))


def raised(one: type[Exception]) -> Exception:
    """Whatever it wants to be made of: nothing of that may be needed to answer."""
    if issubclass(one, ExceptionGroup):
        return one(SECRET, [ValueError(SECRET)])
    error = one.__new__(one)
    error.args = (SECRET,)
    if isinstance(error, HTTPException):
        error.status_code, error.detail, error.headers = 400, SECRET, None
    error.__cause__ = ValueError(SECRET)
    return error


def expected_of(one: type[Exception]) -> tuple[int, str]:
    return next((told for kind, told in TOLD_OTHERWISE.items() if issubclass(one, kind)), (500, "internal"))


def test_there_are_classes_of_every_edge() -> None:
    assert {one.__module__.partition(".")[0].lstrip("_") for one in CLASSES} >= EDGES - {"gateway", "uvicorn"}
    assert {RecursionError, MemoryError, TimeoutError, UnicodeDecodeError, aiohttp.ClientError} <= {*CLASSES}


def test_every_exception_is_a_problem_without_its_text(house: House) -> None:
    error: Exception = ValueError()

    async def raising(_: Request) -> Response:
        raise error

    house.client.app.router.routes.append(at("/raising", GET=raising))
    for one in CLASSES:
        error = raised(one)
        with capture_logs() as lines:
            answer = house.call("GET", "/raising")

        assert_problem(answer, *expected_of(one))
        assert "examples" not in f"{answer.text} {answer.headers} {lines}", one


@pytest.mark.parametrize("one", [StoreUnavailable, MemoryError, RecursionError, aiohttp.ClientError, TypeError])
def test_one_that_is_raised_behind_a_command_is_too(house: House, one: type[Exception]) -> None:
    house.fleet.says = raised(one)
    with capture_logs() as lines:
        answer = house.send()

    assert_problem(answer, 500, "internal")
    assert "examples" not in f"{answer.text} {answer.headers} {lines}"


@pytest.mark.parametrize(
    ("status", "code"), [(404, "not_found"), (405, "method_not_allowed"), (400, "invalid_request"), (500, "internal")]
)
def test_what_the_router_raises_keeps_its_meaning(house: House, status: int, code: str) -> None:
    async def raising(_: Request) -> Response:
        raise HTTPException(status, SECRET)

    house.client.app.router.routes.append(at("/raising", GET=raising))
    answer = house.call("GET", "/raising")

    assert_problem(answer, PROBLEMS[code].status, code)
    assert "examples" not in answer.text
