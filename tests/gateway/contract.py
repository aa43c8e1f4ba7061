"""What `/openapi.json` promises, held against what the gateway really answers: every gateway test goes through here."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx
import jsonschema_rs
from starlette.applications import Starlette
from starlette.routing import Route

from gateway.openapi import document

OF_EVERY_ANSWER = {
    "access-control-allow-origin",
    "access-control-expose-headers",
    "cache-control",
    "connection",
    "content-length",
    "content-security-policy",
    "content-type",
    "vary",
}
"""Of HTTP and for browsers: what a caller's program need not know."""


class Contract:
    def __init__(self, app: Starlette) -> None:
        self._routes = [route for route in app.routes if isinstance(route, Route)]
        self._document = closed(document(app.routes, "0.1.0"))
        self._validator = cache(self._new_validator)

    def check(self, answer: httpx.Response) -> None:
        """Raises AssertionError. Of a path or a method that is not served there is nothing to be promised."""
        request = answer.request
        method = "get" if request.method == "HEAD" else request.method.lower()
        found = next((route for route in self._routes if route.path_regex.match(request.url.path)), None)
        operation = self._document["paths"][found.path].get(method) if found else None
        if operation is None:
            return
        status = str(answer.status_code)
        where = f"{request.method} {request.url.path} → {status} {answer.text[:500]}"
        assert status in operation["responses"], f"an undocumented status: {where}"
        self._check_headers(operation["responses"][status]["headers"], answer.headers, where)
        content = operation["responses"][status].get("content", {})
        if request.method == "HEAD" or not (content or answer.content):
            return
        media_type = answer.headers["Content-Type"].partition(";")[0]
        assert media_type in content, f"an undocumented content type, {media_type}: {where}"
        if media_type in ("application/json", "application/problem+json"):
            fault = self._fault(found.path, method, status, media_type, answer.content)
            assert fault is None, f"{fault}: {where}"

    def _check_headers(self, promised: dict[str, dict[str, str]], sent: httpx.Headers, where: str) -> None:
        told = {name.lower(): self._header(one) for name, one in promised.items()}
        unknown = sent.keys() - told.keys() - OF_EVERY_ANSWER
        missing = {name for name, one in told.items() if one.get("required")} - sent.keys()
        assert not unknown, f"undocumented headers, {sorted(unknown)}: {where}"
        assert not missing, f"promised headers lack, {sorted(missing)}: {where}"
        for name in told.keys() & sent.keys():
            is_whole = told[name]["schema"]["type"] == "integer"
            assert not is_whole or sent[name].isdecimal(), f"{name} is no whole number: {where}"

    def _header(self, referred: dict[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = self._document["components"]["headers"][referred["$ref"].rpartition("/")[2]]
        return found

    def _fault(self, path: str, method: str, status: str, media_type: str, body: bytes) -> str | None:
        errors = self._validator(path, method, status, media_type).iter_errors(httpx.Response(200, content=body).json())
        return next((f"{error.message} at {list(error.instance_path)}" for error in errors), None)

    def _new_validator(self, path: str, method: str, status: str, media_type: str) -> Any:
        schema = self._document["paths"][path][method]["responses"][status]["content"][media_type]["schema"]
        return jsonschema_rs.Draft202012Validator(
            {**schema, "components": self._document["components"]}, validate_formats=True
        )


def closed(node: Any) -> Any:
    """A field that is not described is a fault here; to callers the document leaves it open."""
    if isinstance(node, list):
        return [closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {name: closed(one) for name, one in node.items()}
    if found.get("type") == "object" and "properties" in found:
        found.setdefault("additionalProperties", False)
    return found


@cache
def _of_the_gateway() -> list[Contract]:
    return []


def contract_of(app: Starlette) -> Contract:
    """One for all of them: every gateway has the same routes."""
    made = _of_the_gateway()
    if not made:
        made.append(Contract(app))
    return made[0]
