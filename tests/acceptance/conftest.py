from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.sandbox.client import SandboxClient, running_sandbox
from tests.acceptance.gateway_process import FAST, Gateway


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
