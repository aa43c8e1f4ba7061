"""Posts to addresses that operators and tenants name. Not Telegram's session: that one may be what has failed."""

from __future__ import annotations

import aiohttp
import structlog

TIMEOUT_S = 10.0

log = structlog.get_logger()


class Poster:
    """Made on the loop that it will run on; whoever makes it closes it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S), cookie_jar=aiohttp.DummyCookieJar()
        )

    async def __call__(self, body: bytes, headers: dict[str, str]) -> bool:
        try:
            async with self._session.post(
                self._url, data=body, headers={**headers, "Content-Type": "application/json"}, allow_redirects=False
            ) as response:
                if response.ok:
                    return True
                log.warning("post_refused", status=response.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # The class alone: a text may name the address, and the address may hold a secret.
            log.warning("post_failed", error=type(error).__name__)
        return False

    async def close(self) -> None:
        await self._session.close()
