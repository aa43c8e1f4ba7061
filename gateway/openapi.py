"""The OpenAPI document, out of the operations that stand beside the handlers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from starlette.routing import BaseRoute, Route

from gateway import response_headers, security
from gateway.codes import PROBLEMS
from gateway.operations import Media, Operation, Shape
from gateway.problems import MEDIA_TYPE, ProblemBody
from gateway.queries import BOT_ID, Parameter
from gateway.schemas import Schemas
from gateway.sessions import COOKIE

IN_PATH = re.compile(r"\{(\w+)\}")
WITHOUT_A_SLASH = {"type": "string", "pattern": "^[^/]+$"}
PATH_PARAMETERS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "bot_id": ("Telegram's own number of the bot.", BOT_ID),
    "method": ("A method of Telegram's Bot API, in any case.", {**WITHOUT_A_SLASH, "examples": ["sendMessage"]}),
    "command_id": ("As the answer to the command says it.", WITHOUT_A_SLASH),
    "key_id": ("The part of a key between its first two underscores.", WITHOUT_A_SLASH),
    "tenant_id": ("As registering it says.", WITHOUT_A_SLASH),
    "name": ("Of a projection; GET /admin/system/projections lists them.", WITHOUT_A_SLASH),
    "code": ("Of a problem; GET /problems lists them.", {"type": "string", "enum": [*PROBLEMS]}),
    "opaque": ("The secret path that Telegram was told.", WITHOUT_A_SLASH),
}
ALWAYS = frozenset({"internal", "too_many_requests", "headers_too_large", "request_timeout"})
INTRODUCTION = """\
Runs many tenants' Telegram bots. A command is a Bot API method that is POSTed; its outcome is always one of
`delivered`, `rejected`, `not_sent` and `uncertain`, and always recorded.

A time is ISO 8601: UTC unless it says its zone, and midnight where it is only a day. A plus in an address need not be
escaped.

Every error is a problem after RFC 9457, with a stable `code` and a sentence that says what to do."""


class Described(NamedTuple):
    path: str
    method: str
    operation: Operation


def operations_in(routes: Iterable[BaseRoute]) -> Iterator[Described]:
    """Of every handler; None in place of an operation is a handler that nobody has described."""
    for route in routes:
        if isinstance(route, Route):
            for method, operation in getattr(route.endpoint, "operations", {"": None}).items():
                yield Described(route.path, method, operation)


def document(routes: Iterable[BaseRoute], version: str, cookie: str = COOKIE) -> dict[str, Any]:
    """`cookie`: the name of a session's."""
    described = list(operations_in(routes))
    shapes = [shape for _, _, one in described for shape in (one.body, *_answers_of(one))]
    schemas = Schemas([ProblemBody, *shapes])
    paths: dict[str, dict[str, Any]] = {}
    for path, method, one in described:
        paths.setdefault(path, {})[method.lower()] = _operation(path, method, one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Botloft", "version": version, "description": INTRODUCTION, "license": {"name": "MIT"}},
        "tags": [{"name": tag} for tag in dict.fromkeys(tag_of(path) for path in paths)],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "headers": response_headers.components(),
            "securitySchemes": security.schemes(cookie),
        },
    }


def tag_of(path: str) -> str:
    """Whose it is and what about: `/admin/system/circuit-breakers/summary` is of `admin: circuit breakers`."""
    first, *rest = [*path.strip("/").split("/"), ""]
    match first, rest:
        case "api", [about, *_]:
            return about
        case "admin", ["system", about, *_] | [about, *_]:
            return f"admin: {about.replace('-', ' ')}"
        case "auth" | "webhook", _:
            return first
    return "service"


def problems_of(path: str, one: Operation) -> frozenset[str]:
    return one.problems | ALWAYS | ({"not_found"} if IN_PATH.search(path) else frozenset())


def _operation(path: str, method: str, one: Operation, schemas: Schemas) -> dict[str, Any]:
    told: dict[str, Any] = {"operationId": _id_of(path, method), "tags": [tag_of(path)], "summary": one.summary}
    if one.description:
        told["description"] = one.description
    told["parameters"] = [*map(_in_path, IN_PATH.findall(path)), *map(_parameter, one.parameters)]
    if one.body is not None:
        content = {"application/json": {"schema": schemas.of(one.body)}}
        told["requestBody"] = {"required": one.needs_body, "content": content}
    told["security"] = security.security_of(method, one)
    told["responses"] = {
        **{str(status): _answer(status, found, schemas) for status, found in one.answers.items()},
        **_problems(problems_of(path, one), schemas),
    }
    for status, answer in told["responses"].items():
        is_problem = MEDIA_TYPE in answer.get("content", ())
        answer["headers"] = response_headers.headers_of(path, method, one, int(status), is_problem)
    return told


def _id_of(path: str, method: str) -> str:
    words = [word for word in re.split(r"\W+", path) if word]
    return "_".join([method.lower(), *words]).replace("-", "_")


def _in_path(name: str) -> dict[str, Any]:
    told, schema = PATH_PARAMETERS[name]
    return {"name": name, "in": "path", "required": True, "description": told, "schema": schema}


def _parameter(one: Parameter) -> dict[str, Any]:
    return {
        "name": one.name,
        "in": one.place,
        "required": one.is_required,
        "description": one.told,
        "schema": one.schema,
    }


def _answer(status: int, shapes: tuple[Shape, ...], schemas: Schemas) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for shape in shapes:
        if isinstance(shape, Media):
            content[shape.media_type] = {"schema": {"type": "string"}}
        elif shape is not None:
            content["application/json"] = {"schema": schemas.of(shape)}
    return {"description": SAID[status], **({"content": content} if content else {})}


def _problems(codes: frozenset[str], schemas: Schemas) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for code in sorted(codes, key=[*PROBLEMS].index):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {str(status): _problem(found, schemas) for status, found in sorted(by_status.items())}


def _problem(codes: list[str], schemas: Schemas) -> dict[str, Any]:
    described = "\n".join(f"- [`{code}`](/problems/{code}): {PROBLEMS[code].title}." for code in codes)
    schema = {**schemas.of(ProblemBody), "properties": {"code": {"enum": codes}}}
    return {
        "description": described,
        "content": {MEDIA_TYPE: {"schema": schema}},
    }


def _answers_of(one: Operation) -> Iterator[Shape]:
    for shapes in one.answers.values():
        yield from shapes


SAID = {
    200: "Done.",
    201: "Made.",
    202: "Begun, and under way.",
    204: "Done, without a word.",
    503: "Not now.",
}
