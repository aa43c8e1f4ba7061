"""URLs that tenants name for us to post to, looked at before they are kept."""

from __future__ import annotations

from domain.rules.addresses import fault_of
from gateway.doors import GatewayOptions
from gateway.problems import Problem

CALLBACK_URL = "callback_url"


def without_callback(change: dict[str, object], options: GatewayOptions) -> dict[str, object]:
    """The rest of a change of a bot; where it names a callback URL, that one is good."""
    url = change.get(CALLBACK_URL)
    if url is not None:
        if not isinstance(url, str):
            raise Problem("invalid_request", f'"{CALLBACK_URL}" must be a string or null.')
        check_url(CALLBACK_URL, url, options)
    return {name: value for name, value in change.items() if name != CALLBACK_URL}


def check_url(name: str, url: str, options: GatewayOptions) -> None:
    """Where its host leads is seen at each connection."""
    fault = fault_of(url, allow_private=options.callback_allow_private)
    if fault is not None:
        raise Problem("invalid_request", f'"{name}": {fault}')
