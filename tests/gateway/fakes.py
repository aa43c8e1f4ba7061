"""A whole house behind the gateway: a real log, real views and their runner; the two actors are doubles of a few lines.

The doubles decide with the domain's own functions and write what happened, so that the views have something to show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

import httpx
from starlette.applications import Starlette

from actors.key_ring import KeyRing, listed_keys
from actors.messages import (
    Act,
    ActRefused,
    AskForCode,
    BotChanged,
    BreakerState,
    CallbackInfo,
    ChangeBot,
    CodeIssued,
    ConfigureBot,
    DescribeAlerts,
    DescribeBreaker,
    DescribeCallback,
    DescribeFleet,
    DescribeInspection,
    DescribeLimits,
    DescribeRetention,
    DescribeTenant,
    DescribeUpdates,
    DescribeVerification,
    EndSessions,
    Execute,
    FleetState,
    Inspection,
    InspectToken,
    IssueCode,
    IssueKey,
    Limits,
    ListDeliveries,
    ListKeys,
    ListNotices,
    ListTenants,
    NoticeEndpoint,
    Notify,
    OnRecord,
    ProveOwnership,
    PulledUpdates,
    PullUpdates,
    RegisterBot,
    RegisterTenant,
    RemoveBot,
    RemoveTenant,
    ReplayDeliveries,
    ResetRetryStatistics,
    ResumeBot,
    RetentionReport,
    RetentionState,
    RevokeKey,
    RotateKey,
    RotateToken,
    RotateWebhook,
    SetBreaker,
    SetNoticeEndpoint,
    SkipEvent,
    StopPulling,
    SuspendBot,
    TenantInfo,
    TenantKey,
    TokenInspected,
    TokenJudged,
    UpdatesState,
    ValidateAll,
    ValidateToken,
    ValidationJob,
    Verification,
    WeighTenant,
)
from actors.runtime import LoopFuture
from domain import bot as lives
from domain import events, ownership, streams, token_life
from domain import tenant as tenants
from domain.bot import Bot, Identity
from domain.codes import hashed
from domain.command import Command, Outcome
from domain.errors import StoreError
from domain.failure import Final
from domain.hearing import Whose
from domain.keys import Key, NewKey, written_key
from domain.ownership import LIFETIME, ownership_for
from domain.refusal import Refused
from domain.rules.tokens import Token
from domain.rules.validation import Verdict
from domain.store.ledger import Ledger
from domain.store.mapper import Entry, Recorded
from domain.tenant import OPERATOR, Scope, Tenant
from domain.token_life import Found
from domain.updates import read
from domain.whatif.policy import Policy
from domain.whatif.question import NoAnswer, Question
from domain.whatif.report import Report, answered
from gateway.doors import Doors
from gateway.events.replay import Replay
from projections.runner import Runner
from tests.doubles import ManualClock
from tests.examples import NOON, TENANT, a_delivered, a_token
from tests.gateway.contract import contract_of

ADMIN_TEXT = "an operator's own long admin key, 32 or more"
MESSAGE = b'{"message_id":7,"chat":{"id":42},"text":"hello"}'
NOT_HERE = Refused("not_found", "There is no such bot. GET /api/bots lists yours.")


class ThreadReplays:
    """Beside the loop, without a process of its own."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.trouble: NoAnswer | None = None

    async def __call__(self, question: Question) -> Report:
        if self.trouble is not None:
            raise self.trouble
        return await asyncio.to_thread(answered, self._ledger, Policy(), question)


class Log:
    """Appends, and tells the runner and who follows."""

    def __init__(self, ledger: Ledger, runner: Runner, replay: Replay) -> None:
        self._ledger = ledger
        self._runner = runner
        self._replay = replay

    def write(self, stream: str, version: int, happened: Iterable[events.Event]) -> int:
        entries = [Entry(stream, version + n, event) for n, event in enumerate(happened, 1)]
        positions = self._ledger.append(entries)
        self._runner.wake()
        self._replay.pulse.beat()
        return positions[-1]

    def everything(self) -> list[Recorded]:
        return self._ledger.read(0, 10_000)

    def add(self, event: events.DayEvent) -> int:
        return self.add_to(streams.day_stream(event), event)

    def add_to(self, stream: str, event: events.Event) -> int:
        return self.write(stream, self._ledger.last_version(stream), [event])


class Actor:
    """Answers at once, unless told to say something else (an exception is raised) or to stay silent."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.says: object = None
        self.silent = False
        self.futures: list[LoopFuture] = []
        self.on_asked: Callable[[], None] = lambda: None

    def ask(self, message: Any, *, block: bool) -> LoopFuture:
        assert block is False
        self.asked.append(message)
        self.on_asked()
        future = LoopFuture()
        self.futures.append(future)
        if self.silent:
            return future
        if isinstance(self.says, BaseException):
            future.set_exception((type(self.says), self.says, None))
        else:
            future.set(self.says if self.says is not None else self.answer(message))
        return future

    def answer(self, message: Any) -> object:
        raise NotImplementedError


class Fleet(Actor):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log
        self.draining = False
        self.bots: dict[int, Bot] = {}
        self.category = Verdict.VALID
        """Of every token that is looked at."""

    @property
    def commands(self) -> list[Command]:
        return [message.command for message in self.asked if isinstance(message, Execute)]

    def answer(self, message: Any) -> object:
        match message:
            case Execute(command):
                return self._executed(command)
            case RegisterBot(tenant_id, token):
                who = Identity(tenant_id, "examples_bot", "Examples", b"sealed", token.fingerprint)
                bot = self.bots.get(token.bot_id, Bot(token.bot_id))
                return self._became(bot, tenant_id, lives.register(bot, who, NOON))
            case SuspendBot(_, _, reason, by):
                return self._change(message, lambda bot, tenant: lives.suspend(bot, tenant, reason, by, NOON))
            case ResumeBot(_, _, by, _, reason):
                return self._change(message, lambda bot, tenant: lives.resume(bot, tenant, by, NOON, reason))
            case IssueCode(_, _, code_hash):
                return self._change(message, lambda bot, tenant: ownership.issue(bot, tenant, code_hash, NOON))
            case ProveOwnership(_, _, code_hash, token):
                return self._change(
                    message,
                    lambda bot, tenant: ownership.verify(bot, tenant, code_hash, token.fingerprint, NOON),
                )
            case RemoveBot(_, _, by, reason):
                return self._change(message, lambda bot, tenant: lives.remove(bot, tenant, NOON, by, reason))
            case ConfigureBot(_, _, {"callback_url": str()}):
                return BotChanged(message.bot_id, "examples_bot", "active", 1, "whsec_c2VjcmV0")
            case ConfigureBot(_, _, change, by, reason):
                return self._change(message, lambda bot, tenant: lives.configure(bot, tenant, change, by, NOON, reason))
            case RotateToken(_, _, token):
                return self._change(message, lambda bot, tenant: self._rotated(bot, tenant, token))
            case InspectToken():
                return self._inspected(message)
            case ResetRetryStatistics(bot_id, reason, by):
                return self._reset(bot_id, reason, by)
            case SetBreaker(bot_id):
                return BotChanged(bot_id, "examples_bot", "active", 1)
            case DescribeBreaker(bot_id):
                return BreakerState(bot_id, "closed", failures=0, successes=0, open_until=None)
            case DescribeLimits():
                return Limits(25.0, waiting=0, methods=(), storage="memory", shared=False)
            case DescribeFleet():
                return FleetState(len(self.bots), awake=1, open_commands=0, draining=self.draining)
            case _:
                raise TypeError(f"the fleet has no case for {message!r}")

    def _executed(self, command: Command) -> Outcome | Refused:
        bot = self.bots.get(command.bot_id)
        if bot is None or command.tenant_id not in bot.tenants:
            return NOT_HERE
        refused = lives.may_command(bot, command.tenant_id)
        if refused is not None:
            return refused
        event = a_delivered(
            command.command_id, bot_id=command.bot_id, tenant_id=command.tenant_id, method=command.method
        )
        return delivered(command_id=command.command_id, position=self._log.add(event))

    def _change(self, message: ChangeBot, decide: Callable[[Bot, str], lives.Decision]) -> object:
        bot = self.bots.get(message.bot_id)
        tenant_id = message.tenant_id or (bot.tenants[0] if bot and bot.tenants else "")
        if bot is None or tenant_id not in bot.tenants:
            return NOT_HERE
        return self._became(bot, tenant_id, decide(bot, tenant_id))

    def _rotated(self, bot: Bot, tenant_id: str, token: Token) -> lives.Decision:
        who = Identity(tenant_id, "examples_bot", "Examples", b"sealed anew", token.fingerprint)
        return token_life.rotate(bot, who, NOON)

    def _inspected(self, message: InspectToken) -> object:
        bot = self.bots.get(message.bot_id)
        if bot is None or bot.owner is None or bot.owner.tenant_id != message.tenant_id:
            return NOT_HERE
        found = Found(self.category, "examples_bot", "Examples")
        seen = token_life.seen(bot, found, NOON)
        changed = self._became(bot, message.tenant_id, seen)
        assert isinstance(changed, BotChanged)
        position = changed.position or self._log.everything()[-1].position
        return TokenInspected(bot.bot_id, self.category, *found[1:], changed.status, position)

    def _reset(self, bot_id: int | None, reason: str, by: str) -> object:
        bot = None if bot_id is None else self.bots.get(bot_id)
        if bot_id is not None and bot is None:
            return NOT_HERE
        owner = bot.tenants[0] if bot else OPERATOR
        reset = events.RetryStatisticsReset(occurred_at=NOON, tenant_id=owner, bot_id=bot_id, reason=reason, by=by)
        return self._log.add_to(streams.FLEET, reset)

    def _became(self, bot: Bot, tenant_id: str, decision: lives.Decision) -> object:
        if isinstance(decision, Refused):
            return decision
        after = reduce(lives.evolve, decision, bot)
        self.bots[bot.bot_id] = after
        position = self._log.write(streams.bot_stream(bot.bot_id), bot.version, decision) if decision else None
        status, owned = after.status_for(tenant_id), ownership_for(after, tenant_id)
        return BotChanged(bot.bot_id, "examples_bot", status.value, position, ownership=owned.value)


class Ownership(Actor):
    """Every code is `a-code`; what waits at Telegram is the test's."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__()
        self._fleet = fleet
        self.pending = 0
        self.verification: Verification | None = None

    def answer(self, message: Any) -> object:
        if isinstance(message, DescribeVerification):
            return self.verification
        assert isinstance(message, AskForCode)
        issued = self._fleet.answer(IssueCode(message.bot_id, message.tenant_id, hashed("a-code")))
        if not isinstance(issued, BotChanged):
            return issued
        expires_at, position = NOON + LIFETIME, issued.position or 0
        return CodeIssued(message.bot_id, issued.username, "a-code", expires_at, self.pending, position)


class Steward(Actor):
    def __init__(self) -> None:
        super().__init__()
        self._last: RetentionReport | None = None

    def answer(self, message: Any) -> object:
        if isinstance(message, DescribeRetention):
            return RetentionState(running=False, last_run=self._last)
        self._last = RetentionReport(NOON, "2026-06-01", 2, 5, 9)
        return self._last


class Accounts(Actor):
    def __init__(self, log: Log, clock: ManualClock) -> None:
        super().__init__()
        self._log = log
        self.clock = clock
        self.used: dict[str, datetime] = {}
        self.tenants: dict[str, Tenant] = {}
        self.keys: dict[str, Key] = {}

    def answer(self, message: Any) -> object:
        match message:
            case RegisterTenant(name):
                return self.found(f"t{len(self.tenants)}", name, (Scope.TENANT,))
            case IssueKey(tenant_id, scopes, label, expires_at):
                tenant, key = self.tenants.get(tenant_id, Tenant(tenant_id)), self._new_key()
                decision = tenants.issue_key(tenant, key, scopes, label, self.clock.utc(), expires_at)
                return self._became(tenant, decision, key)
            case RotateKey(tenant_id, key_id, overlap_s):
                tenant, key, overlap = self.tenants[tenant_id], self._new_key(), timedelta(seconds=overlap_s)
                return self._became(tenant, tenants.rotate_key(tenant, key_id, key, overlap, self.clock.utc()), key)
            case EndSessions(tenant_id, key_id):
                tenant = self.tenants[tenant_id]
                return self._became(tenant, tenants.end_sessions(tenant, key_id, self.clock.utc()), None)
            case RevokeKey(tenant_id, key_id):
                tenant = self.tenants[tenant_id]
                return self._became(tenant, tenants.revoke_key(tenant, key_id, self.clock.utc()), None)
            case ListKeys(tenant_id):
                return listed_keys(self.tenants.get(tenant_id, Tenant(tenant_id)), KeyRing(), self.used)
            case ListTenants(after, limit):
                return [info(self.tenants[one]) for one in sorted(self.tenants) if after < one != "operator"][:limit]
            case DescribeTenant(tenant_id):
                tenant = self.tenants.get(tenant_id, Tenant(tenant_id))
                return tenants.NO_TENANT if tenant.name is None or tenant_id == OPERATOR else info(tenant)
            case WeighTenant(tenant_id, weight, by, reason):
                tenant = self.tenants.get(tenant_id, Tenant(tenant_id))
                weighed = self._became(tenant, tenants.weigh(tenant, weight, by, reason, NOON), None)
                return weighed if isinstance(weighed, Refused) else info(self.tenants[tenant_id], weighed)
            case RemoveTenant(tenant_id, by, reason):
                tenant = self.tenants.get(tenant_id, Tenant(tenant_id))
                return self._became(tenant, tenants.remove(tenant, by, reason, NOON), None)
            case _:
                raise TypeError(f"the accounts actor has no case for {message!r}")

    def find(self, key_id: str) -> Key | None:
        return self.keys.get(key_id)

    def found(self, tenant_id: str, name: str, scopes: tuple[Scope, ...]) -> Any:
        registered = tenants.register(Tenant(tenant_id), name, NOON)
        assert not isinstance(registered, Refused)
        key = self._new_key()
        issued = tenants.issue_key(Tenant(tenant_id, name=name), key, scopes, "first", NOON)
        assert not isinstance(issued, Refused)
        return self._became(Tenant(tenant_id), (*registered, *issued), key)

    def _became(self, tenant: Tenant, decision: tenants.Decision, key: NewKey | None) -> object:
        if isinstance(decision, Refused):
            return decision
        after = reduce(tenants.evolve, decision, tenant)
        position = (
            self._log.write(streams.tenant_stream(tenant.tenant_id), tenant.version, decision) if decision else None
        )
        self.tenants[tenant.tenant_id] = after
        self.keys = {key_id: found for one in self.tenants.values() for key_id, found in one.keys.items()}
        if key is None:
            return position
        made = after.keys[key.key_id]
        return TenantKey(
            tenant.tenant_id,
            after.name or "",
            key.key_id,
            key.text,
            position,
            made.scopes,
            made.label,
            made.expires_at,
        )

    def _new_key(self) -> NewKey:
        number = len(self.asked) + 1000 * len(self.tenants)
        return written_key(f"key{number:09d}", number.to_bytes(32, "big"))


def info(tenant: Tenant, position: Any = None) -> TenantInfo:
    name, keys, registered_at = tenant.name or "", len(tenant.keys), tenant.registered_at
    return TenantInfo(tenant.tenant_id, name, tenant.weight, keys, registered_at, position)


class Audit(Actor):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def answer(self, message: Any) -> object:
        match message:
            case Act(action, target, reason, tenant_id, by, client):
                acted = events.AdminActed(
                    occurred_at=NOON,
                    tenant_id=tenant_id,
                    by=by,
                    reason=reason,
                    action=action,
                    target=target,
                    client=client,
                )
                stream = streams.admin_stream(NOON)
                return OnRecord(self._log.add_to(stream, acted), stream)
            case ActRefused(act, tenant_id, code):
                refused = events.AdminActRefused(
                    occurred_at=NOON, tenant_id=tenant_id, act_position=act.position, code=code
                )
                return self._log.add_to(act.stream, refused)
            case SkipEvent(projection, position, topic, cause, reason, tenant_id, by):
                skipped = events.ProjectionEventSkipped(
                    occurred_at=NOON,
                    tenant_id=tenant_id,
                    by=by,
                    reason=reason,
                    projection=projection,
                    skipped_position=position,
                    skipped_topic=topic,
                    cause=cause,
                )
                return self._log.add_to(streams.projection_stream(projection), skipped)
            case _:
                raise TypeError(f"the audit actor has no case for {message!r}")


def delivered(**changes: Any) -> Outcome:
    return an_outcome(**{"final": Final.DELIVERED, "code": "", "result": MESSAGE, **changes})


def an_outcome(**changes: Any) -> Outcome:
    usual = {"command_id": "c1", "attempts": 1, "queue_ms": 0.5, "telegram_ms": 41.0, "position": 9}
    return Outcome(**{**usual, **changes})


class Alerts(Actor):
    def answer(self, message: Any) -> object:
        assert isinstance(message, DescribeAlerts)
        detail = "Bot 7000000001: its actor failed"
        return [
            events.AlertRaised(
                occurred_at=NOON, bot_id=7000000001, tenant_id=TENANT, kind="bot_given_up", detail=detail
            )
        ]


class Updates(Actor):
    """One bot, which polls."""

    def answer(self, message: Any) -> object:
        assert isinstance(message, DescribeUpdates | RotateWebhook)
        return UpdatesState(message.bot_id, "polling", "polling", NOON.timestamp() - 2)


class Inspector(Actor):
    """Knows one token, and a job that is half done once it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.job: ValidationJob | None = None

    def answer(self, message: Any) -> object:
        match message:
            case ValidateToken(token) if token == a_token():
                return TokenJudged(Verdict.VALID, token.bot_id, "examples_bot", "Examples")
            case ValidateToken():
                return TokenJudged(Verdict.UNAUTHORIZED)
            case ValidateAll(by):
                self.job = ValidationJob(by, NOON, 4, 2, {"VALID": 1, "TIMEOUT": 1})
                return Inspection(4, 1, NOON, self.job)
            case DescribeInspection():
                return Inspection(4, 1, NOON, self.job)
            case _:
                raise TypeError(f"the inspector has no case for {message!r}")


class Doorstep:
    """One address, and a journal that says what it is told to."""

    def __init__(self) -> None:
        self.brought: list[bytes] = []
        self.says: int | StoreError | None = 1
        """None: the backlog is full."""

    def whose(self, path: str, secret: str) -> Whose | None:
        return Whose(7000000001, TENANT) if (path, secret) == ("opaque", "secret") else None

    def bring(self, whose: Whose, body: bytes, then: Callable[[int | StoreError], None]) -> bool:
        assert whose.tenant_id == TENANT
        read(body)
        if self.says is None:
            return False
        self.brought.append(body)
        then(self.says)
        return True

    def counted(self) -> dict[str, int]:
        return {"unknown_paths": 3}


class Delivery(Actor):
    def answer(self, message: Any) -> object:
        match message:
            case PullUpdates(offset=offset):
                return PulledUpdates([b'{"update_id":7,"message":{"text":"caf\xc3\xa9"}}'], (offset or 0) + 8)
            case ListDeliveries() | StopPulling():
                return []
            case ReplayDeliveries():
                return 3
            case DescribeCallback():
                return CallbackInfo("https://acme.example/updates", None, 0)
            case _:
                raise TypeError(f"the delivery actor has no case for {message!r}")


class Notices(Actor):
    def answer(self, message: Any) -> object:
        match message:
            case ListNotices():
                return []
            case Notify():
                return None
            case SetNoticeEndpoint(_, url):
                return NoticeEndpoint(url, "whsec_c2VjcmV0" if url else None, 5)
            case _:
                raise TypeError(f"the notices actor has no case for {message!r}")


class Client:
    """One loop for all requests, as in the running gateway. Each answer is held against what is promised."""

    def __init__(self, app: Starlette, loop: asyncio.Runner) -> None:
        self.loop = loop
        self.app = app
        self._transport = httpx.ASGITransport(app)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = self.loop.run(self._request(method, path, more))
        contract_of(self.app).check(answer)
        return answer

    async def _request(self, method: str, path: str, more: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://botloft.test") as client:
            return await client.request(method, path, **more)


@dataclass
class House:
    client: Client
    doors: Doors
    fleet: Fleet
    accounts: Accounts
    log: Log
    runner: Runner
    ledger: Ledger
    audit: Audit
    delivery: Delivery
    notices: Notices
    ownership: Ownership
    clock: ManualClock
    inspector: Inspector
    tenant: str = "acme"
    key: str = field(default="", repr=False)
    other_key: str = field(default="", repr=False)
    admin_key: str = field(default="", repr=False)

    def call(self, method: str, path: str, json: object = None, *, key: str | None = None, **more: Any) -> Any:
        """As the first tenant, unless another key is named; "" stands for none."""
        text = self.key if key is None else key
        headers = {**({"Authorization": f"Bearer {text}"} if text else {}), **more.pop("headers", {})}
        if json is not None:
            more["json"] = json
        return self.client.request(method, path, headers=headers, **more)

    def send(self, json: object = None, **more: Any) -> Any:
        return self.call("POST", "/api/bots/7000000001/commands/sendMessage", json or HELLO, **more)


HELLO = {"chat_id": 42, "text": "hello"}
