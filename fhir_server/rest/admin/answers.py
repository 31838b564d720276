"""What administration tells of accounts, sessions, clients, events, as JSON."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from starlette.responses import Response

from fhir_server.administration.applications import INVITATION_ID
from fhir_server.administration.credentials import LockState
from fhir_server.administration.sessions import ID
from fhir_server.auth.smart.clients.client import Client
from fhir_server.auth.smart.clients.metadata import describe
from fhir_server.clock import instant
from fhir_server.resource import Resource, dumps
from fhir_server.store.accounts import Account, Token
from fhir_server.store.smart.invitations import Invitation

_QUERY = "24"


def json(told: Any, status: int = 200) -> Response:
    """The answer, kept by nobody."""
    return Response(dumps(told), status, {"Cache-Control": "no-store"}, "application/json")


def done() -> Response:
    """Nothing more to say."""
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def user(account: Account) -> dict[str, Any]:
    """An account. It holds no hash."""
    return {
        "username": account.username,
        "display": account.display,
        "reference": account.reference,
        "email": account.email,
        "roles": list(account.roles),
        "status": "disabled" if account.disabled else "active",
        "has_password": bool(account.password_hash),
        "must_change_password": account.must_change_password,
        "created": _at(account.created),
        "password_changed": _at(account.password_changed),
        "last_sign_in": _at(account.last_sign_in),
    }


def lock(state: LockState) -> dict[str, Any]:
    """Failed sign-ins and the end of the pause."""
    return {"failures": state.failures, "until": _at(state.until)}


def session(token: Token, *, current: str) -> dict[str, Any]:
    """A session. `current` is the hash of the asker's token."""
    return {
        "id": token.hash[:ID],
        "current": token.hash == current,
        "issued": instant(token.issued),
        "last_used": instant(token.used or token.issued),
        "expires": instant(token.expires),
        "address": token.address,
        "agent": token.agent,
        "client": token.client,
        "emergency": bool(token.purpose),
    }


def client(one: Client) -> dict[str, Any]:
    """A client by the names of RFC 7591, with who answers for it and its secrets' number."""
    return {**describe(one), "owner": one.owner, "secrets": len(one.secrets)}


def invitation(one: Invitation) -> dict[str, Any]:
    """An open invitation, without what registers."""
    return {
        "id": one.hash[:INVITATION_ID],
        "owner": one.owner,
        "scope": " ".join(one.scopes),
        "expires": instant(one.expires),
    }


def event(found: Resource) -> dict[str, Any]:
    """An AuditEvent in one row."""
    agents = found.get("agent", [])
    asker: dict[str, Any] = next((one for one in agents if one.get("requestor")), {})
    who = asker.get("who", {})
    entities = found.get("entity", [])
    named = [one["what"]["reference"] for one in entities if "reference" in one.get("what", {})]
    what = list(dict.fromkeys(named))
    addresses = [one["network"]["address"] for one in agents if "network" in one]
    subtype = (found.get("subtype") or [{}])[0]
    return {
        "id": found.get("id"),
        "at": found.get("recorded"),
        "who": {
            "reference": who.get("reference", ""),
            "display": who.get("display") or who.get("identifier", {}).get("value", ""),
        },
        "action": found.get("action", ""),
        "kind": {"code": subtype.get("code", ""), "display": subtype.get("display", "")},
        "outcome": found.get("outcome", ""),
        "patients": [one for one in what if one.startswith("Patient/")],
        "what": [one for one in what if not one.startswith("Patient/")],
        "query": _query(entities),
        "reason": "; ".join(one.get("text", "") for one in found.get("purposeOfEvent", [])),
        "address": addresses[0] if addresses else "",
    }


def _query(entities: list[dict[str, Any]]) -> str:
    found = [one["query"] for one in entities if one.get("role", {}).get("code") == _QUERY]
    return base64.b64decode(found[0]).decode("utf-8", "replace") if found else ""


def _at(moment: datetime | None) -> str | None:
    return instant(moment) if moment else None
