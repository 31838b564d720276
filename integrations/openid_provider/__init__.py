"""An outside OpenID provider, spoken to as a relying party. OpenID Connect Core 1.0."""

from integrations.openid_provider.provider import OpenIdProvider

__all__ = ["OpenIdProvider"]
