"""What makes FHIR of HL7 v2 messages, by the settings."""

from __future__ import annotations

import asyncio

from aimed.embedded.errors import StackError
from aimed.settings import Settings
from fhir_server.clock import system_clock
from fhir_server.server import FhirServer
from integrations.hl7v2.conversion import FhirConversion, Mapping
from integrations.hl7v2.effects.encounters import visits_follow
from integrations.hl7v2.effects.results import ResultAlerts
from integrations.hl7v2.mapping.site import SiteMapping, SiteMappingError, read_site_mapping
from integrations.hl7v2.settings import Hl7v2Settings
from integrations.hl7v2.writing.importing import Importing
from pipelines.store import prepare as prepare_consultations


async def mapping(settings: Hl7v2Settings) -> Mapping:
    """The mapping with the site's part. Raises `StackError` for a file that cannot be used."""

    def made() -> Mapping:
        site = read_site_mapping(settings.mapping) if settings.mapping else SiteMapping()
        return Mapping.of(site, settings.listeners)

    try:
        return await asyncio.to_thread(made)
    except SiteMappingError as error:
        raise StackError(f"The file of AIMED_HL7V2__MAPPING cannot be used: {error}") from None


async def converter(settings: Settings, fhir: FhirServer) -> FhirConversion:
    """What makes FHIR of messages, with all that follows from them. Raises `StackError`."""
    known = await mapping(settings.hl7v2)
    results = await asyncio.to_thread(
        ResultAlerts, system_clock, settings.consultation.critical_results
    )
    await prepare_consultations(fhir.server.store.database)
    importing = Importing(
        fhir.server,
        base=settings.hl7v2.base,
        authority=known.default_authority,
        consequences=(results, visits_follow),
    )
    await importing.prepare()
    return FhirConversion(known, importing)
