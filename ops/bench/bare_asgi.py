"""The gateway's HTTP server alone, in a process of its own: it reads each body and answers 200."""

from __future__ import annotations

import asyncio
import socket

import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}


async def taken(scope: Scope, receive: Receive, send: Send) -> None:
    del scope
    while (await receive()).get("more_body"):
        pass
    await send(START)
    await send({"type": "http.response.body", "body": b""})


async def main() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        taken, loop="none", http="httptools", ws="none", lifespan="off", log_config=None, access_log=False
    )
    serving = asyncio.create_task(uvicorn.Server(config).serve(sockets=[listening]))
    print(f"listening on http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    await serving


if __name__ == "__main__":
    uvloop.run(main())
