"""A fleet, a doorstep and whoever gives codes, on a real loop; what users write and Telegram answers is scripted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from actors.codes import OpenCodes, Proof
from actors.doorstep import Doorstep
from actors.fleet import bots_of
from actors.guards import Policy
from actors.hearing import Tools
from actors.messages import AskForCode, CodeIssued, DescribeVerification, RegisterBot, Verification
from actors.ownership import EndPeeks, OwnershipActor, Proven
from actors.runtime import stopped
from actors.updates import Followed
from domain.bot import Bot
from domain.errors import StoreError
from domain.events import Event, UpdateReceived
from domain.failure import Answer, Delivered
from domain.hearing import Whose
from domain.ownership import Ownership, identity_of, ownership_for
from domain.refusal import Refused
from domain.rules.tokens import Token, parse
from domain.streams import BOTS
from tests.actors.fleets import Fleet
from tests.doubles import DELIVERED, REVOKED, UNLIMITED, Call, ScriptedTelegram
from tests.examples import BOT_ID, OTHER_TENANT, TENANT, a_token

PUBLIC_URL = "https://bots.example.com"
CHAT = 77


def called(username: str) -> Delivered:
    """An answer to getMe."""
    return Delivered(msgspec.json.encode({"id": BOT_ID, "username": username, "first_name": "Examples"}))


ITSELF = called("examples_bot")


def another_token() -> Token:
    token = parse(f"{BOT_ID}:BBHexamplesAreNotSecretsAtAll_0123456")
    assert token is not None
    return token


def said(text: str, update_id: int = 1, chat: int = CHAT, kind: str = "message") -> dict[str, Any]:
    of = "private" if chat > 0 else "supergroup"
    return {"update_id": update_id, kind: {"chat": {"id": chat, "type": of}, "text": text}}


@dataclass
class World:
    fleet: Fleet
    url: str = ""
    """Of the bot's webhook."""
    pending: int = 0
    revoked: list[Token] = field(default_factory=list)
    itself: Answer = ITSELF
    """To getMe."""
    answer: Answer | None = None
    """To getWebhookInfo and getMe, where it is not the usual one."""
    lookups: int = 0
    told: list[object] = field(default_factory=list)
    """What Telegram heard of the updates that it brought."""

    def __post_init__(self) -> None:
        fleet = self.fleet
        fleet.telegram.otherwise = self._answered
        self._asked_before = 0
        self.polls = ScriptedTelegram(fleet.clock)
        self.polls.waits()
        self.codes = OpenCodes(fleet.clock)
        self.bots = bots_of(one for one in fleet.journal.log if one.stream.startswith(BOTS))
        for bot in self.bots.values():
            self.codes.follow(bot)
        self.doorstep = Doorstep(fleet.ports, lambda _: None, self.codes, self._proven)
        self.tools = Tools(
            ports=fleet.ports,
            polls=self.polls,
            turns=asyncio.Semaphore(10),
            doorstep=self.doorstep,
            public_url=PUBLIC_URL,
            watchdog_s=300.0,
            certificate=None,
            alert=lambda _: None,
            check_token=lambda _: None,
        )
        self.actor = OwnershipActor.start(
            self.codes, self.tools, self._looked_up, fleet.supervisor, list(self.bots.values())
        )
        fleet.follows += [self.codes.follow, lambda bot: self.actor.tell(Followed(bot))]

    # What is done

    async def claim(self) -> None:
        told = await self.fleet.told(self.fleet.ask(RegisterBot(OTHER_TENANT, another_token())))
        assert not isinstance(told, Refused), told

    def ask(self, message: object) -> asyncio.Future[Any]:
        async def answer() -> Any:
            return await self.actor.ask(message, block=False)

        return asyncio.ensure_future(answer())

    async def asks(self, tenant_id: str = TENANT) -> CodeIssued | Refused:
        told: CodeIssued | Refused = await self.fleet.told(self.ask(AskForCode(BOT_ID, tenant_id)))
        return told

    async def gets(self, tenant_id: str = TENANT) -> str:
        """A code."""
        issued = await self.asks(tenant_id)
        assert isinstance(issued, CodeIssued), issued
        self._asked_before += self.asked
        return issued.code

    async def described(self, tenant_id: str = TENANT) -> Verification | None:
        told: Verification | None = await self.fleet.told(self.ask(DescribeVerification(BOT_ID, tenant_id)))
        return told

    async def brings(self, update: dict[str, Any], tenant_id: str = TENANT) -> None:
        """Telegram, by webhook, to this tenant."""
        before = len(self.told)
        assert self.doorstep.bring(Whose(BOT_ID, tenant_id), msgspec.json.encode(update), self.told.append)
        await self.fleet.until(lambda: len(self.told) > before)

    async def verifies(self, tenant_id: str = TENANT, update_id: int = 1) -> None:
        await self.brings(said(f"/start {await self.gets(tenant_id)}", update_id))

    async def peeked(self, *updates: dict[str, Any]) -> None:
        """The peek that waits is answered."""
        await self.fleet.until(lambda: self.polls.out)
        await self.answers_peek(Delivered(msgspec.json.encode(updates)))

    async def answers_peek(self, answer: Answer) -> None:
        await self.fleet.until(lambda: self.polls.out)
        self.polls.out[-1].gets(answer)
        await self.fleet.rest()

    # What came of it

    @property
    def bot(self) -> Bot:
        return bots_of(one for one in self.fleet.journal.log if one.stream.startswith(BOTS))[BOT_ID]

    def ownership(self, tenant_id: str = TENANT) -> Ownership:
        return ownership_for(self.bot, tenant_id)

    def of(self, *kinds: type[Event]) -> list[Any]:
        return self.fleet.journal.of(*kinds)

    @property
    def received(self) -> int:
        return len(self.of(UpdateReceived))

    def answers_in(self, chat: int) -> list[Call]:
        return [call for call in self.fleet.telegram.calls if call.method == "sendMessage" and call.chat == chat]

    @property
    def asked(self) -> int:
        """How often Telegram was, for the bot itself, since the last code was given."""
        return sum(call.method == "getMe" for call in self.fleet.telegram.calls) - self._asked_before

    async def is_over(self) -> None:
        await self.fleet.told(self.ask(EndPeeks()))
        await stopped(self.actor)

    def _proven(self, proof: Proof, then: Callable[[bool], None]) -> None:
        assert self.received, "what proves is on disk before anybody hears of it"
        self.actor.tell(Proven(proof, then))

    def _looked_up(self, bot_id: int, tenant_id: str) -> tuple[Bot, Token | None]:
        self.lookups += 1
        if isinstance(self.fleet.shelf.trouble, StoreError):
            raise self.fleet.shelf.trouble
        bot, who = self.bot, identity_of(self.bot, tenant_id)
        tokens = {token.fingerprint: token for token in (a_token(bot_id), another_token())}
        return bot, tokens[who.token_fingerprint] if who is not None else None

    def _answered(self, call: Call) -> Answer:
        if call.token in self.revoked:
            return REVOKED
        match call.method:
            case "getMe":
                return self.answer or self.itself
            case "getWebhookInfo":
                info = {"url": self.url, "pending_update_count": self.pending}
                return self.answer or Delivered(msgspec.json.encode(info))
            case _:
                return DELIVERED


def on_a_loop(
    story: Callable[[World], Awaitable[None]],
    policy: Policy = UNLIMITED,
    *,
    then: Callable[[World], Awaitable[None]] | None = None,
) -> None:
    """`then`: in the next process."""

    async def told() -> None:
        fleet = Fleet(policy)
        for number, one in enumerate((story, then) if then is not None else (story,)):
            fleet = Fleet(policy, after=fleet) if number else fleet
            world = World(fleet)
            try:
                await one(world)
            finally:
                await world.is_over()
                await fleet.is_over()

    asyncio.run(told())
