"""Puts together how bots hear: the doorstep, the ears, and what earlier processes have left at Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any, NamedTuple

import pykka
import structlog

from actors.codes import OpenCodes, Proof
from actors.doorstep import Address, Doorstep
from actors.fleet import bots_of, read_bot
from actors.hearing import Tools
from actors.messages import CheckToken, ClearAlert, RaiseAlert
from actors.ownership import EndPeeks, OwnershipActor, Proven
from actors.runtime import telling
from actors.standing import Standing
from actors.telegram import Telegram
from actors.updates import Followed, Silence, UpdatesActor
from actors.webhook import PURPOSES, purpose
from domain import bot as lives
from domain import hearing, streams
from domain.bot import Bot, Identity
from domain.errors import Shredded
from domain.hearing import Hearing
from domain.rules.tokens import Token
from domain.store.ledger import Ledger
from domain.store.vault import Vault
from ops.delivering import Delivering
from ops.sealed import bot_and_token_of, token_of
from ops.settings import Settings

log = structlog.get_logger()


class Inbound(NamedTuple):
    updates: Standing[Any]
    ownership: Standing[Any]
    doorstep: Doorstep

    async def silence(self) -> None:
        """Nothing is fetched any more, and no code looked for. Webhooks still end here. May be called twice."""
        for service, message in ((self.updates, Silence()), (self.ownership, EndPeeks())):
            with suppress(pykka.ActorDeadError):
                await service.ask(message)


class Following:
    """Tells who hears bots how they change, as soon as there is somebody."""

    def __init__(self, codes: OpenCodes) -> None:
        self.codes = codes
        self.told: list[Standing[Any]] = []

    def begins(self, bots: Iterable[Bot]) -> None:
        for bot in bots:
            self.codes.follow(bot)

    def __call__(self, bot: Bot) -> None:
        # At once: a proof in the next update finds the code that was just issued, or that it was just used.
        self.codes.follow(bot)
        for service in self.told:
            service.tell(Followed(bot))


def hearing_bots(
    settings: Settings,
    delivering: Delivering,
    ledger: Ledger,
    vault: Vault,
    alert: Callable[[RaiseAlert | ClearAlert], None],
    fleet: pykka.ActorRef[Any],
    following: Following,
    stack: AsyncExitStack,
) -> Inbound:
    """`stack` ends it: no poll is left, and the log has what came."""
    ports, tell_fleet = delivering.ports, telling(fleet)
    doorstep = Doorstep(ports, delivering.arrived, following.codes, lambda proof, then: _proven(ownership, proof, then))
    polls = Telegram(settings.telegram_api, settings.max_polls)
    stack.push_async_callback(polls.close)
    tools = Tools(
        ports=ports,
        polls=polls,
        turns=asyncio.Semaphore(settings.max_polls),
        doorstep=doorstep,
        public_url=settings.public_url,
        watchdog_s=settings.watchdog_s,
        certificate=settings.public_certificate,
        alert=alert,
        check_token=lambda bot_id: tell_fleet(CheckToken(bot_id)),
    )
    updates = Standing(
        "the hearing of updates",
        partial(_left, ledger, vault),
        lambda left: UpdatesActor(tools, partial(_looked_up, ledger, vault), *left),
        ports,
    )
    stack.push_async_callback(updates.stop)
    codes, look_up = following.codes, partial(bot_and_token_of, ledger, vault)
    ownership = Standing(
        "the proof of ownership",
        lambda: [read_bot(ledger, bot_id) for bot_id in codes.bots()],
        lambda left: OwnershipActor(codes, tools, look_up, fleet, left),
        ports,
    )
    stack.push_async_callback(ownership.stop)
    following.told = [updates, ownership]
    inbound = Inbound(updates, ownership, doorstep)
    stack.push_async_callback(inbound.silence)
    return inbound


def _proven(ownership: Standing[Any], proof: Proof, then: Callable[[bool], None]) -> None:
    if ownership.is_alive():
        ownership.tell(Proven(proof, then))
    else:
        then(False)


def _left(ledger: Ledger, vault: Vault) -> tuple[Collection[Bot], dict[int, tuple[Hearing, Address | None]]]:
    """The bots, and what earlier processes have left at Telegram of them."""
    left = hearing.of_all(recorded.event for recorded in ledger.streams_under(streams.UPDATES))
    hearings = {bot_id: (one, _address(vault, bot_id, one)) for bot_id, one in left.items()}
    return bots_of(ledger.streams_under(streams.BOTS)).values(), hearings


def _address(vault: Vault, bot_id: int, one: Hearing) -> Address | None:
    """None where its tenant's key is gone: then it opens nothing, and a new one is made where one is wanted."""
    if not one.addressed:
        return None
    path, secret = PURPOSES
    try:
        return Address(
            vault.open(one.tenant_id, purpose(path, bot_id), one.path_sealed).decode(),
            vault.open(one.tenant_id, purpose(secret, bot_id), one.secret_sealed).decode(),
        )
    except Shredded:
        log.warning("webhook_shredded", bot_id=bot_id)
        return None


def _looked_up(ledger: Ledger, vault: Vault, bot_id: int) -> tuple[Token | None, float | None]:
    """A bot that was removed has the token of whoever had it last: so its webhook can be taken away."""
    who = read_bot(ledger, bot_id).owner or _last_owner(ledger, bot_id)
    return token_of(vault, bot_id, who), ledger.inbox.last(bot_id)


def _last_owner(ledger: Ledger, bot_id: int) -> Identity | None:
    bot, owner = Bot(bot_id), None
    for recorded in ledger.stream(streams.bot_stream(bot_id)):
        bot = lives.evolve(bot, recorded.event)
        owner = bot.owner or owner
    return owner
