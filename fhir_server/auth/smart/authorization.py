"""The authorization endpoint: checking a request, and the decision of the person who is asked.

RFC 6749 4.1, RFC 7636, RFC 9207, SMART App Launch 2.2. The pages that ask are not here: they show
what `describe` gives and send a decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fhir_server.auth.caller import Caller
from fhir_server.auth.scopes import grant as resource_scope
from fhir_server.auth.scopes import in_order, is_within
from fhir_server.auth.smart.clients.client import Client, ClientStore
from fhir_server.auth.smart.discovery import Addresses
from fhir_server.auth.smart.errors import (
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    LoginRequired,
    OAuthError,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from fhir_server.auth.smart.hashing import hashed, is_challenge
from fhir_server.clock import Clock
from fhir_server.errors import NotAuthenticated
from fhir_server.store.smart.grants import Code, Grant, GrantStore, Launch, Pending

LAUNCH_SCOPES = ("launch", "launch/patient", "launch/encounter")
PLAIN_SCOPES = frozenset({"openid", "fhirUser", *LAUNCH_SCOPES, "offline_access", "online_access"})
FHIR_USERS = frozenset({"Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Person"})
"""Types that `fhirUser` may be of; an account that stands for a Device gets none."""

_REQUEST_SECONDS = 600
_CODE_SECONDS = 60
_MOST_SCOPES = 500


class Redirected(Exception):
    """A refusal that the client hears of at its redirect URI. `location` is where."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


@dataclass(frozen=True)
class Decision:
    """What a person chose. Without scopes the answer is no. `patient` and `encounter` are ids."""

    scopes: tuple[str, ...]
    patient: str | None = None
    encounter: str | None = None


class Authorization:
    """Checks requests and issues codes. `secret` gives 256 random bits as URL-safe text."""

    def __init__(
        self,
        clients: ClientStore,
        grants: GrantStore,
        *,
        clock: Clock,
        secret: Callable[[], str],
        grant_days: int,
    ) -> None:
        self._clients = clients
        self._grants = grants
        self._clock = clock
        self._secret = secret
        self._grant_life = timedelta(days=grant_days)

    async def begin(self, parameters: Mapping[str, str], addresses: Addresses) -> str:
        """The id of the checked request, for the page that asks.

        Raises `InvalidRequest` where nobody may be sent anywhere (an unknown client or redirect
        URI), `Redirected` for every other refusal.
        """
        client = await self._clients.find(parameters.get("client_id", ""))
        if client is None or client.status != "active":
            raise InvalidRequest("There is no such application here, or it is not active.")
        target = parameters.get("redirect_uri", "")
        if target not in client.redirect_uris:
            raise InvalidRequest("That redirect_uri is not registered for this application.")
        try:
            pending = await self._checked(client, target, parameters, addresses)
        except OAuthError as error:
            told = {"error": error.error, "error_description": error.description}
            raise Redirected(_answer(target, told, parameters, addresses)) from None
        await self._grants.add(pending)
        return pending.id

    async def _checked(
        self, client: Client, target: str, sent: Mapping[str, str], addresses: Addresses
    ) -> Pending:
        _check_form(client, sent, addresses)
        scopes = offered(sent.get("scope", "").split(), client)
        launch = await self._launch(client, sent.get("launch"))
        if launch is not None and "launch" not in scopes:
            raise InvalidScope("A launch value comes with the scope launch.")
        if launch is None:
            scopes = tuple(one for one in scopes if one != "launch")
        if _needs_patient(scopes) and not (launch and launch.context.get("patient")):
            scopes = in_order([*scopes, "launch/patient"])
        return Pending(
            id=self._secret(),
            client=client.id,
            redirect_uri=target,
            scopes=scopes,
            state=sent["state"],
            challenge=sent["code_challenge"],
            expires=self._clock() + timedelta(seconds=_REQUEST_SECONDS),
            nonce=sent.get("nonce"),
            launch=launch.context if launch else None,
            subject=launch.subject if launch else None,
            signed_in_since=_signed_in_since(sent, self._clock()),
        )

    async def _launch(self, client: Client, value: str | None) -> Launch | None:
        if value is None:
            return None
        # Looked at before it is used: what another application presents stays good for its own.
        key = hashed(value)
        launch = await self._grants.find(Launch, key)
        if (
            launch is None
            or launch.client != client.id
            or launch.expires <= self._clock()
            or await self._grants.use(Launch, key) is None
        ):
            raise InvalidRequest("The launch value is unknown, used, expired or another's.")
        return launch

    async def describe(self, id: str, caller: Caller) -> tuple[Pending, Client]:
        """The request that a person is asked about, from now on theirs alone.

        Raises `InvalidRequest`, and `NotAuthenticated` for a sign-in that is too long ago.
        """
        pending = await self._grants.find(Pending, id)
        if pending is None or pending.used or pending.expires <= self._clock():
            raise InvalidRequest("This request has expired: start again from the application.")
        client = await self._clients.find(pending.client)
        active = client is not None and client.status == "active"
        if client is None or not active or not await self._grants.claim(id, caller.subject):
            raise InvalidRequest("This request is somebody else's, or its application is gone.")
        since = pending.signed_in_since
        if since is not None and (caller.issued is None or caller.issued < since):
            raise NotAuthenticated("The application asks you to sign in once more.")
        return replace(pending, scopes=_still_offered(pending.scopes, client)), client

    async def decide(
        self, id: str, caller: Caller, decision: Decision, addresses: Addresses
    ) -> tuple[str, Grant | None]:
        """Where to send the person, with a code or with `access_denied`; and the grant made.

        The patient of the decision has been checked to be one that the person may read.
        """
        pending, _ = await self.describe(id, caller)
        chosen = _narrowed(decision.scopes, pending)
        if caller.reference.partition("/")[0] not in FHIR_USERS:
            chosen = tuple(one for one in chosen if one != "fhirUser")
        patient, encounter = _in_context(chosen, pending, decision)
        if await self._grants.use(Pending, id) is None:
            raise InvalidRequest("This request has been answered already.")
        sent = {"state": pending.state}
        if not chosen:
            refusal = {"error": "access_denied", "error_description": "The person said no."}
            return _answer(pending.redirect_uri, refusal, sent, addresses), None
        grant = self._grant(pending, caller, chosen, patient, encounter)
        code = self._secret()
        await self._grants.add(grant)
        await self._grants.add(
            Code(
                hash=hashed(code),
                grant=grant.id,
                client=pending.client,
                redirect_uri=pending.redirect_uri,
                challenge=pending.challenge,
                expires=self._clock() + timedelta(seconds=_CODE_SECONDS),
            )
        )
        return _answer(pending.redirect_uri, {"code": code}, sent, addresses), grant

    def _grant(
        self,
        pending: Pending,
        caller: Caller,
        scopes: tuple[str, ...],
        patient: str | None,
        encounter: str | None,
    ) -> Grant:
        now = self._clock()
        context: dict[str, Any] = {**(pending.launch or {})}
        context |= {"patient": patient} if patient else {}
        context |= {"encounter": encounter} if encounter else {}
        return Grant(
            id=self._secret(),
            client=pending.client,
            subject=caller.subject,
            reference=caller.reference,
            display=caller.display,
            roles=caller.roles,
            scopes=scopes,
            created=now,
            expires=now + self._grant_life,
            patient=f"Patient/{patient}" if patient else None,
            context=context,
            nonce=pending.nonce,
            session=caller.token,
            auth_time=caller.issued,
        )

    async def launch(
        self, client: str, caller: Caller, context: dict[str, Any]
    ) -> tuple[Client, str]:
        """A launch value for an application that the EHR opens. Single use, five minutes."""
        found = await self._clients.find(client)
        if found is None or found.status != "active" or found.launch_url is None:
            raise InvalidRequest("That application cannot be launched from here.")
        value = self._secret()
        expires = self._clock() + timedelta(minutes=5)
        await self._grants.add(Launch(hashed(value), client, caller.subject, expires, context))
        return found, value


def _check_form(client: Client, sent: Mapping[str, str], addresses: Addresses) -> None:
    if sent.get("response_type") != "code":
        raise UnsupportedResponseType("response_type is code.")
    if "authorization_code" not in client.grants:
        raise UnauthorizedClient("This application may not ask people.")
    if not sent.get("state"):
        raise InvalidRequest("state is missing: SMART demands one of 122 random bits or more.")
    if sent.get("code_challenge_method") != "S256" or not is_challenge(
        sent.get("code_challenge", "")
    ):
        raise InvalidRequest("PKCE is demanded: code_challenge with code_challenge_method=S256.")
    aud = sent.get("aud") or sent.get("resource") or ""
    if aud.rstrip("/") != addresses.fhir:
        raise InvalidTarget(f"aud is {addresses.fhir}.")
    if "none" in sent.get("prompt", "").split():
        raise LoginRequired("People sign in here each time: prompt=none cannot be met.")


def _signed_in_since(sent: Mapping[str, str], now: datetime) -> datetime | None:
    """From when on the person's sign-in counts. OpenID Connect Core 3.1.2.1, max_age and prompt."""
    age = sent.get("max_age")
    if age is not None and not (age.isascii() and age.isdigit() and len(age) <= 9):
        raise InvalidRequest("max_age is a number of seconds.")
    if {"login", "select_account"} & set(sent.get("prompt", "").split()):
        return now
    return now - timedelta(seconds=int(age)) if age is not None else None


def offered(asked: Iterable[str], client: Client) -> tuple[str, ...]:
    """Those of the asked scopes that may be granted at all, each once.

    Raises `InvalidScope` when nothing is left.
    """
    known = tuple(
        one
        for one in in_order(asked)
        if (one in PLAIN_SCOPES or _is_for_people(one)) and is_within(one, client.scopes)
    )
    if not known or len(known) > _MOST_SCOPES:
        raise InvalidScope("None of these scopes can be granted to this application.")
    return known


def _still_offered(scopes: Iterable[str], client: Client) -> tuple[str, ...]:
    """Those that its registration has now; that a patient is chosen, `begin` may have added."""
    return tuple(one for one in scopes if one == "launch/patient" or is_within(one, client.scopes))


def _is_for_people(scope: str) -> bool:
    found = resource_scope(scope)
    return found is not None and found.level != "system"


def _narrowed(chosen: Iterable[str], pending: Pending) -> tuple[str, ...]:
    scopes = in_order(chosen)
    if not all(is_within(one, pending.scopes) for one in scopes):
        raise InvalidScope("More was chosen than the application asked for.")
    return scopes


def _needs_patient(scopes: Iterable[str]) -> bool:
    """Without a patient in context `patient/` scopes would permit nothing."""
    return any(one.startswith("patient/") or one == "launch/patient" for one in scopes)


def _in_context(
    scopes: tuple[str, ...], pending: Pending, decision: Decision
) -> tuple[str | None, str | None]:
    """The patient and encounter: of the launch, or as chosen when a scope asks for one."""
    if not scopes:
        return None, None
    opened = pending.launch or {}
    if opened.get("patient"):
        return opened["patient"], opened.get("encounter")
    needs = _needs_patient(scopes)
    if needs and decision.patient is None:
        raise InvalidRequest("Choose a patient first.")
    chosen = decision.encounter if "launch/encounter" in scopes else None
    return decision.patient if needs else None, opened.get("encounter") or chosen


def _answer(
    target: str, members: Mapping[str, str], sent: Mapping[str, str], addresses: Addresses
) -> str:
    pairs = {**members, "iss": addresses.origin}
    if sent.get("state"):
        pairs["state"] = sent["state"]
    return f"{target}{'&' if '?' in target else '?'}{urlencode(pairs)}"
