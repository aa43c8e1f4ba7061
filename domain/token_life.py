"""A bot's token over time: looked at, refused, replaced. The functions decide, as those of `domain.bot` do."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from domain import events
from domain.bot import Bot, Decision, Identity
from domain.failure import Answer, Delivered, Failure
from domain.identities import BOTLOFT, REVOKED, is_refused, new_token
from domain.refusal import Refused
from domain.rules.tokens import Token
from domain.rules.validation import ADVICE, Verdict, Word, verdict


class Me(msgspec.Struct, frozen=True):
    id: int
    first_name: str = ""
    username: str = ""


class Found(NamedTuple):
    """What Telegram says of a token; names where it is valid."""

    verdict: Verdict
    username: str = ""
    first_name: str = ""


def me_in(answer: Delivered) -> Me | None:
    """None: it cannot be read."""
    try:
        return msgspec.json.decode(answer.result, type=Me)
    except msgspec.DecodeError:
        return None


def judged(token: Token, answer: Answer, *, was_valid: bool) -> Found:
    """`answer`: to `getMe` with it."""
    if isinstance(answer, Failure):
        return Found(verdict(answer, was_valid=was_valid))
    me = me_in(answer)
    if me is None or me.id != token.bot_id:
        return Found(verdict(Word.ANOTHER, was_valid=was_valid))
    return Found(verdict(Word.ITSELF, was_valid=was_valid), me.username, me.first_name)


def seen(bot: Bot, found: Found, now: datetime) -> tuple[events.Event, ...]:
    """What follows for a bot. Nothing does from an answer that says neither yes nor no."""
    if bot.owner is None:
        return ()
    bot_id, tenant_id = bot.bot_id, bot.owner.tenant_id
    happened: list[events.Event] = []
    if found.verdict is Verdict.REVOKED and bot.suspended is None:
        happened.append(
            events.BotSuspended(occurred_at=now, bot_id=bot_id, tenant_id=tenant_id, reason=REVOKED, by=BOTLOFT)
        )
    if found.verdict is Verdict.VALID:
        names = found.username, found.first_name
        if names != (bot.owner.username, bot.owner.first_name):
            renamed = events.BotRenamed(
                occurred_at=now, bot_id=bot_id, tenant_id=tenant_id, username=names[0], first_name=names[1]
            )
            happened.append(renamed)
        if is_refused(bot):
            happened.append(
                events.BotResumed(
                    occurred_at=now, bot_id=bot_id, tenant_id=tenant_id, by=BOTLOFT, reason="Telegram takes its token"
                )
            )
    return tuple(happened)


def rotate(bot: Bot, who: Identity, now: datetime) -> Decision:
    """The same bot goes on with another token, which Telegram took; a claim is as good as a bot here."""
    is_owner = bot.owner is not None and bot.owner.tenant_id == who.tenant_id
    before = bot.owner if is_owner else bot.claims.get(who.tenant_id)
    if before is None:
        return Refused("not_found", "There is no such bot. GET /api/bots lists yours.")
    follows = seen(bot, Found(Verdict.VALID, who.username, who.first_name), now) if is_owner else ()
    if before.token_fingerprint == who.token_fingerprint:
        return follows
    rotated = events.TokenRotated(
        occurred_at=now,
        bot_id=bot.bot_id,
        tenant_id=who.tenant_id,
        token_sealed=who.token_sealed,
        token_fingerprint=who.token_fingerprint,
    )
    return (rotated, *follows)


def may_change(bot: Bot, found: Found, *, resumes: bool) -> Refused | None:
    """Whether what needs the token may be done. What Telegram has refused is lifted by Telegram's word alone."""
    if found.verdict is Verdict.REVOKED:
        return Refused("token_unauthorized", f"{REVOKED}. {new_token(bot.bot_id)}")
    if resumes and is_refused(bot) and found.verdict is not Verdict.VALID:
        return Refused("token_unreachable", f"The bot stays suspended. {ADVICE[found.verdict]}", 5.0)
    return None
