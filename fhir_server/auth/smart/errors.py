"""What an authorization server may answer instead of a token or a code.

These are the OAuth 2.0 errors by their registered names; `fhir_server.rest.smart.errors` renders
them. A description is for the developer of the client, and never repeats a secret or a value of a
patient. Sources: RFC 6749 4.1.2.1 and 5.2, RFC 6750 3.1, RFC 7591 3.2.2, RFC 7592 2, RFC 8707 2,
OpenID Connect Core 3.1.2.6.
"""

from __future__ import annotations

from typing import ClassVar


class OAuthError(Exception):
    """An expected refusal. `error` is its registered code, `status` the HTTP status of JSON."""

    error: ClassVar[str] = "server_error"
    status: ClassVar[int] = 400

    def __init__(self, description: str, *, headers: dict[str, str] | None = None) -> None:
        """`headers` go out with the response, as WWW-Authenticate must with some of the 401."""
        super().__init__(description)
        self.description = description
        self.headers = headers or {}


class InvalidRequest(OAuthError):
    """A parameter is missing, repeated or malformed."""

    error = "invalid_request"


class InvalidClient(OAuthError):
    """The client did not prove who it is.

    RFC 6749 5.2 demands a challenge when the client tried the Authorization header.
    """

    error, status = "invalid_client", 401

    def __init__(self, description: str, *, basic: bool = False) -> None:
        """`basic` says that the client tried HTTP Basic."""
        challenge = {"WWW-Authenticate": 'Basic realm="aimed", charset="UTF-8"'} if basic else {}
        super().__init__(description, headers=challenge)


class InvalidGrant(OAuthError):
    """The code or refresh token is wrong, used, expired, or another client's."""

    error = "invalid_grant"


class UnauthorizedClient(OAuthError):
    """The client is known and may not use this grant."""

    error = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    """No such grant here."""

    error = "unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    """Only codes are given, never tokens, at the authorization endpoint."""

    error = "unsupported_response_type"


class UnsupportedTokenType(OAuthError):
    """Tokens of that type cannot be revoked here. RFC 7009 2.2.1."""

    error = "unsupported_token_type"


class InvalidScope(OAuthError):
    """The scopes are unknown, malformed, or more than may be granted."""

    error = "invalid_scope"


class InvalidTarget(OAuthError):
    """The token is asked for another server than this one. RFC 8707."""

    error = "invalid_target"


class AccessDenied(OAuthError):
    """The person, or a rule of this server, said no."""

    error, status = "access_denied", 403


class LoginRequired(OAuthError):
    """`prompt=none`, and nobody is signed in."""

    error = "login_required"


class ConsentRequired(OAuthError):
    """`prompt=none`, and there is something to agree to."""

    error = "consent_required"


class InteractionRequired(OAuthError):
    """`prompt=none`, and there is something to choose, as a patient."""

    error = "interaction_required"


class TemporarilyUnavailable(OAuthError):
    """Overload or an outage; the same request may succeed later."""

    error, status = "temporarily_unavailable", 503


class InvalidToken(OAuthError):
    """The bearer token of a registration is missing or wrong. RFC 6750 3.1."""

    error, status = "invalid_token", 401

    def __init__(self, description: str) -> None:
        """The challenge is the one RFC 6750 section 3 asks for."""
        challenge = 'Bearer realm="aimed", error="invalid_token"'
        super().__init__(description, headers={"WWW-Authenticate": challenge})


class InvalidRedirectUri(OAuthError):
    """A redirect URI that may not be registered."""

    error = "invalid_redirect_uri"


class InvalidClientMetadata(OAuthError):
    """A field of a registration that is refused."""

    error = "invalid_client_metadata"


class InvalidSoftwareStatement(OAuthError):
    """The software statement is malformed or wrongly signed."""

    error = "invalid_software_statement"


class UnapprovedSoftwareStatement(OAuthError):
    """Software statements of that issuer are not accepted here."""

    error = "unapproved_software_statement"
