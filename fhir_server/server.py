"""The FHIR server put together: what an application opens at its start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import token_bytes

from fhir_server.audit import Access, AuditTrail
from fhir_server.audit.sealing import Sealing
from fhir_server.auth.authenticator import Authenticator
from fhir_server.auth.back_off import BackOff
from fhir_server.auth.identity.second_factor import SecondFactor
from fhir_server.auth.passwords import Passwords
from fhir_server.auth.rate_limits import Limiter, RateLimits, Unlimited
from fhir_server.auth.sign_in import SignIn
from fhir_server.auth.smart.keys.jwks_source import Fetch
from fhir_server.auth.smart.server import AuthorizationServer, open_authorization_server
from fhir_server.clock import Clock, Ids
from fhir_server.definitions.profiles import profiles
from fhir_server.errors import Unavailable
from fhir_server.interactions.admission import Admission
from fhir_server.interactions.context import Server
from fhir_server.settings import FhirSettings
from fhir_server.store import MongoStore
from fhir_server.store.accounts import AccountStore, TokenStore
from fhir_server.store.audit_chain import AuditChain
from fhir_server.store.connection import Database
from fhir_server.store.failures import FailureStore
from fhir_server.store.second_factors import SecondFactorStore
from fhir_server.store.secrets import shared_secret


@dataclass(frozen=True)
class FhirServer:
    """Everything behind the routes. `server` is what interactions see."""

    server: Server
    authenticator: Authenticator
    sign_in: SignIn
    accounts: AccountStore
    tokens: TokenStore
    smart: AuthorizationServer
    sealing: Sealing
    second_factor: SecondFactor
    rate_limits: RateLimits

    async def aclose(self) -> None:
        """Stop what runs in the background."""
        await self.server.store.reindexing.aclose()
        await self.server.audit.aclose()

    async def refused(self, interaction: str, address: str | None, request_id: str | None) -> None:
        """Record that somebody without a valid token or password was turned away."""
        access = Access(interaction, 401, request_id=request_id, address=address)
        await self.server.audit.record(None, access)


async def _nowhere(url: str) -> tuple[bytes, Mapping[str, str]]:
    raise Unavailable("This server makes no calls to others.")


async def open_fhir_server(
    database: Database,
    settings: FhirSettings,
    *,
    clock: Clock,
    ids: Ids,
    secret: Callable[[], str],
    random: Callable[[int], bytes] = token_bytes,
    fetch: Fetch = _nowhere,
    limiter: Limiter | None = None,
) -> FhirServer:
    """Build the server on a database and create what is missing there.

    `secret` gives a fresh URL-safe random text of at least 256 bits, `fetch` the key sets of
    clients by their URL; without it only clients with an inline key set can use one. `limiter`
    counts requests; without it there are no rate limits. Raises `ValueError` for a required
    profile that is not known here.
    """
    _require_known(settings)
    store = MongoStore(database, clock=clock, ids=ids)
    await store.prepare()
    store.reindexing.resume()
    accounts, tokens = AccountStore(database), TokenStore(database)
    authenticator = Authenticator(
        tokens, clock=clock, secret=secret, lifetime=settings.token_seconds
    )
    smart = await open_authorization_server(
        database,
        settings.smart,
        authenticator,
        clock=clock,
        ids=ids,
        secret=secret,
        fetch=fetch,
    )
    factors = SecondFactorStore(database)
    second_factor = SecondFactor(factors, clock=clock, random=random, issuer=settings.audit.site)
    sealing = Sealing(
        AuditChain(database), clock=clock, key=settings.audit.chain_key.get_secret_value().encode()
    )
    return FhirServer(
        server=Server(
            store=store,
            audit=AuditTrail(store, sealing, clock=clock, site=settings.audit.site),
            settings=settings,
            cursor_key=await shared_secret(database, "cursor", secret().encode()),
            admission=Admission(settings.large_transactions),
        ),
        authenticator=authenticator,
        sign_in=SignIn(
            accounts,
            authenticator,
            Passwords(),
            BackOff(FailureStore(database), clock=clock),
            second_factor,
            factors,
            clock=clock,
            secret=secret,
        ),
        second_factor=second_factor,
        accounts=accounts,
        tokens=tokens,
        smart=smart,
        sealing=sealing,
        rate_limits=RateLimits(limiter or Unlimited(), settings.rate_limits),
    )


def _require_known(settings: FhirSettings) -> None:
    unknown = [url for url in settings.required_profiles if url not in profiles()]
    if unknown:
        raise ValueError(f"required_profiles names what is not known here: {', '.join(unknown)}")
