"""Which keys open the vault, what is derived from them, and bots' tokens in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from actors.fleet import read_bot
from actors.introductions import token_purpose
from domain.bot import Bot, Identity
from domain.errors import Shredded, StoreError, WrongMasterKey
from domain.ownership import identity_of
from domain.rules.tokens import Token, parse
from domain.store.key_file import KeyFile
from domain.store.ledger import Ledger
from domain.store.rotation import Rotation
from domain.store.store import Store
from domain.store.vault import Vault
from ops.settings import Settings


def opened_vault(settings: Settings, store: Store, removed: Collection[str] = ()) -> tuple[Vault, Rotation]:
    """`removed`: tenants whose data keys are gone, or must go.

    Raises WrongMasterKey, and StoreUnusable where the key's file cannot be read or made. Then nothing was made.
    """
    file, keys = _file_of(settings), _of_settings(settings)
    if not keys:
        if not file.path.exists() and store.data_keys.all():
            raise WrongMasterKey(
                f"{file.path} is gone. Put it back from where you keep a copy, or set BOTLOFT_MASTER_KEYS to the key: "
                "what is sealed in the database opens with nothing else."
            )
        try:
            vault = Vault(store, file.made(), removed)
        except WrongMasterKey as error:
            raise WrongMasterKey(f"{error.detail} Put the {file.path} back that belongs to this database.") from None
        return vault, Rotation(store, vault, file)
    try:
        vault = Vault(store, keys, removed)
    except WrongMasterKey as error:
        raise WrongMasterKey(f"{error.detail} {_way_out(store, keys, file, removed)}") from None
    return vault, Rotation(store, vault, None)


def _way_out(store: Store, keys: Sequence[bytes], file: KeyFile, removed: Collection[str]) -> str:
    try:
        Vault(store, [*keys, *file.keys()], removed)
    except StoreError:
        return "Set BOTLOFT_MASTER_KEYS to the keys it was made with, newest first, with commas between them."
    return (
        f"The key in {file.path} opens it: append it to BOTLOFT_MASTER_KEYS (new,old) and run `botloft vault rotate` "
        "to be rid of it, or unset BOTLOFT_MASTER_KEYS to go on with the file."
    )


def session_keys(settings: Settings) -> list[bytes]:
    """What signs browser sessions: of each master key one, from which it cannot be told."""
    keys = _of_settings(settings) or _file_of(settings).keys()
    return [HKDF(SHA256(), 32, salt=None, info=b"botloft session").derive(key) for key in keys]


def _of_settings(settings: Settings) -> list[bytes]:
    return [key.get_secret_value().encode() for key in settings.master_keys]


def _file_of(settings: Settings) -> KeyFile:
    return KeyFile(settings.state_dir / "master.key")


def bot_and_token(ledger: Ledger, vault: Vault, bot_id: int) -> tuple[Bot, Token | None]:
    bot = read_bot(ledger, bot_id)
    return bot, token_of(vault, bot_id, bot.owner)


def bot_and_token_of(ledger: Ledger, vault: Vault, bot_id: int, tenant_id: str) -> tuple[Bot, Token | None]:
    """As this tenant has registered it, be it the owner or a claimant."""
    bot = read_bot(ledger, bot_id)
    return bot, token_of(vault, bot_id, identity_of(bot, tenant_id))


def token_of(vault: Vault, bot_id: int, who: Identity | None) -> Token | None:
    """None where nobody has it, or where nobody can open it any more."""
    if who is None:
        return None
    try:
        return parse(vault.open(who.tenant_id, token_purpose(bot_id), who.token_sealed).decode())
    except Shredded:
        return None


def sealed_token(vault: Vault, tenant_id: str, token: Token) -> bytes:
    return vault.seal(tenant_id, token_purpose(token.bot_id), token.reveal().encode())
