"""The data keys of a database, in its collection `data_keys`, each wrapped by a master key.

    {_id: UUID, keyAltNames: ["aimed-3"], keyMaterial, creationDate, updateDate, status, masterKey}

is MongoDB's own format. The number in the name counts the keys: the highest seals what is written.
All methods block; they run in threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bson import Binary
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, EncryptionError

from fhir_server.errors import EncryptionFault
from fhir_server.store.encryption.algorithm import RANDOM
from fhir_server.store.encryption.master_keys import MasterKeys

if TYPE_CHECKING:
    from pymongo.encryption import ClientEncryption

COLLECTION = "data_keys"
_NAME = "aimed-"


@dataclass(frozen=True)
class DataKey:
    """A data key; `master` names what it is wrapped by."""

    id: Binary
    number: int
    created: datetime
    master: str


class KeyVault:
    """Making, listing and wrapping again."""

    def __init__(
        self,
        encryption: ClientEncryption[dict[str, Any]],
        keys: Collection[dict[str, Any]],
        masters: MasterKeys,
    ) -> None:
        self._encryption = encryption
        self._keys = keys
        self._masters = masters

    def prepare(self) -> None:
        """Make the first key if there is none, and see that every one can be used.

        Raises `EncryptionFault` that says what is missing.
        """
        self._keys.create_index([("keyAltNames", 1)], name="names", unique=True)
        if not self.all():
            self.add()
        for key in self.all():
            self._require_usable(key)

    def all(self) -> list[DataKey]:
        """Every key, oldest first."""
        found = [_data_key(one) for one in self._keys.find({"keyAltNames": {"$exists": True}})]
        return sorted((one for one in found if one), key=lambda one: one.number)

    def current(self) -> DataKey:
        """The key that seals. Raises `EncryptionFault` when there is none at all."""
        keys = self.all()
        if not keys:
            raise EncryptionFault(f"The collection {COLLECTION} is empty: restore it.")
        return keys[-1]

    def add(self) -> None:
        """Make the next key; nothing happens when another process does so at the same time."""
        numbers = [one.number for one in self.all()]
        name = f"{_NAME}{max(numbers, default=0) + 1}"
        try:
            self._encryption.create_data_key(
                self._masters.provider, self._masters.master_key, key_alt_names=[name]
            )
        except EncryptionError as error:
            if not isinstance(error.cause, DuplicateKeyError):
                raise EncryptionFault(self._masters.refusal) from None

    def wrap_again(self) -> int:
        """Wrap every data key by the master key of the settings; how many there are."""
        try:
            done = self._encryption.rewrap_many_data_key(
                {}, provider=self._masters.provider, master_key=self._masters.master_key
            )
        except EncryptionError:
            raise EncryptionFault(self._masters.refusal) from None
        return done.bulk_write_result.matched_count if done.bulk_write_result else 0

    def _require_usable(self, key: DataKey) -> None:
        if not self._masters.knows(key.master):
            raise EncryptionFault(
                f"The data key {key.number} of this database is wrapped by the master key "
                f"{key.master}, which the settings do not name: set AIMED_FHIR__ENCRYPTION__... "
                "to that one, or name it as the previous key."
            )
        try:
            self._encryption.encrypt("", RANDOM, key_id=key.id)
        except EncryptionError:
            raise EncryptionFault(self._masters.refusal) from None


def _data_key(found: dict[str, Any]) -> DataKey | None:
    master = found["masterKey"]
    numbers = [one.removeprefix(_NAME) for one in found["keyAltNames"] if one.startswith(_NAME)]
    if not numbers or not numbers[0].isdigit():
        return None
    return DataKey(
        id=Binary.from_uuid(found["_id"]) if not isinstance(found["_id"], Binary) else found["_id"],
        number=int(numbers[0]),
        created=found["creationDate"],
        master=master.get("key") or master["provider"],
    )
