"""Whom a change of a bot's life concerns besides whoever asked for it: its tenant, and the operator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actors.fleet import BY
from actors.messages import ClearAlert, Notify, RaiseAlert
from actors.takeover import taken_over
from domain.alerts import Key
from domain.bot import Bot
from domain.identities import is_refused, new_token

TOKEN_REVOKED = "token_revoked"  # noqa: S105  the kind of an alert and of a notice

Telling = Notify | RaiseAlert | ClearAlert


def tellings(before: Bot, after: Bot) -> Iterator[Telling]:
    if is_refused(before) and not is_refused(after):
        yield ClearAlert(TOKEN_REVOKED, after.bot_id)
    was, owner = before.owner, after.owner
    if owner is None:
        return
    if is_refused(after) and not is_refused(before):
        yield Notify(owner.tenant_id, TOKEN_REVOKED, _refused(after), after.bot_id)
        yield _alert(after, owner.tenant_id)
    elif after.suspended is not None and before.suspended is None and after.suspended_by == BY:
        told = f"Bot {after.bot_id} is suspended: {after.suspended}."
        yield Notify(owner.tenant_id, "bot_suspended", told, after.bot_id)
    if was is not None and was.tenant_id != owner.tenant_id:
        yield taken_over(was.tenant_id, after.bot_id)
    elif was is not None:
        old, new = (was.username, was.first_name), (owner.username, owner.first_name)
        if old != new:
            told = f'Bot {after.bot_id} is @{new[0]} ("{new[1]}") now; it was @{old[0]} ("{old[1]}").'
            yield Notify(owner.tenant_id, "bot_renamed", told, after.bot_id)


def left_untold(bots: Iterable[Bot], opened: Iterable[Key]) -> Iterator[RaiseAlert | ClearAlert]:
    """Alerts that an earlier process died over: a bot's suspension was on disk, and its alert was not, or its end."""
    refused = {bot.bot_id: bot for bot in bots if is_refused(bot)}
    for kind, bot_id in opened:
        if kind == TOKEN_REVOKED and bot_id not in refused:
            yield ClearAlert(TOKEN_REVOKED, bot_id)
    for bot in refused.values():
        if bot.owner is not None:
            yield _alert(bot, bot.owner.tenant_id)


def _alert(bot: Bot, tenant_id: str) -> RaiseAlert:
    return RaiseAlert(TOKEN_REVOKED, bot.bot_id, tenant_id, f"{_refused(bot)} Only its tenant can.")


def _refused(bot: Bot) -> str:
    return f"Bot {bot.bot_id} is suspended: {bot.suspended}. {new_token(bot.bot_id)}"
