"""What a route is for, said once and beside its handler: who may call it, what it takes, how it answers.

`/openapi.json`, `/docs` and the gate read it from there. A handler without it fails a test.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol, TypeVar

from starlette.requests import Request

from domain.tenant import Scope
from gateway.bodies import NAME_SHOWN_MAX, shown
from gateway.problems import Problem
from gateway.queries import Parameter

_NAME = "operation"

H = TypeVar("H", bound=Callable[..., Any])

NEEDS_A_KEY = ("unauthenticated", "forbidden", "csrf", "invalid_request")
"""Or a browser's session, hence the third; the last for parameters that there are not."""
ASKS_OTHERS = ("overloaded", "shutting_down", "store_unavailable")
"""Of whatever is behind a key: it asks actors or views."""
HAS_A_BODY = ("invalid_request", "body_too_large")


class Proof(Enum):
    """What opens an operation."""

    NONE = auto()
    KEY = auto()
    SESSION = auto()


class Described(Protocol):
    """A parameter, or what reads one."""

    @property
    def parameter(self) -> Parameter: ...


@dataclass(frozen=True, slots=True)
class Media:
    """A body that is no JSON."""

    media_type: str


Shape = Any
"""Of a JSON body: a type as msgspec knows it, or an object as `{"keys": list[KeyInfo]}`, of which all fields are there.
`Media` for any other body, None for none."""


@dataclass(frozen=True, slots=True)
class Operation:
    summary: str
    description: str
    scopes: tuple[Scope, ...]
    """Any of these will do; empty: no key is asked for."""
    proofs: tuple[Proof, ...]
    """Any of these will do; empty: nothing is asked for."""
    parameters: tuple[Parameter, ...]
    """Of the query and of headers. Those of the path are known by their names."""
    body: Shape
    needs_body: bool
    answers: Mapping[int, tuple[Shape, ...]]
    problems: frozenset[str]
    """All but those that anything may end with."""


def operation(
    summary: str,
    *,
    scopes: tuple[Scope, ...] = (),
    proofs: tuple[Proof, ...] | None = None,
    parameters: tuple[Described, ...] = (),
    body: Shape = None,
    needs_body: bool = True,
    answers: Mapping[int, Shape],
    problems: tuple[str, ...] = (),
) -> Callable[[H], H]:
    """`problems`: what follows neither from the key nor from parameters nor from a body.

    `proofs`, unless said: a key or a session for what has scopes. Of a tuple of shapes any may come. The handler's
    docstring is the description that callers read.
    """
    told = tuple(one.parameter for one in parameters)
    implied = [*problems, *(problem for one in told for problem in one.problems)]
    implied += [*(NEEDS_A_KEY + ASKS_OTHERS if scopes else ()), *(HAS_A_BODY if body is not None else ())]
    proofs = ((Proof.KEY, Proof.SESSION) if scopes else ()) if proofs is None else proofs
    shapes = {status: shape if isinstance(shape, tuple) else (shape,) for status, shape in answers.items()}

    def said(handler: H) -> H:
        description = inspect.getdoc(handler) or ""
        found = Operation(summary, description, scopes, proofs, told, body, needs_body, shapes, frozenset(implied))
        setattr(handler, _NAME, found)
        return handler

    return said


def operation_of(handler: object) -> Operation | None:
    found: Operation | None = getattr(handler, _NAME, None)
    return found


def scopes_asked(request: Request) -> tuple[Scope, ...]:
    """Those of the operation that this request is for."""
    asked_for: Operation = request.scope[_NAME]
    return asked_for.scopes


def begin(request: Request, asked_for: Operation | None) -> None:
    """Raises a problem for a parameter that the operation does not have: one that is misspelt would else be ignored.

    Whoever needs no key may be a balancer or a browser, which add some of their own.
    """
    request.scope[_NAME] = asked_for
    if asked_for is None or not asked_for.scopes or not request.url.query:
        return
    known = [one.name for one in asked_for.parameters if one.place == "query"]
    for name in request.query_params:
        if name not in known:
            near = difflib.get_close_matches(name[:NAME_SHOWN_MAX], known, 1)
            hint = f' Did you mean "{near[0]}"?' if near else f" It takes {', '.join(known) or 'none'}."
            raise Problem("invalid_request", f'There is no parameter "{shown(name)}" here.{hint}')
