"""Calls to addresses that come from outside: one guarded HTTP client. OWASP ASVS 5.0 V1.3.6."""

from integrations.outbound.client import Answer, GuardedClient, open_guarded_client
from integrations.outbound.key_sets import key_set_fetch

__all__ = ["Answer", "GuardedClient", "key_set_fetch", "open_guarded_client"]
