"""Run as a program: the gateway with a bug in it for as long as the file FAILING is there, and with short rests."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from actors.telegram import Telegram
from domain.failure import Answer
from domain.rules import restarts
from domain.rules.tokens import Token
from ops import wiring
from ops.cli import app


class Failing(Telegram):
    def call(
        self,
        token: Token,
        method: str,
        parameters: Mapping[str, object],
        timeout_s: float,
        then: Callable[[Answer], None],
    ) -> None:
        if Path(os.environ["FAILING"]).exists():
            raise ZeroDivisionError("a bug")
        super().call(token, method, parameters, timeout_s, then)


if __name__ == "__main__":
    wiring.Telegram = Failing  # type: ignore[misc]  # the bug
    restarts.BASE_S, restarts.WINDOW_S, restarts.REST_S = 0.01, 2.0, 1.0
    app()
