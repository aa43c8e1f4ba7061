"""What opens an operation, as the OpenAPI document says it: a key, or a browser's session."""

from __future__ import annotations

from gateway.operations import Operation, Proof
from gateway.sessions import SAFE, TOKEN

SESSION = """\
A browser's, begun with a key by POST /auth/login: where no Authorization is sent it opens what the key opens. What a \
page of another origin sends (as `Sec-Fetch-Site` or `Origin` says) is refused with `csrf`."""
PAGE = "With a session, for all but GET: the `csrf_token` that POST /auth/login and GET /auth/session answer."


def schemes(cookie: str) -> dict[str, dict[str, str]]:
    """`cookie`: what this gateway's is called, which over https is another than over http."""
    return {
        "key": {"type": "http", "scheme": "bearer", "bearerFormat": "blk_…"},
        "session": {"type": "apiKey", "in": "cookie", "name": cookie, "description": SESSION},
        "page": {"type": "apiKey", "in": "header", "name": TOKEN, "description": PAGE},
    }


def security_of(method: str, one: Operation) -> list[dict[str, list[str]]]:
    """Any of them will do; of an alternative all must be there. An empty alternative asks for nothing."""
    scopes = [[scope.value] for scope in one.scopes] or [[]]
    page: dict[str, list[str]] = {} if method in SAFE else {"page": []}
    alternatives: dict[Proof, list[dict[str, list[str]]]] = {
        Proof.NONE: [{}],
        Proof.KEY: [{"key": scope} for scope in scopes],
        Proof.SESSION: [{"session": scope, **page} for scope in scopes],
    }
    return [alternative for proof in one.proofs for alternative in alternatives[proof]]
