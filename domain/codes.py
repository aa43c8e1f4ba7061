"""The codes of one bot that its tenants were given lately, and whether its owner has proven to be one."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import msgspec

from domain import events

REMEMBERED = timedelta(hours=1)
"""For as long as a code counts against its tenant's limit."""


class Code(msgspec.Struct, frozen=True):
    tenant_id: str
    code_hash: str
    issued_at: datetime
    expires_at: datetime
    is_open: bool = True
    """Neither used nor replaced, and its tenant is still here."""


Codes = tuple[Code, ...]


def hashed(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def changes(codes: Codes, event: events.Event) -> dict[str, object]:
    """What this event makes of a bot's `codes` and of its `is_verified`."""
    match event:
        case events.OwnershipCodeIssued():
            issued = Code(event.tenant_id, event.code_hash, event.occurred_at, event.expires_at)
            kept = tuple(code for code in codes if code.issued_at > event.occurred_at - REMEMBERED)
            return {"codes": (*_without(kept, event.tenant_id), issued)}
        case events.OwnershipVerified():
            return {"codes": _without(codes, event.tenant_id), "is_verified": True}
        case events.BotRemoved():
            return {"codes": _without(codes, event.tenant_id), "is_verified": False}
        case events.ChallengeWithdrawn():
            return {"codes": _without(codes, event.tenant_id)}
        case events.BotRegistered():
            return {"is_verified": False}
        case _:
            return {}


def _without(codes: Codes, tenant_id: str) -> Codes:
    """Closed; they still count."""
    return tuple(
        msgspec.structs.replace(code, is_open=False) if code.tenant_id == tenant_id else code for code in codes
    )
