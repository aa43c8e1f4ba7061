"""The public address is checked before Telegram refuses it."""

from __future__ import annotations

import pytest

from ops.public_url import reachable


@pytest.mark.parametrize(
    "url",
    [
        "https://bots.example.com",
        "https://bots.example.com:8443/loft",
        "https://bots.example.com:88",
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "http://[::1]:8080",
    ],
)
def test_what_telegram_can_reach_is_taken(url: str) -> None:
    assert url == reachable(f"{url}/")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://bots.example.com", "https://"),
        ("https://bots.example.com:8080", "8443"),
        ("bots.example.com", "must be like"),
        ("ftp://bots.example.com", "must be like"),
        ("https://user:pass@bots.example.com", "without a user"),
        ("https://bots.example.com?x=1", "query"),
        ("https://bots.example.com:x", "no URL"),
        ("https://", "must be like"),
    ],
)
def test_what_telegram_would_refuse_is_refused_at_start(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        reachable(url)
