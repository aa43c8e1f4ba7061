"""Signatures of what we post to others, after the Standard Webhooks specification."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32


def secret_of(chance: bytes) -> str:
    """A secret as its owner gets it."""
    return PREFIX + base64.b64encode(chance).decode()


def is_secret(text: str) -> bool:
    """Whether it can sign: what begins like one of the specification must be one."""
    if not text.startswith(PREFIX):
        return bool(text)
    try:
        return bool(base64.b64decode(text.removeprefix(PREFIX), validate=True))
    except ValueError:
        return False


def signed(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that prove who sent this body. `secret` is any text, or `whsec_` and base64."""
    key = base64.b64decode(secret.removeprefix(PREFIX)) if secret.startswith(PREFIX) else secret.encode()
    seconds = str(int(at.timestamp()))
    content = b".".join((message_id.encode(), seconds.encode(), body))
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {"webhook-id": message_id, "webhook-timestamp": seconds, "webhook-signature": f"v1,{signature}"}
