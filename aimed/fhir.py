"""The FHIR server on the settings' database, as each of our processes opens it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aimed.engines import make_recordings_home
from aimed.settings import Settings
from fhir_server.auth.identity.mail import Mailing
from fhir_server.auth.rate_limits import Limiter
from fhir_server.clock import random_id, system_clock
from fhir_server.identity_settings import ProviderSettings
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.store.encryption import open_database
from integrations.notify import FolderMailer, SmtpMailer
from integrations.openid_provider import OpenIdProvider
from integrations.outbound import GuardedClient, key_set_fetch, open_guarded_client


@asynccontextmanager
async def open_fhir(
    settings: Settings, limiter: Limiter | None = None
) -> AsyncIterator[FhirServer]:
    """The FHIR server with the machine's clock and randomness, for as long as the context lasts.

    `limiter` counts requests, for a process that serves them.
    """
    async with (
        open_database(
            settings.mongo_uri, settings.mongo.database, settings.fhir.encryption
        ) as database,
        open_guarded_client(settings.outbound) as outbound,
    ):
        fhir = await open_fhir_server(
            database,
            settings.fhir,
            clock=system_clock,
            ids=random_id,
            secret=new_secret,
            fetch=key_set_fetch(outbound),
            limiter=limiter,
            provider=_provider(settings.fhir.identity.provider, outbound),
            mailing=mailing_of(settings),
            home=make_recordings_home(settings),
        )
        try:
            yield fhir
        finally:
            await fhir.aclose()


def _provider(settings: ProviderSettings, client: GuardedClient) -> OpenIdProvider | None:
    if not settings.issuer:
        return None
    return OpenIdProvider(client, settings, clock=system_clock, secret=new_secret)


def mailing_of(settings: Settings) -> Mailing | None:
    """How mail leaves: by SMTP, in development without a server as files, else not at all."""
    mail = settings.mail
    public = settings.fhir.identity.public_url
    site = mail.site or public or f"http://{settings.http.host}:{settings.http.port}"
    if mail.host is not None:
        return Mailing(SmtpMailer(mail, clock=system_clock, ids=random_id), site)
    if settings.environment == "production":
        return None
    folder = settings.data / "mail"
    return Mailing(FolderMailer(folder, mail.sender, clock=system_clock, ids=random_id), site)


def new_secret() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)
