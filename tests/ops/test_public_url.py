"""The public address is checked before Telegram refuses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.public_url import certificate, reachable
from tests.certificates import self_signed


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


def test_a_certificate_is_taken_and_what_is_none_or_a_secret_is_refused_at_start(tmp_path: Path) -> None:
    pem, path = self_signed(), tmp_path / "bots.pem"
    refused = {}
    for name, content in (("empty", b""), ("with its key", pem.key + pem.certificate)):
        path.write_bytes(content)
        refused[name] = _refusal_of(path)
    path.write_bytes(pem.certificate)

    assert path == certificate(path)
    assert {
        "empty": "is no certificate in PEM",
        "with its key": "holds a private key, which would be sent to Telegram: name the certificate alone",
    } == refused
    assert "cannot be read: No such file or directory" == _refusal_of(tmp_path / "gone.pem")


def _refusal_of(path: Path) -> str:
    with pytest.raises(ValueError, match=r".") as refused:
        certificate(path)
    return str(refused.value)
