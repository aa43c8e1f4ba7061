"""Which headers an answer brings beside those of every HTTP answer, as the OpenAPI document says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.answers import COMMAND_ID, POSITION
from gateway.limits import Kind, kind_of
from gateway.operations import Operation
from gateway.outcomes import Done
from gateway.problems import RETRY_LATER

TEXT: Mapping[str, Any] = {"type": "string"}
WHOLE: Mapping[str, Any] = {"type": "integer", "minimum": 0}
ACCEPTED, UNAUTHENTICATED, LIMITED = 202, 401, 429
SECONDS: Mapping[str, Any] = {"type": "integer", "minimum": 1}
RETRY_AFTER = "Retry-After"
ALWAYS = {RETRY_AFTER: RETRY_LATER, "WWW-Authenticate": (UNAUTHENTICATED,)}
"""On these statuses it is never left out."""
POLICY = """\
The limit that this request counted for: `100;w=60` is a hundred in 60 s. These headers are not there for who is \
exempt; where a limit is a key's or a bot's, as that of commands, they come only once it is used up."""
RATE_LIMIT = {
    "RateLimit-Policy": (POLICY, TEXT),
    "RateLimit-Limit": ("How many it allows.", WHOLE),
    "RateLimit-Remaining": ("How many of them are left.", WHOLE),
    "RateLimit-Reset": ("Seconds until one more is free.", WHOLE),
    "X-RateLimit-Limit": ("As RateLimit-Limit.", WHOLE),
    "X-RateLimit-Remaining": ("As RateLimit-Remaining.", WHOLE),
    "X-RateLimit-Reset": ("The moment of RateLimit-Reset as a Unix time.", WHOLE),
}
OF_A_COMMAND = {
    COMMAND_ID: ("Of the command.", TEXT),
    "Idempotent-Replayed": ("`true`: nothing was done, the outcome is that of an earlier request.", TEXT),
}
ASYNCHRONOUS = {
    "Location": ("Where what is under way can be looked at.", TEXT),
    "Preference-Applied": ("What of `Prefer` was heeded.", TEXT),
}
SETTING_COOKIES = ("/auth/login", "/auth/logout")
HEADERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    POSITION: ("Where the log is after this change, or how far the view had come.", WHOLE),
    **OF_A_COMMAND,
    **ASYNCHRONOUS,
    RETRY_AFTER: ("Seconds after which it is worth trying again.", SECONDS),
    "WWW-Authenticate": ("`Bearer`.", TEXT),
    "Set-Cookie": ("The session's cookie; after a logout an empty one in its place.", TEXT),
    **RATE_LIMIT,
}


def components() -> dict[str, dict[str, Any]]:
    """One that is never left out, where it is so, stands beside the same that may be."""
    told = {name: {"description": what, "schema": schema} for name, (what, schema) in HEADERS.items()}
    return {**told, **{_always(name): {**told[name], "required": True} for name in ALWAYS}}


def headers_of(path: str, method: str, one: Operation, status: int, is_problem: bool) -> dict[str, Any]:
    is_outcome = "delivery_uncertain" in one.problems if is_problem else Done in one.answers.get(200, ())
    names: list[str] = [POSITION] if is_outcome or not is_problem else []
    names += OF_A_COMMAND if is_outcome else ()
    names += ASYNCHRONOUS if is_outcome and status == ACCEPTED else ()
    names += [RETRY_AFTER] if is_problem or status in RETRY_LATER else []
    names += ["WWW-Authenticate"] if status == UNAUTHENTICATED else []
    names += ["Set-Cookie"] if path in SETTING_COOKIES and not is_problem else []
    names += RATE_LIMIT if status == LIMITED or kind_of(method, path) is not Kind.WEBHOOKS else ()
    return {name: _referred(name, status in ALWAYS.get(name, ())) for name in names}


def _always(name: str) -> str:
    return f"{name}-always"


def _referred(name: str, is_always: bool) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{_always(name) if is_always else name}"}
