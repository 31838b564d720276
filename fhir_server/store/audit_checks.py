"""What the last check of the audit trail found. One document, `{_id: "last", ...}`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from fhir_server.store.connection import Database


@dataclass(frozen=True)
class AuditCheck:
    """`block` and `hash` are the newest block that was looked at, 0 and empty for none.

    `findings` are places and texts, the first few of `faults`.
    """

    began: datetime
    ended: datetime
    events: int
    faults: int
    block: int
    hash: str
    findings: tuple[tuple[str, str], ...] = ()


class AuditCheckStore:
    """The `audit_checks` collection."""

    def __init__(self, database: Database) -> None:
        self._checks = database["audit_checks"]

    async def keep(self, check: AuditCheck) -> None:
        """Make this the last check."""
        document = {**asdict(check), "findings": [list(one) for one in check.findings]}
        await self._checks.replace_one({"_id": "last"}, document, upsert=True)

    async def last(self) -> AuditCheck | None:
        """The last check, if there was one."""
        found = await self._checks.find_one({"_id": "last"}, {"_id": 0})
        if found is None:
            return None
        findings = tuple((one[0], one[1]) for one in found["findings"])
        return AuditCheck(**{**found, "findings": findings})
