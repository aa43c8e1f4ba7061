"""A key that somebody asks for, and the one answer in which it can be read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta
from starlette.responses import Response

from actors.messages import IssueKey, TenantKey
from domain.tenant import MAX_LIFE, Scope
from gateway import bodies
from gateway.answers import answer
from gateway.problems import Problem
from gateway.queries import time_in

MAX_LABEL = 100

ISSUED = {
    "key_id": str,
    "api_key": str,
    "scopes": list[Scope],
    "label": str,
    "expires_at": datetime | None,
    "position": int,
}


class KeyWish(bodies.Body, frozen=True):
    label: str = ""
    expires_in_s: Annotated[float, Meta(gt=0, le=MAX_LIFE.total_seconds())] | None = None
    expires_at: str | None = None


def issuing(tenant_id: str, scopes: tuple[Scope, ...], wish: KeyWish, now: datetime) -> IssueKey:
    label = bodies.line_of("label", wish.label, MAX_LABEL, default="unnamed")
    return IssueKey(tenant_id, scopes, label, _end_of(wish, now))


def issued(made: TenantKey) -> Response:
    content = {
        "key_id": made.key_id,
        "api_key": made.api_key,
        "scopes": made.scopes,
        "label": made.label,
        "expires_at": made.expires_at,
        "position": made.position,
    }
    return answer(content, 201, position=made.position)


def _end_of(wish: KeyWish, now: datetime) -> datetime | None:
    if wish.expires_in_s is not None and wish.expires_at is not None:
        raise Problem("invalid_request", 'Say either "expires_in_s" or "expires_at".')
    if wish.expires_in_s is not None:
        return now + timedelta(seconds=wish.expires_in_s)
    return None if wish.expires_at is None else time_in("expires_at", wish.expires_at)
