"""What the transaction of a disclosure's AuditEvent changes in the queue."""

from __future__ import annotations

from datetime import datetime

from fhir_server.store import UnitOfWork
from integrations.hl7v2.store.outbound_queue import COLLECTION, TRACE


async def note_disclosed(unit: UnitOfWork, id: str, *, at: datetime) -> bool:
    """Note that a message leaves. False when that is noted since it was queued last."""
    done = await unit.database[COLLECTION].update_one(
        {"_id": id, "disclosed": None}, {"$set": {"disclosed": at}}, session=unit.session
    )
    return done.modified_count == 1


async def withhold(
    unit: UnitOfWork, id: str, reason: str, *, at: datetime, expires: datetime
) -> bool:
    """Put a queued message aside. False when it is not queued any more."""
    done = await unit.database[COLLECTION].update_one(
        {"_id": id, "state": "queued"},
        {
            "$set": {"state": "withheld", "reason": reason, "sending": None, "expires": expires},
            "$push": {"trace": {"$each": [{"at": at, "outcome": "withheld"}], "$slice": -TRACE}},
        },
        session=unit.session,
    )
    return done.modified_count == 1
