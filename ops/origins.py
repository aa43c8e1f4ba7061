"""Origins of pages that may call the gateway from a browser, exactly as browsers write them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode

USUAL_PORT = {"http": 80, "https": 443}


def origins_in(text: str) -> tuple[str, ...]:
    """Comma-separated. Raises ValueError."""
    return tuple(dict.fromkeys(_origin(part.strip()) for part in text.split(",") if part.strip()))


def _origin(text: str) -> str:
    if "*" in text:
        raise ValueError("every origin must be named: with * any page that a browser shows could call the gateway")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{text} is no origin") from None
    if not host or text != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc or not text.isascii():
        raise ValueError(f"{text} is no origin: it is like https://console.example.com, without a path")
    if parts.scheme not in USUAL_PORT or text != text.lower() or port in (0, USUAL_PORT[parts.scheme]):
        raise ValueError(f"{text} is not as browsers write it: http or https, small letters, no usual port")
    return text


class BrowserSettings(BaseSettings):
    cors_origins: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(lambda value: origins_in(value) if isinstance(value, str) else value)
    ] = Field((), description="origins of web pages that may call from a browser, comma-separated; without it none may")
