"""Administration put together on the parts of a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fhir_server.administration.acts import Acts
from fhir_server.administration.applications import Applications
from fhir_server.administration.audit_search import AuditSearch
from fhir_server.administration.chain_state import ChainState
from fhir_server.administration.credentials import Credentials
from fhir_server.administration.emergencies import Emergencies
from fhir_server.administration.people import People
from fhir_server.administration.sessions import Sessions
from fhir_server.auth.passwords import Passwords
from fhir_server.auth.smart.clients.client import ClientStore
from fhir_server.clock import Clock
from fhir_server.interactions.context import Server
from fhir_server.store.accounts import AccountStore, TokenStore
from fhir_server.store.audit_chain import AuditChain
from fhir_server.store.audit_checks import AuditCheckStore
from fhir_server.store.failures import FailureStore
from fhir_server.store.passkeys import PasskeyStore
from fhir_server.store.password_links import PasswordLinkStore
from fhir_server.store.second_factors import SecondFactorStore
from fhir_server.store.smart.invitations import InvitationStore


@dataclass(frozen=True)
class Administration:
    """What administrators and auditors do."""

    acts: Acts
    people: People
    credentials: Credentials
    sessions: Sessions
    applications: Applications
    audit: AuditSearch
    emergencies: Emergencies
    chain: ChainState


def open_administration(
    server: Server, passwords: Passwords, *, clock: Clock, secret: Callable[[], str]
) -> Administration:
    """Build it on a server. `secret` gives 256 random bits as text."""
    database, settings = server.store.database, server.settings
    acts = Acts(server.store, server.audit)
    accounts = AccountStore(database)
    people = People(acts, server.store, accounts)
    return Administration(
        acts=acts,
        people=people,
        credentials=Credentials(
            people,
            accounts,
            SecondFactorStore(database),
            PasskeyStore(database),
            FailureStore(database),
            PasswordLinkStore(database),
            passwords,
            clock=clock,
            secret=secret,
            hours=settings.password_link_hours,
        ),
        sessions=Sessions(people, TokenStore(database)),
        applications=Applications(
            acts, ClientStore(database), InvitationStore(database), clock=clock, secret=secret
        ),
        audit=AuditSearch(server),
        emergencies=Emergencies(server),
        chain=ChainState(
            AuditChain(database),
            AuditCheckStore(database),
            clock=clock,
            key=settings.audit.chain_key.get_secret_value().encode(),
        ),
    )
