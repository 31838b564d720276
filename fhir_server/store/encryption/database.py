"""Opening a database with its cipher, which it carries wherever it goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from bson import CodecOptions
from pymongo import MongoClient
from pymongo.asynchronous.database import AsyncDatabase

from fhir_server.errors import EncryptionFault
from fhir_server.settings import EncryptionSettings
from fhir_server.store.connection import Client, Database, connect
from fhir_server.store.encryption.cipher import Cipher, Clear, is_sealed
from fhir_server.store.encryption.client_side import ClientSideCipher
from fhir_server.store.encryption.key_vault import COLLECTION, KeyVault
from fhir_server.store.encryption.master_keys import master_keys

if TYPE_CHECKING:
    from pymongo.encryption import ClientEncryption

_TIMEOUT_MS = 5000
_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
_KEYS_KEPT_MS = 10 * 60 * 1000
"""How long an unwrapped data key is used without asking the key service again."""


class EncryptedDatabase(AsyncDatabase[dict[str, Any]]):
    """A database whose contents are sealed by `cipher`."""

    def __init__(self, client: Client, name: str, cipher: ClientSideCipher) -> None:
        super().__init__(client, name)
        self.cipher = cipher


def cipher_of(database: Database) -> Cipher:
    """The cipher of a database; of a plain one, one that does nothing."""
    return database.cipher if isinstance(database, EncryptedDatabase) else Clear()


@asynccontextmanager
async def open_database(
    uri: str, name: str, settings: EncryptionSettings
) -> AsyncIterator[Database]:
    """The database `name`, for as long as the context lasts.

    Raises `EncryptionFault` when the settings do not go with what the database holds.
    """
    async with connect(uri) as client:
        if settings.provider == "off":
            await _require_clear(client[name])
            yield client[name]
            return
        keys: MongoClient[dict[str, Any]] = MongoClient(
            uri, connect=False, tz_aware=True, serverSelectionTimeoutMS=_TIMEOUT_MS,
            connectTimeoutMS=_TIMEOUT_MS, appname="aimed",
        )  # fmt: skip
        try:
            encryption, cipher = await asyncio.to_thread(_cipher, keys, name, settings)
            try:
                await _require_keys(client[name])
                await asyncio.to_thread(cipher.vault.prepare)
                yield EncryptedDatabase(client, name, cipher)
            finally:
                encryption.close()
        finally:
            await asyncio.to_thread(keys.close)


def _cipher(
    keys: MongoClient[dict[str, Any]], name: str, settings: EncryptionSettings
) -> tuple[ClientEncryption[dict[str, Any]], ClientSideCipher]:
    needed = ["pymongocrypt", *(["pymongo_auth_aws"] if settings.provider == "aws" else [])]
    if not all(find_spec(one) for one in needed):
        raise EncryptionFault("Encryption needs more packages: install `aimed[encryption]`.")
    # Here, for it brings boto3 with it: a quarter of the time that a process takes to start.
    from pymongo.encryption import ClientEncryption

    masters = master_keys(settings)
    encryption: ClientEncryption[dict[str, Any]] = ClientEncryption(
        masters.providers,
        f"{name}.{COLLECTION}",
        keys,
        _CODEC,
        kms_tls_options=masters.tls,
        key_expiration_ms=_KEYS_KEPT_MS,
    )
    vault = KeyVault(encryption, keys[name].get_collection(COLLECTION), masters)
    refuse_clear = settings.unencrypted == "refuse"
    return encryption, ClientSideCipher(encryption, vault, refuse_clear=refuse_clear)


async def _require_clear(database: Database) -> None:
    if await database[COLLECTION].find_one({}, {"_id": 1}) is not None:
        raise EncryptionFault(
            "This database is encrypted: set AIMED_FHIR__ENCRYPTION__PROVIDER and the key that it "
            "was encrypted with."
        )


async def _require_keys(database: Database) -> None:
    """Refuse to make a first data key for a database whose data keys were lost."""
    if await database[COLLECTION].find_one({}, {"_id": 1}) is not None:
        return
    async for secret in database["secrets"].find():
        if is_sealed(secret.get("value")):
            raise EncryptionFault(
                f"This database is encrypted, and its collection {COLLECTION} is empty: restore it "
                "from a backup. Without it nothing can be read."
            )
