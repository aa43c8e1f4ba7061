"""The settings of who calls and how much: what is understood, and what is refused by its name."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from ops import settings


def test_loopback_is_whitelisted_and_no_proxy_is_trusted_unless_it_is_said() -> None:
    found = settings.load()

    assert (ip_network("127.0.0.0/8"), ip_network("::1")) == found.rate_limit_whitelist
    assert () == found.trusted_proxies


def test_networks_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTLOFT_TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    monkeypatch.setenv("RATE_LIMIT_WHITELIST", "")
    found = settings.load()

    assert (ip_network("10.0.0.0/8"), ip_network("::1")) == found.trusted_proxies
    assert () == found.rate_limit_whitelist


@pytest.mark.parametrize("name", ["BOTLOFT_TRUSTED_PROXIES", "RATE_LIMIT_WHITELIST"])
def test_what_is_no_network_is_refused_by_the_setting_s_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "localhost")
    with pytest.raises(settings.BadSettings) as refused:
        settings.load()

    assert f"{name}: localhost is neither an address nor a network like 10.0.0.0/8" == str(refused.value)
