"""What a command's caller wishes beyond the command itself: how long, how safely, how patiently."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.bodies import header_of
from gateway.problems import Problem
from gateway.queries import Parameter

MIN_DEADLINE_S = 0.1
ASYNC_DEADLINE_S = 3600.0
MAX_WAIT_S = 300.0
SECONDS = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)
KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
ON_UNCERTAIN = {"report": False, "retry": True}
RESPOND_ASYNC = "respond-async"
WISHES = (
    Parameter(
        "X-Deadline-S",
        "Seconds that its caller waits: 30 unless said; an hour where it is answered at once with 202.",
        {"type": "string", "pattern": f"^{SECONDS.pattern}$", "examples": ["5"]},
        "header",
    ),
    Parameter(
        "X-On-Uncertain",
        "`retry`: rather twice than not at all.",
        {"type": "string", "enum": [*ON_UNCERTAIN], "default": "report"},
        "header",
    ),
    Parameter(
        "Idempotency-Key",
        "The command is on disk before it leaves. The same key and body again get the recorded outcome.",
        {"type": "string", "pattern": f"^{KEY.pattern}$", "examples": ["order-17"]},
        "header",
    ),
    Parameter(
        "Prefer",
        "`respond-async`: 202 as soon as the command is on disk. `wait=20` gives it 20 s before that.",
        {"type": "string", "examples": [RESPOND_ASYNC, "wait=20"]},
        "header",
    ),
)


@dataclass(frozen=True, slots=True)
class Wishes:
    deadline_s: float
    retry_uncertain: bool = False
    key: str | None = None
    wait_s: float | None = None
    """How long to wait for the outcome before a 202; None: the caller stands waiting."""

    @property
    def is_durable(self) -> bool:
        return self.key is not None or self.wait_s is not None


def wishes_in(headers: dict[bytes, bytes], default_s: float, most_s: float) -> Wishes:
    """A wish that cannot be met is a problem: nobody may believe in what is not honoured."""
    if headers.get(b"content-type", b"").lower().startswith(b"multipart/"):
        raise Problem("invalid_request", "Files are not accepted yet: send the parameters as one JSON object.")
    wait_s = _wait_s(header_of(headers, b"prefer"))
    return Wishes(
        deadline_s=_deadline_s(
            header_of(headers, b"x-deadline-s"), default_s if wait_s is None else ASYNC_DEADLINE_S, most_s
        ),
        retry_uncertain=_retry_uncertain(header_of(headers, b"x-on-uncertain")),
        key=_key(header_of(headers, b"idempotency-key")),
        wait_s=wait_s,
    )


def _deadline_s(asked: str | None, default_s: float, most_s: float) -> float:
    if asked is None:
        return default_s
    if SECONDS.fullmatch(asked) is None or not MIN_DEADLINE_S <= float(asked) <= most_s:
        raise Problem("invalid_request", f"X-Deadline-S must be seconds, from {MIN_DEADLINE_S} to {most_s:g}.")
    return float(asked)


def _retry_uncertain(asked: str | None) -> bool:
    if asked is None:
        return False
    if asked not in ON_UNCERTAIN:
        raise Problem("invalid_request", 'X-On-Uncertain must be "report" or "retry".')
    return ON_UNCERTAIN[asked]


def _key(asked: str | None) -> str | None:
    if asked is not None and KEY.fullmatch(asked) is None:
        raise Problem("invalid_request", "Idempotency-Key must be 1 to 255 printable ASCII characters without spaces.")
    return asked


def _wait_s(prefer: str | None) -> float | None:
    """RFC 7240: preferences that we do not know are ignored."""
    wait_s = None
    for preference in (prefer or "").lower().split(","):
        name, _, value = (part.strip() for part in preference.partition("="))
        if name == RESPOND_ASYNC:
            wait_s = wait_s or 0.0
        elif name == "wait":
            if SECONDS.fullmatch(value) is None or float(value) > MAX_WAIT_S:
                raise Problem("invalid_request", f"Prefer: wait must be seconds, at most {MAX_WAIT_S:g}.")
            wait_s = float(value)
    return wait_s
