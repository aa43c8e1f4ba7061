"""Three commands to paste into another terminal."""

from __future__ import annotations

from ops.demo.caller import Bot


def hints(url: str, bot: Bot) -> list[str]:
    authorization = f'-H "Authorization: Bearer {bot.tenant.key}"'
    of_bot = f"{url}/api/bots/{bot.bot_id}"
    return [
        f"curl -s -X POST {of_bot}/commands/getMe {authorization}",
        f"curl -s {of_bot}/commands/sendMessage {authorization} "
        """-H "Content-Type: application/json" -d '{"chat_id": 42, "text": "hello"}'""",
        f"curl -s {of_bot}/health {authorization}",
    ]
