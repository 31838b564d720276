"""The FHIR server put together: what an application opens at its start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import token_bytes

from fhir_server.administration import Administration
from fhir_server.administration.administration import open_administration
from fhir_server.audit import Access, AuditTrail
from fhir_server.audit.patterns import patterns
from fhir_server.audit.sealing import Sealing
from fhir_server.auth.authenticator import Authenticator
from fhir_server.auth.back_off import BackOff
from fhir_server.auth.directives import DirectiveRegister
from fhir_server.auth.identity.ending import Ending
from fhir_server.auth.identity.mail import Mailing
from fhir_server.auth.identity.notices import Notices
from fhir_server.auth.identity.passkeys import Passkeys
from fhir_server.auth.identity.password_reset import PasswordReset
from fhir_server.auth.identity.provider import IdentityProvider
from fhir_server.auth.identity.provider_sign_in import ProviderSignIn
from fhir_server.auth.identity.second_factor import SecondFactor
from fhir_server.auth.passwords import Passwords
from fhir_server.auth.policy import roles
from fhir_server.auth.rate_limits import Limiter, RateLimits, Unlimited
from fhir_server.auth.sign_in import SignIn
from fhir_server.auth.smart.keys.jwks_source import Fetch
from fhir_server.auth.smart.server import AuthorizationServer, open_authorization_server
from fhir_server.clock import Clock, Ids
from fhir_server.definitions.profiles import profiles
from fhir_server.definitions.reading import read_definitions
from fhir_server.errors import Unavailable
from fhir_server.interactions.admission import Admission
from fhir_server.interactions.context import Server
from fhir_server.settings import FhirSettings
from fhir_server.store import MongoStore
from fhir_server.store.accounts import AccountStore, TokenStore
from fhir_server.store.audit_chain import AuditChain, AuditWitness
from fhir_server.store.connection import Database
from fhir_server.store.content_home import ContentHome
from fhir_server.store.directives import DirectiveStore
from fhir_server.store.factor_removal import FactorRemoval
from fhir_server.store.failures import FailureStore
from fhir_server.store.passkeys import PasskeyStore
from fhir_server.store.password_links import PasswordLinkStore
from fhir_server.store.password_resets import PasswordResetStore
from fhir_server.store.provider_links import ProviderLinkStore
from fhir_server.store.second_factors import SecondFactorStore
from fhir_server.store.secrets import shared_secret
from fhir_server.store.smart.grants import GrantStore


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
    passkeys: Passkeys
    provider: ProviderSignIn
    rate_limits: RateLimits
    administration: Administration
    password_reset: PasswordReset
    notices: Notices
    ending: Ending

    async def aclose(self) -> None:
        """Stop what runs in the background."""
        await self.administration.chain.aclose()
        await self.server.store.reindexing.aclose()
        await self.server.audit.aclose()

    async def refused(
        self,
        interaction: str,
        address: str | None,
        request_id: str | None,
        way: str | None = None,
    ) -> None:
        """Record that somebody without a valid token or password was turned away.

        `way` is how they tried to sign in.
        """
        access = Access(interaction, 401, request_id=request_id, address=address, way=way)
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
    provider: IdentityProvider | None = None,
    mailing: Mailing | None = None,
    home: ContentHome | None = None,
) -> FhirServer:
    """Build the server on a database and create what is missing there.

    `secret` gives a fresh URL-safe random text of at least 256 bits, `fetch` the key sets of
    clients by their URL; without it only clients with an inline key set can use one. `limiter`
    counts requests; without it there are no rate limits. `provider` is an outside one that people
    may sign in by. `mailing` carries mail; without it passwords are not reset by mail and nobody is
    told of changes. `home` takes large content that is moved there. Raises `ValueError` for a
    required profile or role that is not known here.
    """
    _require_known(settings)
    # Read here, not in the first request.
    await asyncio.to_thread(patterns)
    await asyncio.to_thread(read_definitions)
    witness = AuditWitness(settings.audit.chain_key.get_secret_value().encode())
    store = MongoStore(database, clock=clock, ids=ids, witness=witness, home=home)
    await store.prepare()
    store.reindexing.resume()
    people = _signing_in(database, settings, clock=clock, secret=secret, random=random)
    smart = await open_authorization_server(
        database, settings.smart, people.authenticator,
        clock=clock, ids=ids, secret=secret, fetch=fetch,
    )  # fmt: skip
    resets = PasswordResetStore(database)
    ending = Ending(GrantStore(database), people.factors, resets)
    notices = Notices(store, mailing, clock=clock)
    reset = PasswordReset(
        store, people.accounts, resets, people.sign_in, ending, notices, mailing,
        clock=clock, secret=secret,
    )  # fmt: skip
    sealing = Sealing(AuditChain(database), witness, clock=clock)
    audit = AuditTrail(store, sealing, clock=clock, site=settings.audit.site)
    cursor_key = await shared_secret(database, "cursor", secret().encode())
    server = _shared(store, audit, settings, cursor_key)
    return FhirServer(
        server=server,
        authenticator=people.authenticator,
        sign_in=people.sign_in,
        passkeys=people.passkeys,
        provider=_provider_sign_in(provider, database, people, settings, clock, secret),
        second_factor=people.second_factor,
        accounts=people.accounts,
        tokens=people.tokens,
        smart=smart,
        sealing=sealing,
        rate_limits=RateLimits(limiter or Unlimited(), settings.rate_limits),
        administration=open_administration(server, people.passwords, clock=clock, secret=secret),
        password_reset=reset,
        notices=notices,
        ending=ending,
    )


def _shared(
    store: MongoStore, audit: AuditTrail, settings: FhirSettings, cursor_key: bytes
) -> Server:
    return Server(
        store=store,
        audit=audit,
        settings=settings,
        cursor_key=cursor_key,
        admission=Admission(settings.large_transactions),
        directives=DirectiveRegister(DirectiveStore(store.database)),
    )


def _provider_sign_in(
    provider: IdentityProvider | None,
    database: Database,
    people: _SigningIn,
    settings: FhirSettings,
    clock: Clock,
    secret: Callable[[], str],
) -> ProviderSignIn:
    return ProviderSignIn(
        provider,
        ProviderLinkStore(database),
        people.accounts,
        people.sign_in,
        settings.identity,
        clock=clock,
        secret=secret,
    )


@dataclass(frozen=True)
class _SigningIn:
    """What signing in is made of."""

    accounts: AccountStore
    tokens: TokenStore
    factors: SecondFactorStore
    authenticator: Authenticator
    passwords: Passwords
    second_factor: SecondFactor
    passkeys: Passkeys
    sign_in: SignIn


def _signing_in(
    database: Database,
    settings: FhirSettings,
    *,
    clock: Clock,
    secret: Callable[[], str],
    random: Callable[[int], bytes],
) -> _SigningIn:
    accounts, tokens = AccountStore(database), TokenStore(database)
    factors, stored_passkeys = SecondFactorStore(database), PasskeyStore(database)
    passwords, site = Passwords(), settings.audit.site
    authenticator = Authenticator(
        tokens, clock=clock, secret=secret, lifetime=settings.token_seconds
    )
    second_factor = SecondFactor(
        factors,
        stored_passkeys,
        FactorRemoval(database),
        clock=clock,
        random=random,
        issuer=site,
        required=settings.identity.second_factor_roles,
    )
    passkeys = Passkeys(stored_passkeys, clock=clock, random=random, name=site)
    sign_in = SignIn(
        accounts,
        authenticator,
        passwords,
        BackOff(FailureStore(database), clock=clock),
        second_factor,
        passkeys,
        factors,
        PasswordLinkStore(database),
        clock=clock,
        secret=secret,
    )
    return _SigningIn(
        accounts,
        tokens,
        factors,
        authenticator,
        passwords,
        second_factor,
        passkeys,
        sign_in,
    )


def _require_known(settings: FhirSettings) -> None:
    unknown = [url for url in settings.required_profiles if url not in profiles()]
    if unknown:
        raise ValueError(f"required_profiles names what is not known here: {', '.join(unknown)}")
    named = {*settings.identity.second_factor_roles, *settings.identity.provider.roles}
    if named - set(roles()):
        strange = ", ".join(sorted(named - set(roles())))
        raise ValueError(f"the identity settings name roles that do not exist: {strange}")
