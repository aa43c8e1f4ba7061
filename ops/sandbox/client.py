"""Drives a sandbox from a test or a demo: small synchronous calls, and a sandbox in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

ANSWER_WITHIN_S = 30
STOP_WITHIN_S = 15
LISTENING = re.compile(r"sandbox listening on (\S+)")

# Loopback only: a proxy from the environment must never get between a test and its sandbox.
_open = build_opener(ProxyHandler({})).open

State = str | Mapping[str, int]


class NewBot(NamedTuple):
    bot_id: int
    token: str
    username: str


class SandboxError(Exception):
    """The control face refused, or the sandbox did not start or stop as it should."""


class SandboxClient:
    def __init__(self, base_url: str, pid: int | None = None) -> None:
        """`pid`: of a sandbox that has a process of its own."""
        self.base_url = base_url.rstrip("/")
        self.pid = pid

    def add_bot(
        self, *, token: str | None = None, username: str | None = None, first_name: str | None = None
    ) -> NewBot:
        wanted = {"token": token, "username": username, "first_name": first_name}
        return NewBot(**self._ask("POST", "bots", wanted))

    def bots(self) -> list[dict[str, Any]]:
        return self._list("bots", "bots")

    def rename(self, bot_id: int, *, username: str | None = None, first_name: str | None = None) -> None:
        self._ask("PATCH", f"bots/{bot_id}", {"username": username, "first_name": first_name})

    def revoke(self, bot_id: int) -> None:
        self._ask("POST", f"bots/{bot_id}/revoke")

    def issue_token(self, bot_id: int) -> str:
        return NewBot(**self._ask("POST", f"bots/{bot_id}/token")).token

    def set_chat(self, chat_id: int, state: State, *, bot_id: int | None = None) -> None:
        self._ask("POST", "chats", {"chat_id": chat_id, "state": state, "bot_id": bot_id})

    def fault(self, kind: str, **details: Any) -> int:
        """`details` as the control face takes them: bot_id, method, chat_id, times, probability, status, ..."""
        return int(self._ask("POST", "faults", {"kind": kind, **details})["fault_id"])

    def faults(self) -> list[dict[str, Any]]:
        return self._list("faults", "faults")

    def remove_fault(self, fault_id: int) -> None:
        self._ask("DELETE", f"faults/{fault_id}")

    def clear_faults(self) -> None:
        self._ask("DELETE", "faults")

    def flood(self, *, enabled: bool = True, **limits: float) -> None:
        """`limits`: bot_rps, chat_rps, chat_burst, group_rpm."""
        self._ask("POST", "flood", {"enabled": enabled, **limits})

    def chat(self, bot_id: int, chat_id: int) -> dict[str, Any]:
        return self._ask("GET", f"chats/{chat_id}?bot_id={bot_id}")

    def messages(self, bot_id: int, chat_id: int | None = None) -> list[dict[str, Any]]:
        """What the users see now, of one chat or of all chats of the bot."""
        path = f"messages?bot_id={bot_id}" if chat_id is None else f"chats/{chat_id}?bot_id={bot_id}"
        return self._list(path, "messages")

    def texts(self, bot_id: int, chat_id: int | None = None) -> list[str | None]:
        return [message["text"] for message in self.messages(bot_id, chat_id)]

    def sent(self, bot_id: int) -> int:
        """How many messages were ever posted, deleted ones too."""
        return int(self._ask("GET", f"messages?bot_id={bot_id}")["sent"])

    def calls(self, bot_id: int | None = None, method: str | None = None, since: int = 0) -> list[dict[str, Any]]:
        """Those after call number `since`, in the order in which they arrived."""
        asked = {"bot_id": bot_id, "method": method, "since": since}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return self._list(f"calls?{query}", "calls")

    def clear_calls(self) -> None:
        self._ask("DELETE", "calls")

    def say(self, bot_id: int, chat_id: int, text: str, *, user_id: int | None = None, count: int = 1) -> list[int]:
        """A user writes to the bot; gives the ids of the updates."""
        said = {"bot_id": bot_id, "chat_id": chat_id, "text": text, "user_id": user_id, "count": count}
        return [int(update_id) for update_id in self._ask("POST", "say", said)["update_ids"]]

    def update(self, bot_id: int, update: Mapping[str, Any]) -> int | None:
        """A raw update; None when the bot does not want its kind."""
        update_id = self._ask("POST", "updates", {"bot_id": bot_id, "update": dict(update)})["update_id"]
        return None if update_id is None else int(update_id)

    def stats(self) -> dict[str, Any]:
        return self._ask("GET", "stats")

    def _list(self, path: str, name: str) -> list[dict[str, Any]]:
        return list(self._ask("GET", path)[name])

    def _ask(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> dict[str, Any]:
        body = None if content is None else json.dumps(content).encode()
        request = Request(f"{self.base_url}/_sandbox/{path}", data=body, method=method)  # noqa: S310  always http
        try:
            with _open(request, timeout=ANSWER_WITHIN_S) as response:
                answer: dict[str, Any] = json.load(response)
        except HTTPError as refused:
            with refused:
                raise SandboxError(f"{method} {path}: {json.load(refused)['error']}") from None
        return answer


@contextmanager
def running_sandbox(
    *, is_open: bool = False, flood: bool = False, keep_calls: bool = True, retry_base_s: float | None = None
) -> Iterator[SandboxClient]:
    """A sandbox in a process of its own; it has to end well when it is told to."""
    flags = [
        *(["--open"] if is_open else []),
        *(["--flood"] if flood else []),
        *([] if keep_calls else ["--no-calls"]),
        *([] if retry_base_s is None else ["--retry-base-s", str(retry_base_s)]),
    ]
    command = [sys.executable, "-m", "ops.sandbox", "--port", "0", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  our own module
        try:
            line = "" if process.stdout is None else process.stdout.readline()
            found = LISTENING.match(line)
            if found is None:
                raise SandboxError(f"the sandbox did not start: {line!r}")
            yield SandboxClient(found[1], process.pid)
        finally:
            process.terminate()
            try:
                code = process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    if code != 0:
        raise SandboxError(f"the sandbox ended with {code}")
