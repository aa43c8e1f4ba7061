"""Updates in the inbox of a gateway that does not run, as if Telegram had brought them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from domain import events
from domain.store.database import database_at
from domain.store.inbox import InboxRow
from domain.store.key_file import KeyFile
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.vault import Vault
from domain.streams import day_stream
from domain.updates import read
from tests.acceptance.gateway_process import Acme, Gateway


def an_update(update_id: int, chat: int, text: str = "hello") -> bytes:
    message = {"message_id": update_id, "date": 0, "chat": {"id": chat, "type": "private"}, "text": text}
    return msgspec.json.encode({"update_id": update_id, "message": message})


def fill(gateway: Gateway, acme: Acme, updates: Sequence[bytes], age_s: float = 0.0) -> None:
    """The gateway is stopped, or was killed."""
    store = database_at(gateway.database_url).opened()
    try:
        vault, ledger = Vault(store, KeyFile(gateway.state_dir / "master.key").keys()), Ledger(store)
        at = time.time() - age_s
        stream, entries, rows = "", [], []
        for body in updates:
            update = read(body)
            event = events.UpdateReceived(
                occurred_at=datetime.fromtimestamp(at, UTC),
                bot_id=acme.bot_id,
                tenant_id=acme.tenant_id,
                update_id=update.update_id,
                kind=update.kind,
                via="webhook",
                chat=update.chat,
                chat_type=update.chat_type,
            )
            stream = day_stream(event)
            entries.append(event)
            sealed = vault.seal(acme.tenant_id, f"update/{acme.bot_id}", body)
            rows.append(InboxRow(acme.bot_id, update.update_id, at, update.lane, sealed))
        version = ledger.last_version(stream)
        ledger.append([Entry(stream, version + n, event) for n, event in enumerate(entries, 1)], inbox=rows)
    finally:
        store.close()
