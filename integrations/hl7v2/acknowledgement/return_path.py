"""How an application acknowledgement of enhanced mode gets back when its connection has gone."""

from __future__ import annotations

from typing import Protocol


class ReturnPath(Protocol):
    """A configured destination for application acknowledgements."""

    async def send_application_acknowledgement(
        self, acknowledgement: bytes, *, listener: str, application: str, facility: str
    ) -> bool:
        """Take over the delivery of a message without framing to the sender of the original.

        `application` and `facility` are its MSH-3 and MSH-4. True means that the delivery is
        durably queued; False that no destination is configured for this sender.
        """
        ...
