"""How a fault looks on the wire: connections closed or reset, answers cut, broken, lost or never given."""

from __future__ import annotations

import asyncio
import os
import socket
import struct

import msgspec
from aiohttp import web

from ops.sandbox import errors
from ops.sandbox.faults import Fault
from ops.sandbox.replies import Reply, html, refusal

BROKEN_JSON = b'{"ok":true,"result":{"message_id":'
MISSING_BYTES = 64
OK, TOO_MANY_REQUESTS, BAD_GATEWAY = 200, 429, 502
RESET_AT_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER: on, and no time to linger, which makes closing a reset."""


def refusing_reply(fault: Fault) -> Reply:
    """The answer of the faults that are an honest "no"."""
    if fault.kind == "flood" or fault.status == TOO_MANY_REQUESTS:
        answer = errors.too_many_requests(fault.retry_after)
    elif fault.status in errors.HTML_STATUSES:
        return html(fault.status)
    else:
        answer = errors.usual(fault.status)
    if fault.description is not None:
        answer.description = fault.description
    reply = refusal(answer)
    answer.parameters = answer.parameters if fault.with_parameters else None
    return msgspec.structs.replace(reply, body=answer.body())


async def spoil(
    fault: Fault, request: web.BaseRequest, reply: Reply | None, gone: asyncio.Future[None]
) -> Reply | None:
    """What is answered instead, or None when the connection is gone. `reply` is None when the call had no effect."""
    match fault.kind:
        case "status" | "flood":
            return refusing_reply(fault)
        case "lost_ok":
            return html(BAD_GATEWAY)
        case "html":
            return html(OK)
        case "malformed":
            return Reply(OK, BROKEN_JSON)
        case "truncated":
            _cut(request, b"" if reply is None else reply.body)
        case "hang_before" | "hang_after":
            await gone
            _reset(request)
        case "reset_before" | "reset_after":
            _reset(request)
        case _:
            _close(request)
    return None


def _close(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.close()


def _cut(request: web.BaseRequest, body: bytes) -> None:
    if request.transport is not None:
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body) + MISSING_BYTES}\r\n\r\n"
        )
        request.transport.write(head.encode() + body)
        request.transport.close()


def _reset(request: web.BaseRequest) -> None:
    transport = request.transport
    if transport is None:
        return
    # A duplicate of the descriptor: the option belongs to the socket, and uvloop lends no setsockopt of its own.
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    transport.abort()
