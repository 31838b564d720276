"""What a client says about itself when it registers. RFC 7591 section 2, and SMART's `launch_url`.

A field that is not known here is passed over, as the RFC has it; one that is known and wrong is
refused, never repaired, except that scopes are cut down to what the registration may have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from fhir_server.auth.smart.clients.client import Client, Method
from fhir_server.auth.smart.clients.redirect_uris import check_redirect_uri, problem_of
from fhir_server.auth.smart.clients.scope_ceiling import limited
from fhir_server.auth.smart.errors import InvalidClientMetadata, UnapprovedSoftwareStatement
from fhir_server.auth.smart.keys.soundness import UnsoundKey, sound_set

GRANTS = ("authorization_code", "refresh_token", "client_credentials")
_SECRETS = ("client_secret_basic", "client_secret_post")
_LONGEST_NAME = 200
_MOST = 20


@dataclass(frozen=True)
class Metadata:
    """Checked metadata; the fields are those of `Client`."""

    name: str
    redirect_uris: tuple[str, ...]
    launch_url: str | None
    method: Method
    jwks: dict[str, Any] | None
    jwks_uri: str | None
    scopes: tuple[str, ...]
    grants: tuple[str, ...]
    logo_uri: str | None
    client_uri: str | None
    policy_uri: str | None
    tos_uri: str | None
    contacts: tuple[str, ...]

    @property
    def has_secret(self) -> bool:
        """Whether the client authenticates with a secret, which a public one never gets."""
        return self.method in _SECRETS


def read_metadata(sent: Mapping[str, Any], ceiling: tuple[str, ...]) -> Metadata:
    """Check the fields of a registration.

    Raises `InvalidRedirectUri`, `InvalidClientMetadata` or `UnapprovedSoftwareStatement`.
    """
    if "software_statement" in sent:
        raise UnapprovedSoftwareStatement("Software statements are not accepted here.")
    method = _method(sent)
    grants = _grants(sent, method)
    jwks, jwks_uri = _keys(sent, method)
    return Metadata(
        name=_name(sent),
        redirect_uris=_redirect_uris(sent, grants),
        launch_url=_page(sent, "launch_url") or _page(sent, "initiate_login_uri"),
        method=method,
        jwks=jwks,
        jwks_uri=jwks_uri,
        scopes=_scopes(sent, ceiling),
        grants=grants,
        logo_uri=_page(sent, "logo_uri"),
        client_uri=_page(sent, "client_uri"),
        policy_uri=_page(sent, "policy_uri"),
        tos_uri=_page(sent, "tos_uri"),
        contacts=_texts(sent, "contacts", ()),
    )


def describe(client: Client) -> dict[str, Any]:
    """A client's metadata by the names of RFC 7591. It holds no secret."""
    code = "authorization_code" in client.grants
    fields = {
        "client_id": client.id,
        "client_id_issued_at": int(client.created.timestamp()),
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "launch_url": client.launch_url,
        "token_endpoint_auth_method": client.method,
        "grant_types": list(client.grants),
        "response_types": ["code"] if code else [],
        "scope": " ".join(client.scopes),
        "jwks": client.jwks,
        "jwks_uri": client.jwks_uri,
        "logo_uri": client.logo_uri,
        "client_uri": client.client_uri,
        "policy_uri": client.policy_uri,
        "tos_uri": client.tos_uri,
        "contacts": list(client.contacts),
        "status": client.status,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _method(sent: Mapping[str, Any]) -> Method:
    method = sent.get("token_endpoint_auth_method", "client_secret_basic")
    if method not in get_args(Method):
        raise InvalidClientMetadata(
            f"token_endpoint_auth_method is one of {', '.join(get_args(Method))}."
        )
    return cast(Method, method)


def _grants(sent: Mapping[str, Any], method: Method) -> tuple[str, ...]:
    grants = _texts(sent, "grant_types", ("authorization_code",))
    if not grants or not set(grants) <= set(GRANTS):
        raise InvalidClientMetadata(f"grant_types are some of {', '.join(GRANTS)}.")
    if "refresh_token" in grants and "authorization_code" not in grants:
        raise InvalidClientMetadata("refresh_token goes with authorization_code only.")
    if "client_credentials" in grants and method != "private_key_jwt":
        raise InvalidClientMetadata("client_credentials takes private_key_jwt: SMART backend.")
    code = "authorization_code" in grants
    responses = _texts(sent, "response_types", ("code",) if code else ())
    if responses != (("code",) if code else ()):
        raise InvalidClientMetadata("response_types is code with authorization_code, else empty.")
    return grants


def _redirect_uris(sent: Mapping[str, Any], grants: tuple[str, ...]) -> tuple[str, ...]:
    uris = tuple(check_redirect_uri(uri) for uri in _texts(sent, "redirect_uris", ()))
    if bool(uris) != ("authorization_code" in grants):
        raise InvalidClientMetadata("redirect_uris go with authorization_code, and must then be.")
    return uris


def _keys(sent: Mapping[str, Any], method: Method) -> tuple[dict[str, Any] | None, str | None]:
    jwks, uri = sent.get("jwks"), sent.get("jwks_uri")
    if method != "private_key_jwt":
        if jwks is not None or uri is not None:
            raise InvalidClientMetadata("jwks and jwks_uri go with private_key_jwt.")
        return None, None
    if (jwks is None) == (uri is None):
        raise InvalidClientMetadata("private_key_jwt takes either jwks or jwks_uri.")
    if uri is not None:
        return None, _https(uri, "jwks_uri")
    try:
        return {"keys": sound_set(jwks)}, None
    except UnsoundKey as error:
        raise InvalidClientMetadata(f"jwks: {error}") from None


def _scopes(sent: Mapping[str, Any], ceiling: tuple[str, ...]) -> tuple[str, ...]:
    asked = sent.get("scope", " ".join(ceiling))
    if not isinstance(asked, str):
        raise InvalidClientMetadata("scope is a text, scopes with a space between them.")
    scopes = limited(asked.split(), ceiling)
    if not scopes:
        raise InvalidClientMetadata("None of these scopes may be registered here.")
    return scopes


def _name(sent: Mapping[str, Any]) -> str:
    name = sent.get("client_name")
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME:
        raise InvalidClientMetadata(
            f"client_name is needed, at most {_LONGEST_NAME} characters: people are asked by it."
        )
    # Direction marks and line ends would let a name rewrite the question around it.
    if not name.isprintable():
        raise InvalidClientMetadata("client_name has only printable characters.")
    return name.strip()


def _page(sent: Mapping[str, Any], name: str) -> str | None:
    """A page for people, or None."""
    uri = sent.get(name)
    if uri is not None and (problem := problem_of(uri)):
        raise InvalidClientMetadata(f"{name} {problem}.")
    return uri


def _https(uri: object, name: str) -> str:
    problem = problem_of(uri)
    if problem is None and not str(uri).startswith("https://"):
        problem = "begins with https://"
    if problem:
        raise InvalidClientMetadata(f"{name} {problem}.")
    return str(uri)


def _texts(sent: Mapping[str, Any], name: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    found = sent.get(name, list(usual))
    if not isinstance(found, list) or len(found) > _MOST:
        raise InvalidClientMetadata(f"{name} is a list of at most {_MOST}.")
    if not all(isinstance(one, str) and one.isprintable() and len(one) <= 2000 for one in found):
        raise InvalidClientMetadata(f"{name} is a list of texts.")
    return tuple(dict.fromkeys(found))
