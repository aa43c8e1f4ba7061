from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from ops.sandbox.client import SandboxClient, running_sandbox
from tests.acceptance.gateway_process import FAST, Gateway

ON_BOTH = {
    "test_durable", "test_kill", "test_removal", "test_retention", "test_store_trouble", "test_tenants", "test_vault",
}  # fmt: skip
"""What has to do with what is stored. The others run on SQLite, and on both when BOTLOFT_TEST_STORES is `both`."""
ON_POSTGRES = "test_postgres"
"""Has its own, whatever is said here."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    module = metafunc.module.__name__.rpartition(".")[2]
    everywhere = os.environ.get("BOTLOFT_TEST_STORES") == "both" and module != ON_POSTGRES
    if module in ON_BOTH or everywhere:
        metafunc.parametrize("store", ["sqlite", "postgres"], indirect=True)


@pytest.fixture(autouse=True)
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every state directory of the test has a database of its own."""
    kind = getattr(request, "param", "sqlite")
    if kind == "postgres":
        one: Callable[[], str] = request.getfixturevalue("new_postgres_url")
        monkeypatch.setattr(Gateway, "url_of", staticmethod(cache(lambda _: one())))
    return str(kind)


@pytest.fixture
def sandbox() -> Iterator[SandboxClient]:
    with running_sandbox() as client:
        yield client


@pytest.fixture
def gateway(tmp_path: Path, sandbox: SandboxClient) -> Iterator[Gateway]:
    """Running, with no pace of its own."""
    gateway = Gateway(tmp_path / "state", sandbox.base_url, **FAST).start()
    yield gateway
    if gateway.is_running:
        assert gateway.stop() == 0
