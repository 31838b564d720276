"""What an operator may set about how people sign in."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

_CHANGING = frozenset(
    {"email", "mail", "name", "nickname", "phone_number", "preferred_username", "unique_name"}
    | {"upn", "username", "user_name", "login", "given_name", "family_name"}
)


class ProviderSettings(BaseModel):
    """Signing in by an outside OpenID provider."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    issuer: str = Field(
        default="",
        description="Issuer of the OpenID provider that people may sign in by, as it names itself; "
        "empty for none. Needs `AIMED_PUBLIC_URL`.",
    )
    label: str = Field(
        default="your organization",
        min_length=1,
        max_length=60,
        description="What the button says after `Sign in with`.",
    )
    client_id: str = Field(default="", description="What this server is called at the provider.")
    client_secret: SecretStr = Field(
        default=SecretStr(""), description="Its secret there, sent by HTTP Basic (RFC 6749 2.3.1)."
    )
    private_key: SecretStr = Field(
        default=SecretStr(""),
        description="Instead of a secret: a private key as JWK, with `kid`, for `private_key_jwt`; "
        "RSA signs RS256, P-256 ES256, P-384 ES384, unless its `alg` says otherwise.",
    )
    scopes: tuple[str, ...] = Field(
        default=("openid",), description="Scopes to ask the provider for, as a JSON list."
    )
    claim: str = Field(
        default="sub",
        description="Claim of the id_token that names a person for good, such as `sub` or `oid`. "
        "Names and addresses, which can be given to somebody else, are refused.",
    )
    algorithms: tuple[Literal["RS256", "RS384", "ES256", "ES384"], ...] = Field(
        default=("RS256", "ES256"),
        min_length=1,
        description="Signatures of id_tokens that are taken, as a JSON list.",
    )
    roles: tuple[str, ...] = Field(
        default=(),
        description="Roles, one of which an account must have to be signed in by the provider, as "
        "a JSON list; empty for any.",
    )
    second_factor_amr: tuple[str, ...] = Field(
        default=(),
        description="Values of `amr` (RFC 8176), as a JSON list, of which one says that the "
        "provider has checked a second factor, such as `mfa`. Empty: its word does not count.",
    )
    second_factor_acr: tuple[str, ...] = Field(
        default=(),
        description="The same for `acr`; these are asked for as `acr_values`.",
    )

    @model_validator(mode="after")
    def _whole(self) -> ProviderSettings:
        if self.issuer and not self.client_id:
            raise ValueError("an OpenID provider needs a client_id")
        if self.issuer and _origin_of(self.issuer) is None:
            raise ValueError("issuer is no https:// or http:// address")
        if self.issuer and bool(_told(self.client_secret)) == bool(_told(self.private_key)):
            raise ValueError("an OpenID provider needs a client_secret or a private_key, not both")
        if self.claim.lower() in _CHANGING:
            raise ValueError("claim must name a person for good, as sub does")
        if "openid" not in self.scopes:
            raise ValueError("scopes must have openid")
        return self


class IdentitySettings(BaseModel):
    """Signing in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_url: str = Field(
        default="",
        description="Address at which people open this server; unless set, `AIMED_PUBLIC_URL`. "
        "Passkeys belong to its host name. Without it they work at `http://localhost` alone.",
    )
    second_factor_roles: tuple[str, ...] = Field(
        default=(),
        description='Roles, as a JSON list such as `["admin"]`, that need a second factor. Who has '
        "one of them and no factor can sign in only to set one up.",
    )
    provider: ProviderSettings = Field(default_factory=ProviderSettings)

    @field_validator("public_url")
    @classmethod
    def _an_origin(cls, url: str) -> str:
        if url and _origin_of(url) != url.rstrip("/"):
            raise ValueError("public_url is https:// or http://, a host, and no path")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _reachable(self) -> IdentitySettings:
        if self.provider.issuer and not self.public_url:
            raise ValueError("an OpenID provider leads people back to public_url: set it too")
        return self


def _origin_of(url: str) -> str | None:
    """Scheme, host and port. None for what is no address of a web server."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc:
        return None
    return f"{parts.scheme}://{parts.netloc}"


def _told(secret: SecretStr) -> str:
    return secret.get_secret_value()
