"""Ending whatever an account has open: sessions, applications, half a sign-in, resets."""

from __future__ import annotations

from fhir_server.store.password_resets import PasswordResetStore
from fhir_server.store.second_factors import SecondFactorStore
from fhir_server.store.smart.grants import GrantStore


class Ending:
    """Reaches all places where an access of somebody can hide."""

    def __init__(
        self,
        grants: GrantStore,
        waiting: SecondFactorStore,
        resets: PasswordResetStore,
    ) -> None:
        self._grants = grants
        self._waiting = waiting
        self._resets = resets

    async def everything(self, username: str) -> None:
        """Revoke it, at once and for every process. What has ended stays so if it is repeated."""
        await self._waiting.end_waiting(username)
        await self._resets.end(username)
        await self._grants.end_subject(username)
