"""What valid things look like. A test starts here and varies one thing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from domain import bot as bots
from domain import tenant as tenants
from domain.bot import Bot, Identity
from domain.command import Command
from domain.events import (
    CommandDelivered,
    CommandNotSent,
    CommandRejected,
    CommandStarted,
    CommandUncertain,
    Event,
    HoldPlaced,
)
from domain.failure import Category
from domain.keys import NewKey, written_key
from domain.rules.tokens import Token, parse
from domain.tenant import Tenant

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

BOT_ID = 7_000_000_001
OTHER_BOT_ID = 7_000_000_002
TENANT = "acme"
OTHER_TENANT = "globex"
CHAT = "42"
GROUP = "-1001234567890"
COMMAND_ID = "0197c5e2-0000-7000-8000-000000000001"

TOKEN_TEXT = f"{BOT_ID}:AAHexamplesAreNotSecretsAtAll_0123456"
"""Of good form; no bot has it."""


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def a_token(bot_id: int = BOT_ID) -> Token:
    token = parse(f"{bot_id}:AAHexamplesAreNotSecretsAtAll_0123456")
    assert token is not None
    return token


def an_identity(**changes: object) -> Identity:
    token = a_token()
    return msgspec.structs.replace(
        Identity(
            tenant_id=TENANT,
            username="examples_bot",
            first_name="Examples",
            token_sealed=b"\x01sealed",
            token_fingerprint=token.fingerprint,
        ),
        **changes,
    )


def a_bot(*events: Event, bot_id: int = BOT_ID) -> Bot:
    """A bot with this history."""
    bot = Bot(bot_id)
    for event in events:
        bot = bots.evolve(bot, event)
    return bot


def a_new_key(number: int = 1) -> NewKey:
    return written_key(f"key{number:09d}", bytes([number % 256]) * 32)


def a_tenant(*events: Event, tenant_id: str = TENANT) -> Tenant:
    """A tenant with this history."""
    tenant = Tenant(tenant_id)
    for event in events:
        tenant = tenants.evolve(tenant, event)
    return tenant


def a_command(**changes: object) -> Command:
    """A `sendMessage` that came at noon and has 30 seconds."""
    return msgspec.structs.replace(
        Command(
            command_id=COMMAND_ID,
            bot_id=BOT_ID,
            tenant_id=TENANT,
            method="sendMessage",
            parameters={"chat_id": 42, "text": "hello"},
            chat=CHAT,
            received_at=NOON,
            deadline_s=30.0,
        ),
        **changes,
    )


def a_started(command_id: str = COMMAND_ID, **changes: object) -> CommandStarted:
    return msgspec.structs.replace(
        CommandStarted(
            occurred_at=NOON,
            bot_id=BOT_ID,
            tenant_id=TENANT,
            command_id=command_id,
            method="sendMessage",
            received_at=NOON,
            chat=CHAT,
        ),
        **changes,
    )


def a_delivered(command_id: str = COMMAND_ID, **changes: object) -> CommandDelivered:
    return msgspec.structs.replace(
        CommandDelivered(
            occurred_at=after(0.2),
            bot_id=BOT_ID,
            tenant_id=TENANT,
            command_id=command_id,
            method="sendMessage",
            received_at=NOON,
            chat=CHAT,
            attempts=1,
            queue_ms=1.5,
            telegram_ms=120.0,
        ),
        **changes,
    )


def a_rejected(command_id: str = COMMAND_ID, **changes: object) -> CommandRejected:
    return msgspec.structs.replace(
        CommandRejected(
            occurred_at=after(0.2),
            bot_id=BOT_ID,
            tenant_id=TENANT,
            command_id=command_id,
            method="sendMessage",
            received_at=NOON,
            chat=CHAT,
            attempts=1,
            telegram_ms=90.0,
            code="telegram_rejected",
            category=Category.PERMANENT,
            telegram_code=400,
            description="Bad Request: chat not found",
        ),
        **changes,
    )


def a_not_sent(command_id: str = COMMAND_ID, **changes: object) -> CommandNotSent:
    return msgspec.structs.replace(
        CommandNotSent(
            occurred_at=after(30),
            bot_id=BOT_ID,
            tenant_id=TENANT,
            command_id=command_id,
            method="sendMessage",
            received_at=NOON,
            chat=CHAT,
            code="deadline_exceeded",
        ),
        **changes,
    )


def an_uncertain(command_id: str = COMMAND_ID, **changes: object) -> CommandUncertain:
    return msgspec.structs.replace(
        CommandUncertain(
            occurred_at=after(60),
            bot_id=BOT_ID,
            tenant_id=TENANT,
            command_id=command_id,
            method="sendMessage",
            received_at=NOON,
            chat=CHAT,
            attempts=1,
            code="delivery_uncertain",
            category=Category.AMBIGUOUS,
            description="no answer within 60 s",
        ),
        **changes,
    )


def a_hold(scope: str = f"chat:{CHAT}", retry_after_s: float = 5.0, **changes: object) -> HoldPlaced:
    """Placed at noon, unless told otherwise."""
    return msgspec.structs.replace(
        HoldPlaced(
            occurred_at=NOON,
            bot_id=BOT_ID,
            tenant_id=TENANT,
            scope=scope,
            until=after(retry_after_s),
            retry_after_s=retry_after_s,
        ),
        **changes,
    )
