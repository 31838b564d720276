"""An outside OpenID provider as the rest of the server knows it. OpenID Connect Core 1.0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Asked:
    """What one sign-in was begun with, and its answer is held against.

    `verifier` is that of PKCE, `redirect_uri` where the provider sends the person back to.
    """

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


@dataclass(frozen=True)
class Returned:
    """What the person came back with: a code, and `iss` if the provider gives it (RFC 9207)."""

    code: str
    iss: str | None = None


@dataclass(frozen=True)
class Identity:
    """Whom the provider has recognised. `subject` names a person for good, at this issuer."""

    issuer: str
    subject: str
    amr: tuple[str, ...] = ()
    acr: str = ""


class IdentityProvider(Protocol):
    """One provider. Both calls raise `NotAuthenticated` and `Unavailable`."""

    @property
    def issuer(self) -> str:
        """Its identifier."""
        ...

    async def address(self, asked: Asked) -> str:
        """Where the person's browser has to go."""
        ...

    async def identify(self, returned: Returned, asked: Asked) -> Identity:
        """Who came back, once everything about the answer was found right."""
        ...
