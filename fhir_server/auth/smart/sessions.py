"""Whether what a person permitted still has the session that it needs. SMART App Launch 2.2."""

from __future__ import annotations

from datetime import datetime

from fhir_server.store.accounts import TokenStore
from fhir_server.store.smart.grants import Grant


async def session_lasts(grant: Grant, tokens: TokenStore, now: datetime) -> bool:
    """True with `offline_access`, else while the person is signed in and not idle."""
    if "offline_access" in grant.scopes:
        return True
    session = await tokens.find(grant.session)
    return session is not None and session.expires > now and not session.is_idle(now)
