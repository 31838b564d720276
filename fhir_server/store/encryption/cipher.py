"""What the stores know of encryption: values go in sealed and come out opened.

A sealed value is a BSON Binary of subtype 6 and holds the place it was sealed for: MongoDB's
encryption does not bind a ciphertext to its document, so that one could be put into another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from bson import Binary

from fhir_server.errors import EncryptionFault

SUBTYPE = 6
"""Of an encrypted BSON Binary: one byte of kind, 16 of the data key's id, then the ciphertext."""

_KEY = slice(1, 17)


@dataclass(frozen=True)
class Placed:
    """A value and the one place that it belongs to, `Patient/p1/3` for example."""

    place: str
    value: Any


class Cipher(Protocol):
    """Seals what is written to a database and opens what is read from it."""

    async def seal(self, values: Sequence[Placed]) -> list[Any]:
        """Each value as it is to be stored."""

    async def open(self, values: Sequence[Placed], *, accept_clear: bool = False) -> list[Any]:
        """Each value as it was before `seal`. Raises `EncryptionFault`.

        A value that was stored before there was encryption is given back as it is, unless the
        settings refuse that; `accept_clear` overrules them.
        """


class Clear:
    """No encryption: everything is stored as it is."""

    async def seal(self, values: Sequence[Placed]) -> list[Any]:
        """The values themselves."""
        return [one.value for one in values]

    async def open(self, values: Sequence[Placed], *, accept_clear: bool = False) -> list[Any]:
        """The values themselves."""
        if any(is_sealed(one.value) for one in values):
            raise EncryptionFault("This content is encrypted, and encryption is off here.")
        return [one.value for one in values]


def is_sealed(value: Any) -> bool:
    """Whether a stored value is encrypted."""
    return isinstance(value, Binary) and value.subtype == SUBTYPE


def is_empty(value: Any) -> bool:
    """Whether there is nothing to hide in a value: it is stored as it is."""
    return value is None or (isinstance(value, bytes | str) and not value)


def key_of(value: Any) -> UUID | None:
    """The id of the data key that a stored value is encrypted with; None of one in clear."""
    return UUID(bytes=bytes(value[_KEY])) if is_sealed(value) else None
