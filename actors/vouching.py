"""Telegram's word on the token of whoever's code has come, and on what the bot is called at that moment."""

from __future__ import annotations

from actors.codes import Proof
from actors.ports import Ports
from domain import token_life
from domain.failure import Failure
from domain.rules.tokens import Token
from domain.rules.validation import CONCLUSIVE, Verdict
from domain.token_life import Found

CHECK_S = 5.0
ASK_AGAIN_S = 2.0
"""After an answer that says nothing about a token, or later where Telegram wants to be left alone."""
SAID_FOR_S = 60.0
"""So long stands a word that the code proves nothing: a look sees the same message every few seconds."""

NOTHING = Found(Verdict.UNKNOWN_ERROR)


class Vouching:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._said: dict[tuple[str, str], tuple[Found, float]] = {}
        """By code and token: a word by which nothing was proven, and until when it stands; steady seconds."""

    async def of(self, token: Token, proof: Proof) -> Found:
        """A token that was revoked since it was registered must not take the bot from who has the new one."""
        clock, key = self._ports.clock, (proof.code_hash, token.fingerprint)
        said, until = self._said.get(key, (None, 0.0))
        if said is not None and clock.steady() < until and not vouched(said, proof):
            return said
        found, wait_s = await self._asked(token)
        if found.verdict is Verdict.REVOKED:
            # One 401 may be a slip of Telegram's.
            found, wait_s = await self._asked(token)
        now = clock.steady()
        self._said = {one: word for one, word in self._said.items() if word[1] > now}
        if not vouched(found, proof):
            stands_s = SAID_FOR_S if found.verdict in CONCLUSIVE else max(ASK_AGAIN_S, wait_s)
            self._said[key] = found, now + stands_s
        return found

    def rests(self, token: Token, proof: Proof) -> None:
        """Nothing came of it, for no fault of the code's: for a minute nobody is asked about it again."""
        self._said[proof.code_hash, token.fingerprint] = NOTHING, self._ports.clock.steady() + SAID_FOR_S

    async def _asked(self, token: Token) -> tuple[Found, float]:
        """And for how long Telegram wants to be left alone."""
        answer = await self._ports.telegram.ask(token, "getMe", {}, CHECK_S)
        wait_s = answer.retry_after_s if isinstance(answer, Failure) else 0.0
        return token_life.judged(token, answer, was_valid=True), wait_s


def vouched(found: Found, proof: Proof) -> bool:
    return found.verdict is Verdict.VALID and proof.is_to(found.username)
