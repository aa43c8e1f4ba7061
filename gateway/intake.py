"""Taking an update that Telegram brings: the same for the route and for the server's short way to it."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from domain.errors import StoreError
from domain.hearing import Door, Whose
from domain.updates import NoUpdate
from gateway.answers import COMMON
from gateway.clients import Client
from gateway.doors import Doorstep
from gateway.limits import Kind, Limits
from gateway.problems import Problem

PREFIX = "/webhook/"
SECRET = b"x-telegram-bot-api-secret-token"
TAKEN = Response(None, 200, COMMON)
AGAIN_S = 2.0

Answered = Callable[[Problem | None], None]
"""Told None when the update is on disk."""


class Intake:
    def __init__(self, doorstep: Doorstep, limits: Limits) -> None:
        self._doorstep = doorstep
        self._limits = limits

    def door(self, path: str, secret: bytes) -> Door:
        """Counts nothing. Where it does not stand the route finds out what is to be said."""
        return self._doorstep.door(path.removeprefix(PREFIX), secret.decode("latin-1"))

    def whose(self, path: str, secret: bytes, client: Client) -> Whose:
        """Before anything of the body is read. Raises Problem, the same for an unknown path and a wrong secret."""
        whose = self._doorstep.whose(path.removeprefix(PREFIX), secret.decode("latin-1"))
        # A path is one bot's, an address may be Telegram's for all of them: that counts only who knows no path.
        self._limits.take_here(Kind.WEBHOOKS, client.counted_as if whose is None else str(whose.bot_id), client)
        if whose is None:
            raise Problem("not_found", closes=True)
        return whose

    def count(self, whose: Whose, client: Client) -> None:
        """One whose door stands. Raises Problem."""
        self._limits.take_here(Kind.WEBHOOKS, str(whose.bot_id), client)

    def take(self, whose: Whose, body: bytes, answered: Answered) -> None:
        """On disk before it is answered. Whatever is not taken, Telegram brings again. Raises Problem."""

        def recorded(result: int | StoreError) -> None:
            answered(Problem("store_unavailable", retry_after_s=AGAIN_S) if isinstance(result, StoreError) else None)

        try:
            is_taken = self._doorstep.bring(whose, body, recorded)
        except NoUpdate as error:
            raise Problem("invalid_request", str(error)) from None
        except StoreError:
            is_taken = False
        if not is_taken:
            raise Problem("overloaded", "It was not recorded. Bring it again.", retry_after_s=AGAIN_S)
