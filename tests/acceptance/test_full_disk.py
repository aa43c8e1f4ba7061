"""A full disk under the embedded database: the same as any other trouble of the store."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import Gateway
from tests.acceptance.test_store_trouble import nothing_leaves_unrecorded


@contextmanager
def full(gateway: Gateway) -> Iterator[None]:
    """No file of the gateway may grow: what a full disk is to it."""
    before = resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (1, before[1]))
    yield
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, before)


def test_nothing_leaves_that_a_full_disk_cannot_record(gateway: Gateway, sandbox: SandboxClient) -> None:
    nothing_leaves_unrecorded(gateway, sandbox, lambda: full(gateway))
