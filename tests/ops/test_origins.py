"""Which pages may call from a browser: named exactly, or the gateway does not start."""

from __future__ import annotations

import pytest

from ops import settings
from ops.origins import origins_in


def test_without_the_setting_no_page_may() -> None:
    assert () == settings.load().cors_origins


def test_origins_are_read_from_the_environment_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "BOTLOFT_CORS_ORIGINS", "https://console.example.com, http://localhost:3000,https://console.example.com"
    )

    assert ("https://console.example.com", "http://localhost:3000") == settings.load().cors_origins


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("*", "must be named"),
        ("https://*.example.com", "must be named"),
        ("null", "is no origin"),
        ("example.com", "is no origin"),
        ("https://", "is no origin"),
        ("https://example.com/", "without a path"),
        ("https://example.com/console", "without a path"),
        ("https://example.com?x=1", "without a path"),
        ("https://example.com#x", "without a path"),
        ("https://user:pass@example.com", "without a path"),
        ("https://bücher.example", "is no origin"),
        ("https://example.com:443", "usual port"),
        ("http://example.com:80", "usual port"),
        ("https://example.com:0", "usual port"),
        ("https://example.com:x", "is no origin"),
        ("https://[::1", "is no origin"),
        ("https://Example.com", "small letters"),
        ("ftp://example.com", "http or https"),
        ("https://good.example, javascript://x", "http or https"),
    ],
)
def test_what_no_browser_would_send_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("*", ".")):
        origins_in(text)


def test_nonsense_is_refused_at_start_by_the_setting_s_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTLOFT_CORS_ORIGINS", "*")
    with pytest.raises(settings.BadSettings, match=r"^BOTLOFT_CORS_ORIGINS: every origin must be named"):
        settings.load()
