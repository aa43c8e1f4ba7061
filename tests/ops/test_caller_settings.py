"""The settings of who calls and how much: what is understood, and what is refused by its name."""

from __future__ import annotations

from contextlib import AsyncExitStack
from ipaddress import ip_network

import pytest
from structlog.testing import capture_logs

from gateway.limits import Kind
from ops import settings
from ops.parts import limits_of


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


def test_limits_are_those_of_the_design_unless_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTLOFT_LIMIT_COMMANDS", "50/10 seconds")
    found = settings.load()

    assert {
        "bot_creation": "5 per 1 hour",
        "management": "100 per 1 minute",
        "admin": "30 per 1 minute",
        "login": "10 per 1 minute",
        "register": "3 per 1 hour",
        "public": "200 per 1 minute",
        "failed_auth": "5 per 15 minute",
        "commands": "50 per 10 second",
        "webhooks": "1000 per 1 minute",
    } == {kind.value: str(getattr(found, f"limit_{kind}")) for kind in Kind}


@pytest.mark.parametrize("text", ["", "5", "0/hour", "-1/hour", "5/fortnight", "1/second; 5/minute", "5 per 1 hour x"])
def test_what_is_no_limit_is_refused_by_the_setting_s_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("BOTLOFT_LIMIT_LOGIN", text)
    with pytest.raises(settings.BadSettings) as refused:
        settings.load()

    said = "must be a number of requests and a time, like 5/hour or 100/15 minutes"
    assert f"BOTLOFT_LIMIT_LOGIN: {said}" == str(refused.value)


def test_the_settings_show_limits_as_they_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {name: now for name, now, _ in settings.described(settings.load())}
    monkeypatch.setenv("BOTLOFT_LIMIT_FAILED_AUTH", shown["BOTLOFT_LIMIT_FAILED_AUTH"])
    monkeypatch.setenv("RATE_LIMIT_WHITELIST", shown["RATE_LIMIT_WHITELIST"])

    assert shown == {name: now for name, now, _ in settings.described(settings.load())}


def test_without_limits_the_start_is_loud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISABLE_RATE_LIMITING", "true")
    with capture_logs() as logs:
        limits = limits_of(settings.load(), AsyncExitStack())

    assert [("warning", "rate_limiting_disabled")] == [(one["log_level"], one["event"]) for one in logs]
    assert not limits.told().enabled
