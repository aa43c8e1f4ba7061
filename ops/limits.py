"""What the settings of limits say: rates of single methods, and where limits are kept."""

from __future__ import annotations

import difflib
import math
from importlib.util import find_spec
from urllib.parse import urlsplit

from pydantic import SecretStr

from domain.methods import METHODS, method_named

SCHEMES = ("redis", "rediss")
MEMORY = "memory"


def by_method(text: str) -> dict[str, float]:
    """Of `createForumTopic=0.5,sendDocument=5`. ValueError names what is wrong."""
    found: dict[str, float] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, _, rps = (one.strip() for one in part.partition("="))
        method = method_named(name)
        if method is None:
            near = difflib.get_close_matches(name.lower(), METHODS, 1)
            hint = f" Did you mean {METHODS[near[0]].name}?" if near else ""
            raise ValueError(f"the Bot API has no method {name or part}.{hint}")
        if method.name in found:
            raise ValueError(f"{method.name} is there twice")
        found[method.name] = _rate(method.name, rps)
    return found


def storage(uri: SecretStr) -> SecretStr | None:
    """None: in this process's memory. ValueError says why not, without the address: it may hold a password."""
    text = uri.get_secret_value().strip()
    scheme = text.partition("://")[0].lower()
    if text == "" or scheme == MEMORY:
        return None
    if scheme not in SCHEMES:
        raise ValueError("must be memory://, or begin with redis:// or rediss://")
    try:
        is_address = bool(urlsplit(text).hostname) and urlsplit(text).port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise ValueError("is no address: write redis://host:6379/0")
    if find_spec("redis") is None:
        raise ValueError('needs the Redis client, which is not installed: pip install "botloft[redis]"')
    return SecretStr(text)


def without_password(uri: SecretStr) -> str:
    parts = urlsplit(uri.get_secret_value())
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _rate(method: str, text: str) -> float:
    try:
        rps = float(text)
    except ValueError:
        rps = 0.0
    if not 0 < rps < math.inf:
        raise ValueError(f"{method} needs requests per second above 0, like {method}=0.5")
    return rps
