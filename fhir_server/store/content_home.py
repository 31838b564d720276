"""Another home for large content than GridFS: what `integrations` implements."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol


class ContentHome(Protocol):
    """Keeps content under its SHA-256 (`id`, hexadecimal). Everything raises `Unavailable`."""

    name: str
    """Written beside the content's length, so that a home that is gone is missed by name."""

    async def keep(self, id: str, length: int, content: AsyncIterator[bytes]) -> None:
        """Return once `content` is there for good, as it was. Safe to repeat."""

    def read(self, id: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `stop`, in pieces."""
