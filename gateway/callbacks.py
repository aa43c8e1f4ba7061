"""URLs that tenants name for us to post to, looked at before they are kept."""

from __future__ import annotations

from domain.rules.addresses import fault_of
from gateway.doors import GatewayOptions
from gateway.problems import Problem


def check_url(name: str, url: str, options: GatewayOptions) -> None:
    """Where its host leads is seen at each connection."""
    fault = fault_of(url, allow_private=options.callback_allow_private)
    if fault is not None:
        raise Problem("invalid_request", f'"{name}": {fault}')
