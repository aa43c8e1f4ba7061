"""What an admin is about to do is put on record first: a crash in between leaves a trace of what was wanted.

`test_audit` fails for a route that changes something with an admin's key and leaves no record.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.requests import Request

from actors.messages import Act, ActRefused, OnRecord
from gateway.asking import Unanswered, asked
from gateway.auth import Caller
from gateway.clients import client_of
from gateway.doors import Askable
from gateway.problems import Problem, without_secrets
from gateway.reasons import NONE_GIVEN


@asynccontextmanager
async def on_record(
    audit: Askable, request: Request, caller: Caller, action: str, target: object, reason: str = NONE_GIVEN
) -> AsyncIterator[int]:
    """Around the act. What is refused inside has a second record that says so; what has no answer stays open."""
    client = client_of(request.scope).address
    act: OnRecord = await asked(
        audit, Act(action, without_secrets(str(target)), reason, caller.tenant_id, caller.by, client)
    )
    try:
        yield act.position
    except Unanswered:
        raise
    except Problem as problem:
        # Whatever becomes of this second record, it is the refusal that the admin is to hear of.
        with suppress(Problem):
            await asked(audit, ActRefused(act, caller.tenant_id, problem.code))
        raise
