"""Encryption at rest as a process finds it at its start."""

from __future__ import annotations

import structlog

from aimed.settings import Settings
from fhir_server.store.encryption import open_database

_log = structlog.get_logger("aimed.encryption")


async def check_encryption(settings: Settings) -> None:
    """Refuse settings that do not go with the database, and warn when production has none.

    Raises `EncryptionFault` with what to do, before anything is served.
    """
    encryption = settings.fhir.encryption
    async with open_database(settings.mongo_uri, settings.mongo.database, encryption):
        pass
    if settings.environment == "production" and encryption.provider == "off":
        _log.warning(
            "not encrypted at rest: the database holds patient data in clear unless its disk is "
            "encrypted; see AIMED_FHIR__ENCRYPTION__PROVIDER"
        )
