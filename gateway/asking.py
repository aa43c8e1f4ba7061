"""Asking an actor from a request: what can go wrong on the way is a problem, a refusal too."""

from __future__ import annotations

import asyncio
from typing import Any

from pykka import ActorDeadError

from actors.messages import Message
from actors.runtime import InboxFull
from domain.refusal import Refused
from gateway.doors import Askable
from gateway.problems import Problem, of_refusal


class Unanswered(Problem):
    """Whether it was done is not known."""


ANSWER_S = 30.0
"""For everything but a command, which brings its own deadline."""


async def reply_of(actor: Askable, message: Message, timeout_s: float) -> Any:
    """Raises TimeoutError. Who stops waiting for an actor's reply takes nothing back: the actor goes on."""
    try:
        async with asyncio.timeout(timeout_s):
            return await actor.ask(message, block=False)
    except asyncio.CancelledError:
        # The server stops, and its patience is over before that of whoever asked.
        raise TimeoutError from None
    except InboxFull:
        raise Problem("overloaded", retry_after_s=1.0) from None
    except ActorDeadError:
        raise Problem("shutting_down", retry_after_s=2.0) from None


async def asked(actor: Askable, message: Message, timeout_s: float = ANSWER_S) -> Any:
    """The reply that the message names."""
    try:
        reply = await reply_of(actor, message, timeout_s)
    except TimeoutError:
        detail = "No answer came in time, and the change may still be made. Look before you try again."
        raise Unanswered("store_unavailable", detail) from None
    if isinstance(reply, Refused) and reply.code == "internal":
        # Whoever was asked has failed over it, perhaps when it was done already.
        raise Unanswered(reply.code, reply.detail)
    if isinstance(reply, Refused):
        raise of_refusal(reply)
    return reply
