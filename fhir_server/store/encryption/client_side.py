"""The cipher: pymongo's `ClientEncryption` with AEAD_AES_256_CBC_HMAC_SHA_512-Random.

It takes 0.1 ms for a small value and 8 to 40 ms for a megabyte, and looks into the key vault, or
asks the key service, when a key is not in its memory. So all of it happens in threads, all values
of a page or a transaction in one go.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pymongo.errors import ConnectionFailure, EncryptionError

from fhir_server.errors import EncryptionFault
from fhir_server.store.encryption.algorithm import RANDOM
from fhir_server.store.encryption.cipher import Placed, is_empty, is_sealed
from fhir_server.store.encryption.key_vault import DataKey, KeyVault

if TYPE_CHECKING:
    from pymongo.encryption import ClientEncryption

LOOK_EVERY = 2.0
"""Seconds after which a process has noticed that there is a newer data key."""


class ClientSideCipher:
    """Seals with the newest data key; opens what any key of the vault has sealed."""

    def __init__(
        self,
        encryption: ClientEncryption[dict[str, Any]],
        vault: KeyVault,
        *,
        refuse_clear: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.vault = vault
        self._encryption = encryption
        self._refuse_clear = refuse_clear
        self._monotonic = monotonic
        self._current: DataKey | None = None
        self._looked = 0.0

    async def seal(self, values: Sequence[Placed]) -> list[Any]:
        """Each value encrypted, but for empty ones."""
        if all(is_empty(one.value) for one in values):
            return [one.value for one in values]
        return await asyncio.to_thread(self._seal, values)

    async def open(self, values: Sequence[Placed], *, accept_clear: bool = False) -> list[Any]:
        """Each value decrypted. Raises `EncryptionFault` for one that is not of its place."""
        if self._refuse_clear and not accept_clear:
            for one in values:
                if not is_sealed(one.value) and not is_empty(one.value):
                    raise EncryptionFault(
                        f"{one.place} is not encrypted: `aimed keys reencrypt` has not been over "
                        "it, or it was put there past this server."
                    )
        if not any(is_sealed(one.value) for one in values):
            return [one.value for one in values]
        return await asyncio.to_thread(lambda: [self._opened(one) for one in values])

    def _seal(self, values: Sequence[Placed]) -> list[Any]:
        key = self._key()
        return [one.value if is_empty(one.value) else self._sealed(one, key) for one in values]

    def _sealed(self, one: Placed, key: DataKey) -> Any:
        bound = {"place": one.place, "value": one.value}
        try:
            return self._encryption.encrypt(bound, RANDOM, key_id=key.id)
        except EncryptionError as error:
            raise fault(error, one.place) from None

    def _opened(self, one: Placed) -> Any:
        if not is_sealed(one.value):
            return one.value
        try:
            bound = self._encryption.decrypt(one.value)
        except EncryptionError as error:
            raise fault(error, one.place) from None
        if not isinstance(bound, dict) or bound.get("place") != one.place:
            raise EncryptionFault(f"What is stored as {one.place} was encrypted for another place.")
        return bound["value"]

    def _key(self) -> DataKey:
        now = self._monotonic()
        if self._current is None or now - self._looked >= LOOK_EVERY:
            self._current = self.vault.current()
            self._looked = now
        return self._current


def fault(error: EncryptionError, place: str) -> Exception:
    """What to tell of a failure of libmongocrypt, whose own words may quote a key service.

    An outage of the database stays what it is.
    """
    if isinstance(error.cause, ConnectionFailure):
        return error.cause
    text = str(error)
    if "is not configured" in text:
        reason = "its data key is under a master key that the settings do not name"
    elif "not all keys requested were satisfied" in text:
        reason = "its data key is not in the collection data_keys"
    elif "HMAC validation failure" in text:
        reason = "it is not what was encrypted, or the master key is another one"
    else:
        reason = "the key service does not give its data key"
    return EncryptionFault(f"{place} cannot be encrypted or decrypted: {reason}.")
