"""What becomes of one bot's webhook, in the log and to the operator: each incident once, and once that it is over."""

from __future__ import annotations

from typing import Any

from actors.hearing import Tools, recorded
from actors.messages import ClearAlert, RaiseAlert
from domain import events, hearing, streams
from domain.hearing import Hearing, Whose
from domain.rules.webhooks import Verdict

REFUSED = "refused"
DARK, STOLEN, FOREIGN, RIVAL = "webhook_dark", "webhook_stolen", "webhook_foreign", "updates_rival"
ALERTS = (DARK, STOLEN, FOREIGN, RIVAL)
TOLD = {
    Verdict.DARK: (DARK, "Telegram cannot bring its updates to BOTLOFT_PUBLIC_URL."),
    Verdict.STOLEN: (STOLEN, "Somebody with its token has given it another webhook."),
    REFUSED: (DARK, "Telegram refuses the address that BOTLOFT_PUBLIC_URL makes."),
}


class Story:
    def __init__(self, bot_id: int, tools: Tools, heard: Hearing) -> None:
        self.hearing = heard
        self.whose = Whose(bot_id, heard.tenant_id)
        self.stopped: str | None = None
        """Why updates do not come, where nothing can be done about it."""
        self._tools = tools

    def works(self) -> None:
        self.stopped = None
        if self.hearing.lost is None and not self.hearing.polls:
            return
        self._note(events.WebhookRestored)
        self.cleared(*ALERTS)

    def lost(self, reason: str) -> None:
        """Once an incident, however often it is seen."""
        if reason == Verdict.STOLEN:
            self.stopped = "a foreign webhook"
        if self.hearing.lost == reason:
            return
        self._note(events.WebhookLost, reason=str(reason))
        if reason in TOLD:
            self.alerted(*TOLD[reason])

    def alerted(self, kind: str, detail: str) -> None:
        bot_id, tenant_id = self.whose
        self._tools.alert(RaiseAlert(kind, bot_id, tenant_id, f"Bot {bot_id}: {detail}"))

    def cleared(self, *kinds: str) -> None:
        for kind in kinds:
            self._tools.alert(ClearAlert(kind, self.whose.bot_id))

    async def _record(self, kind: type[events.WebhookEvent], **fields: object) -> bool:
        event = self._event(kind, fields)
        if not await recorded(self._tools.ports, event):
            return False
        self.hearing = hearing.evolve(self.hearing, event)
        return True

    def _note(self, kind: type[events.WebhookEvent], **fields: object) -> None:
        event = self._event(kind, fields)
        self._tools.ports.journal.write(streams.updates_stream(event.bot_id), None, (event,))
        self.hearing = hearing.evolve(self.hearing, event)

    def _event(self, kind: type[events.WebhookEvent], fields: dict[str, object]) -> events.WebhookEvent:
        bot_id, tenant_id = self.whose
        now = self._tools.ports.clock.utc()
        every: dict[str, Any] = {"occurred_at": now, "bot_id": bot_id, "tenant_id": tenant_id, **fields}
        return kind(**every)
