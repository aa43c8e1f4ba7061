"""The address under which Telegram reaches us: checked before Telegram refuses it."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

PORTS = (443, 80, 88, 8443)


def reachable(text: str) -> str:
    """Without a slash at its end. Raises ValueError."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is no URL") from None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be like https://bots.example.com, without a user, a query or a fragment")
    if not is_loopback(host):
        if parts.scheme != "https":
            raise ValueError("must begin with https://: Telegram brings updates over TLS only")
        if (port or 443) not in PORTS:
            raise ValueError("Telegram brings updates to the ports 443, 80, 88 and 8443 only")
    return text.rstrip("/")


def certificate(path: Path) -> Path:
    """Of a file that Telegram may be given. Raises ValueError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if b"PRIVATE KEY" in content:
        raise ValueError("holds a private key, which would be sent to Telegram: name the certificate alone")
    try:
        x509.load_pem_x509_certificate(content)
    except ValueError:
        raise ValueError("is no certificate in PEM") from None
    return path


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
