"""A bot's own looks at its token: Telegram is asked beside the mailbox, and its word comes back as a message.

It is asked after a 401, when somebody wants to know, and before what needs a good token: another one in its place,
updates turned on, the bot put to work again.
"""

from __future__ import annotations

from actors import introductions
from actors.draining import SHUTTING_DOWN
from actors.fleet import BY
from actors.inbox import LoopFuture
from actors.life import NO_TOKEN, NOT_MADE, Life
from actors.mail import Lifecycle, Looked
from actors.messages import CheckToken, ConfigureBot, InspectToken, ResumeBot, RotateToken, TokenInspected
from actors.ports import Ports
from actors.slot import Slot
from domain import bot as lives
from domain import events, token_life
from domain.bot import Identity, Status
from domain.errors import StoreError
from domain.failure import Answer
from domain.refusal import Refused
from domain.rules.tokens import Token
from domain.rules.validation import CONCLUSIVE, Verdict, Why
from domain.token_life import Found

CHECK_TIMEOUT_S = 10.0
NOT_ITS_OWN = Refused(
    "token_mismatch",
    "This is the token of another bot; only one of the same bot can take its place. POST it as a new bot.",
)


class TokenWatch:
    __slots__ = ("_is_checking", "_life", "_ports", "_slot")

    def __init__(self, life: Life, slot: Slot, ports: Ports) -> None:
        self._life, self._slot, self._ports = life, slot, ports
        self._is_checking = False

    def after_401(self) -> None:
        """One 401 may be a slip of Telegram's; two in a row are the token's, whoever saw the first."""
        token = self._life.token
        if token is not None and not self._is_checking:
            self._is_checking = True
            self._look(Lifecycle(CheckToken(self._slot.bot_id), LoopFuture()), token, Why.AFTER_401)

    def takes(self, change: Lifecycle) -> bool:
        """Whether it has to wait for Telegram's word, or was refused without it. It comes back as `Looked`."""
        message, token, why = change.message, self._life.token, Why.BEFORE_CHANGE
        match message:
            case RotateToken():
                if message.token.bot_id != message.bot_id:
                    change.reply.set(NOT_ITS_OWN)
                    return True
                token = message.token
            case InspectToken():
                refused = self._not_inspected(message)
                if refused is not None:
                    change.reply.set(refused)
                    return True
                why = message.why
            case ResumeBot() | ConfigureBot() if self._needs_a_good_one(message):
                pass
            case _:
                return False
        if token is None:
            return False
        self._look(change, token, why)
        return True

    def looked(self, looked: Looked) -> bool:
        """Whether the change that waited for it may be made now."""
        message = looked.message
        if looked.reply.done():
            return False  # it was refused meanwhile
        if isinstance(message, RotateToken):
            self._rotate(looked, message)
            return False
        self._is_checking = self._is_checking and not isinstance(message, CheckToken)
        if looked.token != self._life.token:
            # It was replaced meanwhile: this says nothing about the one that the bot has now.
            return not isinstance(message, CheckToken) and not self.takes(Lifecycle(message, looked.reply))
        found = token_life.judged(looked.token, looked.answer, was_valid=True)
        if found.verdict is Verdict.REVOKED and not looked.is_second:
            self._look(looked, looked.token, looked.why)
            return False
        resumes = isinstance(message, ResumeBot)
        refused = token_life.may_change(self._life.bot, found, resumes=resumes)
        # Whoever resumes it does so in their own name.
        follows = () if resumes else token_life.seen(self._life.bot, found, self._ports.clock.utc())
        if follows:
            self._life.happened(follows)
        self._note(looked, found)
        if isinstance(message, CheckToken | InspectToken):
            return False
        if refused is not None:
            looked.reply.set(refused)
        return refused is None

    def _look(self, change: Lifecycle, token: Token, why: Why) -> None:
        slot, reply = self._slot, change.reply
        if slot.is_stopping:
            reply.set(SHUTTING_DOWN)
            return

        def answered(answer: Answer) -> None:
            slot.looks = tuple(one for one in slot.looks if one is not reply)
            slot.tell(Looked(change, token, why, answer))

        slot.looks = (*slot.looks, reply)
        self._ports.telegram.call(token, "getMe", {}, CHECK_TIMEOUT_S, answered)

    def _needs_a_good_one(self, message: ResumeBot | ConfigureBot) -> bool:
        """Only what would change anything is worth a call."""
        bot, now = self._life.bot, self._ports.clock.utc()
        if message.by == BY:
            return False
        if isinstance(message, ResumeBot):
            decision = lives.resume(bot, message.tenant_id, message.by, now)
        elif message.change.get("updates") in (None, "off", bot.config.updates):
            return False
        else:
            updates = {"updates": message.change["updates"]}
            decision = lives.configure(bot, message.tenant_id, updates, message.by, now)
        return isinstance(decision, tuple) and decision != ()

    def _not_inspected(self, message: InspectToken) -> Refused | None:
        status = self._life.bot.status_for(message.tenant_id)
        if status in (Status.ACTIVE, Status.SUSPENDED):
            return NO_TOKEN if self._life.token is None else None
        refused = lives.may_command(self._life.bot, message.tenant_id)
        return refused or NO_TOKEN

    def _rotate(self, looked: Looked, message: RotateToken) -> None:
        token, life = message.token, self._life
        me = introductions.introduced(token, looked.answer)
        if isinstance(me, Refused):
            looked.reply.set(me)
            return
        purpose, text = introductions.token_purpose(token.bot_id), token.reveal().encode()
        try:
            sealed = self._ports.seal(message.tenant_id, purpose, text)
        except StoreError:
            looked.reply.set(NOT_MADE)
            return
        who = Identity(message.tenant_id, me.username, me.first_name, sealed, token.fingerprint)
        before = life.bot
        life.rotated(who, token, looked.reply.set)
        if life.bot is not before and life.token == token:
            self._note(looked, Found(Verdict.VALID, me.username, me.first_name))

    def _note(self, looked: Looked, found: Found) -> None:
        """What says yes or no, and whatever was asked for."""
        owner, bot_id, now = self._life.bot.owner, self._slot.bot_id, self._ports.clock.utc()
        is_asked = isinstance(looked.message, InspectToken)
        if found.verdict in CONCLUSIVE:
            self._slot.validated_at = now.timestamp()
        elif not is_asked:
            return
        if owner is None:
            looked.reply.set(NO_TOKEN)
            return
        validated = events.TokenValidated(
            occurred_at=now,
            bot_id=bot_id,
            tenant_id=owner.tenant_id,
            category=found.verdict,
            why=looked.why,
            username=found.username,
            first_name=found.first_name,
        )
        status = self._life.bot.status_for(owner.tenant_id).value
        names = found.username or owner.username, found.first_name or owner.first_name

        def recorded(position: int | StoreError) -> None:
            if isinstance(position, StoreError):
                looked.reply.set(NOT_MADE)
            else:
                looked.reply.set(TokenInspected(bot_id, found.verdict, *names, status, position))

        self._ports.journal.note(validated, recorded if is_asked else None)
