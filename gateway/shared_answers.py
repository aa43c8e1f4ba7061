"""Answers that many operations give, said once in the OpenAPI document: most of it would be repetition."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from gateway.problems import MEDIA_TYPE

PREFIX = "#/components/responses/"


def with_shared_answers(document: dict[str, Any]) -> dict[str, Any]:
    """The same document with what recurs among the answers below `components`."""
    paths = document["paths"]
    given = [answer for methods in paths.values() for one in methods.values() for answer in one["responses"].items()]
    recurring = {key for key, times in Counter(map(_key, given)).items() if times > 1}
    names: dict[bytes, str] = {}
    named: Counter[str] = Counter()
    components: dict[str, Any] = {}
    for status, answer in given:
        key = _key((status, answer))
        if key in recurring and key not in names:
            name = _name(status, answer)
            named[name] += 1
            # Answers of equal codes differ in their headers.
            names[key] = name if named[name] == 1 else f"{name}-{named[name]}"
            components[names[key]] = answer
    shared = {
        path: {method: {**one, "responses": _referring(one["responses"], names)} for method, one in methods.items()}
        for path, methods in paths.items()
    }
    return {**document, "paths": shared, "components": {**document["components"], "responses": components}}


def _referring(responses: dict[str, Any], names: dict[bytes, str]) -> dict[str, Any]:
    keys = {status: _key((status, answer)) for status, answer in responses.items()}
    return {
        status: {"$ref": PREFIX + names[keys[status]]} if keys[status] in names else answer
        for status, answer in responses.items()
    }


def _key(given: tuple[str, dict[str, Any]]) -> bytes:
    return msgspec.json.encode(given)


def _name(status: str, answer: dict[str, Any]) -> str:
    problem = answer.get("content", {}).get(MEDIA_TYPE)
    codes = problem["schema"]["properties"]["code"]["enum"] if problem else []
    return ".".join([status, *codes])
