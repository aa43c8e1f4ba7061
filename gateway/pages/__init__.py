"""Pages for people: templates of ours beside this file, without scripts, and nothing fetched from elsewhere."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import COMMON

NOTHING_ELSE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}


def written(template: str, **told: Any) -> str:
    return _templates().get_template(template).render(told)


def page(text: str) -> Response:
    return Response(text, 200, {**COMMON, **NOTHING_ELSE, "Vary": "Accept"}, "text/html")


def wants_page(request: Request) -> bool:
    """A browser names HTML first; whoever asks for anything, or for JSON, gets JSON."""
    kinds = [kind.partition(";")[0].strip().lower() for kind in request.headers.get("accept", "").split(",")]
    return "text/html" in kinds and "application/json" not in kinds[: kinds.index("text/html")]


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("gateway", "pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
