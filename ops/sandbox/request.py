"""From an HTTP request to the parameters of a call: query, urlencoded, JSON and multipart."""

from __future__ import annotations

from urllib.parse import unquote

import msgspec
from aiohttp import BodyPartReader, web

from ops.sandbox.errors import bad_request, usual
from ops.sandbox.params import Params, Upload


async def parameters_of(request: web.BaseRequest) -> Params:
    try:
        return await _read(request)
    except web.HTTPRequestEntityTooLarge:
        raise usual(web.HTTPRequestEntityTooLarge.status_code) from None
    except UnicodeDecodeError:
        raise bad_request("Bad Request: strings must be encoded in UTF-8") from None


async def _read(request: web.BaseRequest) -> Params:
    params: Params = dict(request.query) if request.query_string else {}
    if not request.body_exists:
        return params
    kind = request.headers.get("Content-Type", "")
    if kind.startswith("multipart/"):
        params.update(await _multipart(request))
        return params
    body = await request.read()
    if kind.startswith("application/json"):
        params.update(_json(body))
    else:
        params.update(_urlencoded(body.decode()))
    return params


def _json(body: bytes) -> Params:
    if not body:
        return {}
    try:
        return msgspec.json.decode(body, type=Params)
    except msgspec.DecodeError:
        raise bad_request("Bad Request: can't parse JSON object") from None


def _urlencoded(body: str) -> Params:
    # By hand: most calls come this way, and parse_qsl costs several times as much.
    params: Params = {}
    for pair in body.replace("+", " ").split("&"):
        name, _, value = pair.partition("=")
        params[unquote(name) if "%" in name else name] = unquote(value) if "%" in value else value
    return params


async def _multipart(request: web.BaseRequest) -> Params:
    params: Params = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        if part.filename is None:
            params[part.name] = (await part.read()).decode()
            continue
        size = 0
        while chunk := await part.read_chunk():
            size += len(chunk)
        params[part.name] = Upload(part.filename, size)
    return params
