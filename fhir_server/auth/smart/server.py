"""The authorization server put together on a database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fhir_server.auth.authenticator import Authenticator
from fhir_server.auth.smart.authorization import Authorization
from fhir_server.auth.smart.clients.authentication import ClientAuthentication
from fhir_server.auth.smart.clients.client import ClientStore
from fhir_server.auth.smart.clients.registration import Registration
from fhir_server.auth.smart.introspection import TokenInspection
from fhir_server.auth.smart.keys.jwks_source import Fetch, JwksSource
from fhir_server.auth.smart.keys.signing import SigningKeys
from fhir_server.auth.smart.tokens import TokenEndpoint
from fhir_server.clock import Clock, Ids
from fhir_server.settings import SmartSettings
from fhir_server.store.accounts import AccountStore, TokenStore
from fhir_server.store.connection import Database
from fhir_server.store.secrets import shared_secret
from fhir_server.store.smart.assertions import AssertionStore
from fhir_server.store.smart.grants import GrantStore
from fhir_server.store.smart.invitations import InvitationStore
from fhir_server.store.smart.keys import SigningKeyStore


@dataclass(frozen=True)
class AuthorizationServer:
    """Everything behind the routes of SMART and OAuth."""

    clients: ClientStore
    grants: GrantStore
    keys: SigningKeys
    authentication: ClientAuthentication
    authorization: Authorization
    tokens: TokenEndpoint
    inspection: TokenInspection
    registration: Registration


async def open_authorization_server(
    database: Database,
    settings: SmartSettings,
    authenticator: Authenticator,
    *,
    clock: Clock,
    ids: Ids,
    secret: Callable[[], str],
    fetch: Fetch,
) -> AuthorizationServer:
    """Build it. `secret` gives 256 random bits as text, `fetch` gets the key sets of clients."""
    clients, grants = ClientStore(database), GrantStore(database)
    accounts, tokens = AccountStore(database), TokenStore(database)
    seal = await shared_secret(database, "signing-keys", secret().encode()[:32])
    keys = SigningKeys(SigningKeyStore(database), clock=clock, seal=seal)
    return AuthorizationServer(
        clients=clients,
        grants=grants,
        keys=keys,
        authentication=ClientAuthentication(
            clients, AssertionStore(database), JwksSource(fetch, clock=clock), clock=clock
        ),
        authorization=Authorization(
            clients, grants, clock=clock, secret=secret, grant_days=settings.grant_days
        ),
        tokens=TokenEndpoint(
            grants,
            authenticator,
            tokens,
            accounts,
            keys,
            clock=clock,
            secret=secret,
            refresh_days=settings.refresh_days,
        ),
        inspection=TokenInspection(grants, tokens, clock=clock),
        registration=Registration(
            clients,
            InvitationStore(database),
            clock=clock,
            ids=ids,
            secret=secret,
            ceiling=settings.registration_scopes,
            open=settings.open_registration,
            ended=grants.end_client,
        ),
    )
