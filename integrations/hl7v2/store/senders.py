"""Which system sent a stored message, by the URN that its resources have as `meta.source`."""

from __future__ import annotations

from fhir_server.store.connection import Database

_URN = "urn:aimed:hl7v2:message:"
_MESSAGES = "hl7v2_messages"


class MessageSenders:
    """Looks senders up in the store of received messages."""

    def __init__(self, database: Database) -> None:
        self._messages = database[_MESSAGES]

    async def sender(self, source: str) -> str | None:
        """MSH-3 and MSH-4 as `LAB|CITY HOSPITAL`; None for what is no message that is kept."""
        if not source.startswith(_URN):
            return None
        found = await self._messages.find_one(
            {"_id": source.removeprefix(_URN).partition("#")[0]}, {"app": 1, "facility": 1}
        )
        return None if found is None else f"{found['app']}|{found['facility']}"
