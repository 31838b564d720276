"""Which client assertions were used. SMART App Launch 2.2, asymmetric authentication: `jti`."""

from __future__ import annotations

import hashlib
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from fhir_server.store.connection import Database


class AssertionStore:
    """The `assertions` collection. MongoDB removes what has expired by itself."""

    def __init__(self, database: Database) -> None:
        self._assertions = database["assertions"]

    async def use(self, issuer: str, jti: str, expires: datetime) -> bool:
        """Use an assertion up. True for the first use by this issuer, however many come at once.

        `expires` is from when on the assertion would be refused for its age anyway.
        """
        # The length in front keeps ("a", "bc") and ("ab", "c") apart.
        name = f"{len(issuer)}:{issuer}{jti}".encode()
        try:
            await self._assertions.insert_one(
                {"_id": hashlib.sha256(name).hexdigest(), "expires": expires}
            )
        except DuplicateKeyError:
            return False
        return True
