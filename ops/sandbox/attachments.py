"""What a message holds besides text, by the method that sends it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from ops.sandbox import params as p
from ops.sandbox.errors import bad_request
from ops.sandbox.params import Params, Upload
from ops.sandbox.world import World

Content = dict[str, Any]


def uploaded(params: Params, value: object) -> Upload | None:
    if isinstance(value, str) and value.startswith("attach://"):
        value = params.get(value.removeprefix("attach://"))
    return value if isinstance(value, Upload) else None


def file_of(world: World, params: Params, name: str, value: object) -> Content:
    """The file that a parameter names: one that came along, a file_id used again, or an address."""
    upload = uploaded(params, value)
    serial = world.serial()
    made_up = {"file_id": f"BQACAgIAAxkDAAM{serial:012x}", "file_unique_id": f"AgAD{serial:012x}"}
    if upload is not None:
        return {**made_up, "file_size": upload.size, "file_name": upload.name}
    if not isinstance(value, str) or not value:
        raise bad_request(f"Bad Request: there is no {name.replace('_', ' ')} in the request")
    if "://" in value:
        return {**made_up, "file_name": value.rsplit("/", 1)[-1]}
    return {"file_id": value, "file_unique_id": f"AgAD{value[-12:]}"}


def media(world: World, params: Params, kind: str, value: object) -> Content:
    file = file_of(world, params, kind, value)
    if kind == "photo":
        file.pop("file_name", None)
        small = {"file_id": f"{file['file_id']}s", "file_unique_id": f"{file['file_unique_id']}s"}
        return {"photo": [{**small, "width": 90, "height": 67}, {**file, "width": 800, "height": 600}]}
    if kind in {"voice", "video_note", "sticker"}:
        file.pop("file_name", None)
    extra = {name: made(params) for name, made in ABOUT_MEDIA.get(kind, {}).items()}
    shown = {kind: {**file, **extra}}
    # Telegram shows an animation as a document too, for clients of old.
    return {**shown, "document": file} if kind == "animation" else shown


def _given(name: str, default: int) -> Callable[[Params], Any]:
    return lambda params: p.integer(params, name, default)


def _fixed(value: object) -> Callable[[Params], Any]:
    return lambda _: value


FRAME = {"width": _given("width", 640), "height": _given("height", 360), "duration": _given("duration", 1)}
ABOUT_MEDIA: dict[str, dict[str, Callable[[Params], Any]]] = {
    "video": FRAME,
    "animation": FRAME,
    "audio": {"duration": _given("duration", 1)},
    "voice": {"duration": _given("duration", 1)},
    "video_note": {"length": _given("length", 240), "duration": _given("duration", 1)},
    "sticker": {
        "type": _fixed("regular"),
        "width": _fixed(512),
        "height": _fixed(512),
        "is_animated": _fixed(value=False),
        "is_video": _fixed(value=False),
    },
}


def location(_: World, params: Params) -> Content:
    if "latitude" not in params or "longitude" not in params:
        raise bad_request("Bad Request: invalid location specified")
    return {"location": {"latitude": p.number(params, "latitude"), "longitude": p.number(params, "longitude")}}


def venue(world: World, params: Params) -> Content:
    place = location(world, params)
    return {**place, "venue": {**place, "title": p.text(params, "title"), "address": p.text(params, "address")}}


def contact(_: World, params: Params) -> Content:
    phone = p.text(params, "phone_number")
    if not phone:
        raise bad_request("Bad Request: phone number is empty")
    return {"contact": {"phone_number": phone, "first_name": p.text(params, "first_name")}}


def poll(world: World, params: Params) -> Content:
    options = p.structure(params, "options")
    if not isinstance(options, list) or not options:
        raise bad_request("Bad Request: poll must have at least 1 option")
    texts = [option.get("text", "") if isinstance(option, dict) else str(option) for option in options]
    return {
        "poll": {
            "id": str(world.serial()),
            "question": p.text(params, "question"),
            "options": [
                {"persistent_id": str(n), "text": text, "voter_count": 0} for n, text in enumerate(texts, start=1)
            ],
            "total_voter_count": 0,
            "is_closed": p.flag(params, "is_closed"),
            "is_anonymous": p.flag(params, "is_anonymous", default=True),
            "type": p.text(params, "type") or "regular",
            "allows_multiple_answers": p.flag(params, "allows_multiple_answers"),
            "allows_revoting": p.flag(params, "allows_revoting", default=True),
            "members_only": p.flag(params, "members_only"),
        }
    }


SIDES = {"🎰": 64, "🏀": 5, "⚽": 5}


def dice(_: World, params: Params) -> Content:
    emoji = p.text(params, "emoji") or "🎲"
    return {"dice": {"emoji": emoji, "value": random.randint(1, SIDES.get(emoji, 6))}}


WITHOUT_A_FILE: dict[str, Callable[[World, Params], Content]] = {
    "sendLocation": location,
    "sendVenue": venue,
    "sendContact": contact,
    "sendPoll": poll,
    "sendDice": dice,
}

WITH_A_FILE = {
    "sendPhoto": "photo",
    "sendDocument": "document",
    "sendVideo": "video",
    "sendAudio": "audio",
    "sendVoice": "voice",
    "sendAnimation": "animation",
    "sendSticker": "sticker",
    "sendVideoNote": "video_note",
}
