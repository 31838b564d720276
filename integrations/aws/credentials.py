"""Credentials as boto3 finds them: environment, profiles, web identity, container and host roles.

A role of the settings is assumed with those. What expires is renewed by botocore on use, so that a
visit may be longer than the credentials it began with. Nothing here is ever logged.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from functools import cached_property
from typing import Any, cast

import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    Credentials,
    DeferredRefreshableCredentials,
    ReadOnlyCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from integrations.aws.faults import ENGINE, NO_CREDENTIALS, NO_REGION, engine_error
from integrations.aws.settings import AwsSettings
from pipelines.engines.errors import EngineRejected


class AwsAccess:
    """One account and region for everything that this process asks of AWS."""

    def __init__(self, settings: AwsSettings) -> None:
        self._settings = settings
        # botocore's sessions make no two clients at once.
        self._making = threading.RLock()

    async def frozen(self) -> ReadOnlyCredentials:
        """The credentials of this moment, renewed where they would expire. Raises `EngineError`."""
        return await asyncio.to_thread(self._frozen)

    @property
    def region(self) -> str:
        """The region of the settings, else of the profile; reads files. Raises `EngineRejected`."""
        try:
            found = self._settings.region or self._session.get_config_variable("region")
        except BotoCoreError as fault:
            raise engine_error(fault) from None
        if not found:
            raise EngineRejected(ENGINE, "No region is known.", NO_REGION)
        return str(found)

    def client(self, service: str) -> Any:
        """A boto3 client of `s3`, `transcribe` or `sts`; blocking. Raises `EngineError`."""
        self._credentials_once()
        return self._client(self._assumed, service)

    def _frozen(self) -> ReadOnlyCredentials:
        try:
            return cast(ReadOnlyCredentials, self._credentials_once().get_frozen_credentials())
        except (BotoCoreError, ClientError) as fault:
            raise engine_error(fault) from None

    def _credentials_once(self) -> Credentials:
        try:
            with self._making:
                found = self._assumed.get_credentials()
        except (BotoCoreError, ClientError) as fault:
            raise engine_error(fault) from None
        if found is None:
            raise EngineRejected(ENGINE, "No credentials were found.", NO_CREDENTIALS)
        return cast(Credentials, found)

    @cached_property
    def _session(self) -> Any:
        # At DEBUG botocore logs what it signs, session token included.
        logging.getLogger("botocore").setLevel(logging.WARNING)
        return botocore.session.Session(profile=self._settings.profile)

    @cached_property
    def _assumed(self) -> Any:
        role = self._settings.role
        if role.arn is None:
            return self._session
        source = self._session.get_credentials()
        if source is None:
            return self._session
        more = {"RoleSessionName": role.session_name}
        if role.external_id:
            more["ExternalId"] = role.external_id
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=self._sts, source_credentials=source, role_arn=role.arn, extra_args=more
        )
        session = botocore.session.Session(profile=self._settings.profile)
        session._credentials = DeferredRefreshableCredentials(
            refresh_using=fetcher.fetch_credentials, method="assume-role"
        )
        return session

    def _sts(self, service: str, **keys: Any) -> Any:
        return self._client(self._session, service, **keys)

    def _client(self, session: Any, service: str, **more: Any) -> Any:
        settings = self._settings
        config = Config(
            retries={"mode": "standard", "total_max_attempts": settings.max_attempts},
            connect_timeout=settings.timeout_seconds,
            read_timeout=settings.timeout_seconds,
            s3={"addressing_style": "path"} if settings.endpoint else None,
        )
        try:
            with self._making:
                return session.create_client(
                    service,
                    region_name=self.region,
                    endpoint_url=settings.endpoint,
                    verify=str(settings.authorities) if settings.authorities else None,
                    config=config,
                    **{name: value for name, value in more.items() if name != "region_name"},
                )
        except NoRegionError as fault:
            raise engine_error(fault) from None
