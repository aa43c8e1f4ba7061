"""Gives tenants codes, looks for them where nobody hears a bot, and has the bot's own actor decide on each that came.

All that is known of codes is in the bots' streams. This actor remembers nothing that a new process could miss.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pykka
import structlog
import uuid_utils

from actors.codes import OpenCodes, Proof
from actors.ear import wish_of
from actors.hearing import Tools
from actors.issuing import NOT_READ, Issuing, LookUp, looked_up
from actors.messages import (
    AskForCode,
    DescribeVerification,
    Execute,
    IssueCode,
    ProveOwnership,
    Verification,
)
from actors.peek import Peek
from actors.runtime import InboxFull, LoopActor
from actors.updates import Followed
from actors.vouching import Vouching, vouched
from domain.bot import Bot
from domain.command import Command
from domain.errors import StoreError
from domain.refusal import Refused
from domain.rules.tokens import Token
from domain.rules.validation import CONCLUSIVE, Verdict
from domain.token_life import Found

ANSWER_S = 30.0
VERIFIED = "Verified. This bot is yours at the gateway that gave you the code; you need not keep this message."
STOPPING = Refused("shutting_down", "The gateway is stopping. Try again in a few seconds.", 2.0)
BUSY = Refused("overloaded", "Too much is waiting. Try again.", 1.0)
NO_TOKEN = Found(Verdict.REVOKED)
NOT_RECORDED = ("shutting_down", "store_unavailable", "overloaded")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class Proven:
    """A code has come. `then` is told whether it need not come again."""

    proof: Proof
    then: Callable[[bool], None]


class EndPeeks:
    """The process ends."""


class OwnershipActor(LoopActor):
    def __init__(
        self, codes: OpenCodes, tools: Tools, look_up: LookUp, fleet: pykka.ActorRef[Any], bots: Iterable[Bot]
    ) -> None:
        """`bots`: those that an earlier process has left; of interest are those with an open code."""
        super().__init__()
        self._codes, self._tools, self._look_up, self._fleet = codes, tools, look_up, fleet
        self._ports = tools.ports
        self._issuing = Issuing(codes, tools, look_up, self._ask_fleet)
        self._peeks: dict[int, tuple[Peek, asyncio.Task[None]]] = {}
        self._proofs: list[Proven] = []
        self._vouching = Vouching(tools.ports)
        self._first = [bot for bot in bots if codes.of(bot.bot_id)]

    def on_start(self) -> None:
        for bot in self._first:
            self.actor_ref.tell(Followed(bot))
        self._first = []

    def on_receive(self, message: object) -> Any:
        match message:
            case AskForCode():
                return self.spawn(self._issuing.issued(message))
            case Proven():
                self._proofs.append(message)
                self.beside(self._proved(message.proof), lambda is_kept: self._answered(message, is_kept))
            case Followed():
                self._follow(message.bot)
            case DescribeVerification():
                return self._described(message)
            case EndPeeks():
                return self.spawn(self._ended())
            case _:
                raise TypeError(f"OwnershipActor has no case for {type(message).__name__}")
        return None

    def on_stop(self) -> None:
        """By a failure too: then Telegram brings to the next one what this one has not come to answer."""
        for _, task in self._peeks.values():
            task.cancel()
        for proven in self._proofs:
            proven.then(False)

    # A code has come

    def _answered(self, proven: Proven, is_kept: bool) -> None:
        self._proofs.remove(proven)
        proven.then(is_kept)

    async def _proved(self, proof: Proof) -> bool:
        """Whether it need not come again: false where the store, a stop or Telegram's silence is in the way.

        Until the code expires, so that whoever brings it asks again for that long and no longer.
        """
        tenant_id = self._codes.tenant_of(proof)
        if tenant_id is None:
            return True
        found = await looked_up(self._look_up, proof.bot_id, tenant_id)
        if isinstance(found, StoreError):
            return False
        token = found[1]
        says = NO_TOKEN if token is None else await self._vouching.of(token, proof)
        if says.verdict not in CONCLUSIVE:
            log.warning("proof_waits_for_telegram", bot_id=proof.bot_id, category=says.verdict)
            return False
        if token is None or says.verdict is Verdict.REVOKED:
            log.warning("proof_without_token", bot_id=proof.bot_id)
            return True
        if not vouched(says, proof):
            return True
        told = await self._ask_fleet(ProveOwnership(proof.bot_id, tenant_id, proof.code_hash, token, says))
        if isinstance(told, Refused) and told.code == "internal":
            # Its bot failed over it. It comes again, but not so soon that the bot is given up for it.
            self._vouching.rests(token, proof)
            return False
        if isinstance(told, Refused):
            return told.code not in NOT_RECORDED
        if told.position is None:
            # It was used meanwhile; or the token was replaced meanwhile, and the code is still good.
            return self._codes.tenant_of(proof) is None
        self.beside(self._ask_fleet(self._answer(proof, tenant_id)), lambda _: None)
        return True

    def _answer(self, proof: Proof, tenant_id: str) -> Execute:
        return Execute(
            Command(
                command_id=str(uuid_utils.uuid7()),
                bot_id=proof.bot_id,
                tenant_id=tenant_id,
                method="sendMessage",
                parameters={"chat_id": int(proof.chat), "text": VERIFIED},
                chat=proof.chat,
                received_at=self._ports.clock.utc(),
                deadline_s=ANSWER_S,
            )
        )

    # Where nobody hears the bot

    def _follow(self, bot: Bot) -> None:
        is_wanted = bool(self._codes.of(bot.bot_id)) and wish_of(bot) == "off"
        known = self._peeks.get(bot.bot_id)
        if is_wanted and known is None:
            peek = Peek(bot.bot_id, self._codes, self._tools, self._token_of, self._heard)
            task = asyncio.get_running_loop().create_task(peek.run())
            self._peeks[bot.bot_id] = peek, task
            task.add_done_callback(lambda done: self._is_over(bot.bot_id, done))
        elif not is_wanted and known is not None:
            del self._peeks[bot.bot_id]
            known[1].cancel()

    def _is_over(self, bot_id: int, task: asyncio.Task[None]) -> None:
        if bot_id in self._peeks and self._peeks[bot_id][1] is task:
            del self._peeks[bot_id]

    def _heard(self, proof: Proof, then: Callable[[bool], None]) -> None:
        self.actor_ref.tell(Proven(proof, then))

    def _token_of(self, bot_id: int, tenant_id: str) -> Token | None:
        return self._look_up(bot_id, tenant_id)[1]

    def _described(self, message: DescribeVerification) -> Verification | None:
        for code in self._codes.of(message.bot_id):
            if code.tenant_id == message.tenant_id:
                known = self._peeks.get(message.bot_id)
                stopped = known[0].stopped.get(message.tenant_id) if known is not None else None
                return Verification(f"stopped: {stopped}" if stopped else "listening", code.expires_at)
        return None

    async def _ended(self) -> None:
        tasks = [task for _, task in self._peeks.values()]
        self._peeks = {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask_fleet(self, message: IssueCode | ProveOwnership | Execute) -> Any:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._fleet.ask(message, block=False)
        except TimeoutError:
            return NOT_READ
        except InboxFull:
            return BUSY
        except pykka.ActorDeadError:
            return STOPPING
