"""Everything that a tenant can ask about a thing: about another tenant's, and about one that never was."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import httpx
import msgspec

from tests.examples import BOT_ID
from tests.gateway.test_auth import OF_A_BOT

NONE: Mapping[str, str] = MappingProxyType({})
POSITION = re.compile(rb"position \d+")
"""How far the log is, which is as much a matter of the moment as a date."""


class Ask(NamedTuple):
    """`<bot>`, `<command>`, `<key>` and `<tenant>` stand for what is asked about."""

    method: str
    path: str
    body: str = ""
    headers: Mapping[str, str] = NONE

    def about(self, client: httpx.Client, things: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """The answer, without what the caller sent."""
        request = client.build_request(
            self.method,
            _named(self.path, things),
            content=_named(self.body, things).encode(),
            headers={name: _named(value, things) for name, value in self.headers.items()},
        )
        answer = client.send(request, stream=True)
        chunks = answer.iter_raw()
        # A live stream has no end: what it begins with is its answer.
        content = next(chunks, b"") if "event-stream" in answer.headers.get("content-type", "") else b"".join(chunks)
        answer.close()
        for name, value in things.items():
            content = content.replace(value.encode(), name.encode())
        told = {name: "" if name == "botloft-position" else value for name, value in answer.headers.items()}
        return answer.status_code, told, POSITION.sub(b"position", content)


def _named(text: str, things: Mapping[str, str]) -> str:
    for name, value in things.items():
        text = text.replace(name, value)
    return text


def _whatif(**about: str) -> str:
    hour = {"from": "2026-07-01T00:00:00Z", "to": "2026-07-01T01:00:00Z", "policy": {"bot_rps": 5}}
    return msgspec.json.encode({**hour, **about}).decode().replace('"<bot>"', "<bot>")


def _of_a_bot() -> list[Ask]:
    """Every route below a bot is in the table of keys, so a new one is in here."""
    asks = []
    for method, path, body, _ in OF_A_BOT:
        content = "" if body is None else msgspec.json.encode(body).decode()
        asks.append(Ask(method, path.replace(str(BOT_ID), "<bot>"), content))
    return asks


READS = [ask.path for ask in _of_a_bot() if ask.method == "GET"]
QUESTIONS = ("summary", "trends", "errors", "chats", "methods")
SENDING = "/api/bots/<bot>/commands/sendMessage"
HELLO = '{"chat_id": 1, "text": "hello"}'

ASKS = [
    *_of_a_bot(),
    *(Ask("GET", f"{path}?{moment}") for path in READS for moment in ("as_of=1", "at_least=1")),
    *(Ask("POST", path, "{}") for path in READS),
    *(Ask("POST", SENDING, body) for body in (HELLO, "{}", "nonsense")),
    Ask("POST", SENDING, HELLO, {"Idempotency-Key": "order-17"}),
    Ask("POST", SENDING, HELLO, {"Prefer": "respond-async"}),
    Ask("PATCH", "/api/bots/<bot>", '{"callback_url": "https://acme.example/updates"}'),
    Ask("PATCH", "/api/bots/<bot>", '{"updates": "webhook"}'),
    *(Ask(method, "/api/commands/<command>") for method in ("GET", "DELETE", "POST", "HEAD")),
    Ask("GET", "/api/commands/<command>?at_least=1"),
    Ask("DELETE", "/api/keys/<key>"),
    Ask("POST", "/api/keys/<key>/rotate", "{}"),
    *(Ask("GET", f"/api/analytics/{name}?bot_id=<bot>") for name in (*QUESTIONS, "tenants")),
    *(Ask("GET", f"/api/analytics/{name}?tenant_id=<tenant>") for name in (*QUESTIONS, "tenants")),
    *(Ask("GET", f"/api/events{way}?bot_id=<bot>") for way in ("", "/stream")),
    *(Ask("GET", f"/api/events{way}?bot_id=<bot>&after=0") for way in ("", "/stream")),
    *(Ask("GET", f"/api/events{way}?tenant_id=<tenant>") for way in ("", "/stream")),
    Ask("POST", "/api/whatif", _whatif(bot_id="<bot>")),
    Ask("POST", "/api/whatif", _whatif(tenant_id="<tenant>")),
    Ask("GET", "/admin/tenants/<tenant>"),
    Ask("GET", "/admin/tenants/<tenant>/keys"),
    Ask("DELETE", "/admin/tenants/<tenant>/keys/<key>?reason=why"),
    Ask("GET", "/admin/bots?tenant_id=<tenant>"),
    Ask("POST", "/admin/bots/<bot>/suspend", '{"reason": "abuse"}'),
    Ask("GET", "/admin/system/bot-health/<bot>"),
    # Who has no key, or one that is like another's.
    Ask("GET", "/api/bots/<bot>", headers={"Authorization": ""}),
    Ask("GET", "/api/bots", headers={"Authorization": "Bearer <forged>"}),
    *(
        Ask(method, "/webhook/<webhook>", "{}", {"Authorization": "", "X-Telegram-Bot-Api-Secret-Token": secret})
        for method in ("POST", "GET", "OPTIONS")
        for secret in ("", "guessed")
    ),
]
