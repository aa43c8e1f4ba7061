"""One bot's webhook at Telegram: put up, looked at, taken away. Nothing that is not ours is touched."""

from __future__ import annotations

import msgspec

from actors.doorstep import Address, new_address
from actors.hearing import Tools, waited
from actors.ports import Upload
from actors.webhook_story import REFUSED, Story
from domain import events
from domain.errors import StoreError
from domain.failure import Answer, Category, Failure
from domain.hearing import Hearing
from domain.rules import webhooks
from domain.rules.tokens import Token
from domain.rules.webhooks import Info, Verdict

PREFIX = "/webhook/"
TIMEOUT_S = 20.0
MAX_CONNECTIONS = 40
PURPOSES = "webhook-path", "webhook-secret"


class _Info(msgspec.Struct):
    url: str = ""
    pending_update_count: int = 0
    last_error_date: int | None = None
    allowed_updates: tuple[str, ...] = ()
    has_custom_certificate: bool = False


def purpose(kind: str, bot_id: int) -> str:
    return f"{kind}/{bot_id}"


class Webhook(Story):
    def __init__(self, bot_id: int, tools: Tools, heard: Hearing, address: Address | None) -> None:
        super().__init__(bot_id, tools, heard)
        self.token: Token | None = None
        self.allowed: tuple[str, ...] = ()
        """The kinds of updates that Telegram is to bring; none: the usual ones."""
        self._address = address
        self._former: list[Address] = []
        """Good until Telegram has the newest."""
        self._is_refused = False
        """The token, at the last call."""

    @property
    def came(self) -> int:
        return self._tools.doorstep.came(self.whose.bot_id, "webhook")

    @property
    def mismatched(self) -> int:
        return self._tools.doorstep.mismatched(self.whose.bot_id)

    @property
    def url(self) -> str | None:
        if self._address is None or self._tools.public_url is None:
            return None
        return f"{self._tools.public_url}{PREFIX}{self._address.path}"

    @property
    def unharmed(self) -> Info:
        """What Telegram says of it when all is well."""
        return Info(self.url or "", 0, None, frozenset(self.allowed), self._tools.certificate is not None)

    def is_ours(self, url: str) -> bool:
        base = self._tools.public_url
        known = self._address is not None and url.endswith(PREFIX + self._address.path)
        return known or (base is not None and url.startswith(base + PREFIX))

    async def put_up_at_last(self, *, falls_back: bool) -> bool:
        """Until Telegram has it. False: it will not, and polling can take its place."""
        failures = 0
        while not await self.put_up():
            failures += 1
            if falls_back and self.hearing.lost == REFUSED:
                return False
            await waited(self._tools.ports, webhooks.pause_s(failures, self._tools.ports.jitter()))
        if self.hearing.lost == Verdict.GONE:
            self.works()
        return True

    async def put_up(self) -> bool:
        """Tells Telegram the address, once; whether it was taken."""
        address = self._address or await self._addressed()
        if address is None:
            return False
        self._tools.doorstep.put_up(self.whose, address)
        wanted: dict[str, object] = {
            "url": self.url,
            "secret_token": address.secret,
            "max_connections": MAX_CONNECTIONS,
            # Telegram keeps the former list where none is named, and that may be a stranger's. Empty: the usual kinds.
            "allowed_updates": self.allowed,
        }
        try:
            wanted |= self._certificate()
        except OSError as error:
            self.stopped = f"the certificate cannot be read ({error.strerror})"
            return False
        answer = await self._ask("setWebhook", wanted)
        if isinstance(answer, Failure):
            if answer.category is Category.PERMANENT:
                self.lost(REFUSED)
                self.stopped = f"Telegram refuses the webhook ({answer.description})"
            return False
        self.stopped = None
        self._forget_former()
        return True

    def _certificate(self) -> dict[str, object]:
        """Read each time: it may have been renewed. A few kilobytes of a local disk. Raises OSError."""
        path = self._tools.certificate
        return {} if path is None else {"certificate": Upload("certificate.pem", path.read_bytes())}

    async def rotate(self) -> bool:
        former, self._address = self._address, None
        try:
            made = await self._addressed()
        finally:
            # Given up on the way, too.
            self._address = self._address or former
        if made is None:
            return False
        if former is not None:
            self._former.append(former)
        return self.hearing.polls or await self.put_up()

    async def info(self) -> Info | None:
        """None where Telegram does not say."""
        answer = await self._ask("getWebhookInfo", {})
        if isinstance(answer, Failure):
            return None
        try:
            found = msgspec.json.decode(answer.result, type=_Info)
        except msgspec.DecodeError:
            return None
        return Info(
            found.url,
            found.pending_update_count,
            found.last_error_date,
            frozenset(found.allowed_updates),
            found.has_custom_certificate,
        )

    async def gives_way(self) -> None:
        """To polling. What waits at Telegram goes on waiting there."""
        await self._deleted(self._tools.watchdog_s)
        if not self.hearing.polls:
            await self._record(events.PollingStarted)

    async def taken_away(self) -> None:
        """For good: the next one has another address. The event is of whoever had this one."""
        if not self.hearing.addressed:
            return
        await self._deleted(webhooks.POLL_CAP_S)
        await self._record(events.WebhookRemoved, tenant_id=self.hearing.tenant_id)
        self.shut()
        self._address = None

    @property
    def is_another_tenant_s(self) -> bool:
        return self.hearing.addressed and self.hearing.tenant_id != self.whose.tenant_id

    @property
    def is_another_token_s(self) -> bool:
        """Whoever has the former token may know the address."""
        return self.hearing.addressed and self.hearing.token_fingerprint not in ("", self._fingerprint)

    @property
    def _fingerprint(self) -> str:
        return self.token.fingerprint if self.token is not None else ""

    def open(self) -> None:
        if self._address is not None:
            self._tools.doorstep.put_up(self.whose, self._address)

    def shut(self) -> None:
        """Nothing comes in by it from now on, whatever Telegram believes."""
        self._forget_former()
        if self._address is not None:
            self._tools.doorstep.take_down(self._address)

    def _forget_former(self) -> None:
        while self._former:
            self._tools.doorstep.take_down(self._former.pop())

    async def delete_if_ours(self) -> bool | None:
        """None: Telegram could not be asked. False: it has an address there that is not ours."""
        info = await self.info()
        if info is None:
            return None
        if not info.url:
            return True
        if not self.is_ours(info.url):
            return False
        return None if isinstance(await self._ask("deleteWebhook", {}), Failure) else True

    async def _deleted(self, again_s: float) -> None:
        while await self.delete_if_ours() is None:
            if self.token is None or self._is_refused:
                return
            await waited(self._tools.ports, again_s)

    async def _ask(self, method: str, parameters: dict[str, object]) -> Answer:
        token = self.token
        if token is None:
            return Failure(Category.UNAUTHORIZED, "the bot's token is gone")
        answer = await self._tools.ports.telegram.ask(token, method, parameters, TIMEOUT_S)
        self._is_refused = isinstance(answer, Failure) and answer.category is Category.UNAUTHORIZED
        if isinstance(answer, Failure):
            await self._took(answer)
        return answer

    async def _took(self, failure: Failure) -> None:
        if failure.category is Category.UNAUTHORIZED:
            self._tools.check_token(self.whose.bot_id)
        elif failure.category is Category.RATE_LIMIT:
            await waited(self._tools.ports, failure.retry_after_s)

    async def _addressed(self) -> Address | None:
        """A new address, ours from the moment it is on disk."""
        made, (bot_id, tenant_id) = new_address(), self.whose
        path, secret = PURPOSES
        try:
            path_sealed = self._tools.ports.seal(tenant_id, purpose(path, bot_id), made.path.encode())
            secret_sealed = self._tools.ports.seal(tenant_id, purpose(secret, bot_id), made.secret.encode())
        except StoreError:
            return None
        sealed = {"path_sealed": path_sealed, "secret_sealed": secret_sealed}
        if not await self._record(events.WebhookSet, token_fingerprint=self._fingerprint, **sealed):
            return None
        self._address = made
        self._tools.doorstep.put_up(self.whose, made)
        return made
