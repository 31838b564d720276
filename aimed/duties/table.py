"""The periodic duties of an installation. docs/guides/running.md tells operators of them."""

from __future__ import annotations

from datetime import timedelta

import structlog

from aimed.duties.schedule import Duty, NotInOrder
from aimed.settings import Settings
from fhir_server.audit.chain import Finding, verify
from fhir_server.clock import Clock
from fhir_server.server import FhirServer
from fhir_server.store.audit_chain import AuditChain
from fhir_server.store.expiry import remove_expired
from integrations.hl7v2.store import remove_old
from integrations.hl7v2.store.outbound_queue import OutboundQueue

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_TOLD = 20
"""Findings of one verification that the log names; `aimed audit verify` names all."""

_log = structlog.get_logger("aimed.audit")


def duties(fhir: FhirServer, settings: Settings, clock: Clock) -> tuple[Duty, ...]:
    """All of them. Whatever has to happen by itself belongs here."""
    database, hour = fhir.server.store.database, settings.duties.hour

    async def signing_keys() -> str:
        rotated = await fhir.smart.keys.rotate_if_older(settings.fhir.smart.key_days)
        return "rotated" if rotated else "young enough"

    async def audit_verify() -> str:
        key = settings.fhir.audit.chain_key.get_secret_value().encode()
        return await _verified(AuditChain(database), key)

    async def audit_purge() -> str:
        kept = timedelta(days=settings.fhir.audit.retention_days)
        return f"removed {await fhir.sealing.purge(clock() - kept)}"

    async def audit_seal() -> str:
        await fhir.sealing.seal()
        return "sealed"

    async def expired() -> str:
        sent = await OutboundQueue(database).remove_expired(clock())
        return f"removed {sent + await remove_expired(database, clock())}"

    async def hl7v2_retention() -> str:
        removed = await remove_old(database, settings.hl7v2.retention, clock())
        return f"removed {removed.records} records and the bytes of {removed.raw} messages"

    return (
        Duty("expired", _HOUR, expired),
        Duty("hl7v2-retention", _HOUR, hl7v2_retention),
        Duty("audit-seal", _HOUR, audit_seal),
        Duty("signing-keys", _DAY, signing_keys, hour),
        Duty("audit-verify", _DAY, audit_verify, hour),
        Duty("audit-purge", _DAY, audit_purge, hour),
    )


async def _verified(chain: AuditChain, key: bytes) -> str:
    """Names what is wrong in the log, loudly. Raises `NotInOrder`."""
    events, findings = 0, 0
    head = "none"
    async for one in verify(chain, key):
        if not isinstance(one, Finding):
            events += len(one.entries)
            head = f"{one.number}:{one.hash}"
            continue
        findings += 1
        if findings <= _TOLD:
            _log.critical("audit trail is not whole", place=one.place, finding=one.text)
    if findings:
        raise NotInOrder(f"{findings} findings: run `aimed audit verify`")
    return f"whole: {events} events, head {head}"
