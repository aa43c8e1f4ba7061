"""A light check of MarkdownV2: the characters which Telegram reserves, and spans that never end."""

from __future__ import annotations

import re

from ops.sandbox.errors import Refusal, bad_request

ENTITY_OF = {
    "*": "Bold",
    "_": "Italic",
    "__": "Underline",
    "~": "Strikethrough",
    "||": "Spoiler",
    "[": "TextUrl",
    "`": "Code",
}
OPAQUE = re.compile(r"(?s)\\.|```.*?```|`(?:\\.|[^`\\])*`|\]\((?:\\.|[^)\\])*\)")
"""Where nothing has to be escaped: what is escaped already, code, and the address of a link."""

SPECIAL = re.compile(r"\|\||__|[*_~\[\]`]|[#+\-={}.()|]|!(?!\[)|(?<![\n*|])(?<!\A)>")


def problem_in(text: str, parse_mode: str) -> Refusal | None:
    if parse_mode.lower() != "markdownv2":
        return None
    complaint = _complaint(text)
    return None if complaint is None else bad_request(f"Bad Request: can't parse entities: {complaint}")


def _complaint(text: str) -> str | None:
    opened: dict[str, int] = {}
    for found in SPECIAL.finditer(OPAQUE.sub(_blank, text)):
        mark = found[0]
        opener = "[" if mark == "]" else mark
        if opener in opened:
            del opened[opener]
        elif mark in ENTITY_OF:
            opened[mark] = found.start()
        else:
            return f"Character '{mark}' is reserved and must be escaped with the preceding '\\'"
    for mark, at in opened.items():
        return f"Can't find end of {ENTITY_OF[mark]} entity at byte offset {len(text[:at].encode())}"
    return None


def _blank(found: re.Match[str]) -> str:
    # The end of a link still ends it; all else keeps its length, so that places stay what they are.
    return found[0][0].replace("\\", " ").replace("`", " ") + " " * (len(found[0]) - 1)
