"""The OpenAI client as the settings want it, and as nothing else wants it.

The client would read keys, addresses and headers from `OPENAI_...` variables, log requests under
`OPENAI_LOG` and repeat them by itself. Settings are the only source here, what was said is not
logged, and repeating belongs to the policy above.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from openai import AsyncAzureOpenAI, AsyncOpenAI

from integrations.llm.settings import LlmSettings

_NO_KEY = "none"
"""What servers without keys are sent: the client insists on one."""
_CONNECT_SECONDS = 10.0


def load(settings: LlmSettings) -> ssl.SSLContext:
    """Whom to trust. Reads files, and lets the client load what it loads when first used.

    To be called before an event loop is busy: it takes a second or two.
    """
    context = _trust(settings)
    _client(settings, _transport(settings, context)).chat.completions  # noqa: B018
    return context


def _trust(settings: LlmSettings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if settings.authorities is not None:
        context.load_verify_locations(settings.authorities)
    return context


@asynccontextmanager
async def open_client(settings: LlmSettings, tls: ssl.SSLContext) -> AsyncIterator[AsyncOpenAI]:
    """A client for one draft. It belongs to the event loop that it was opened in."""
    logging.getLogger("openai").setLevel(logging.WARNING)
    async with _client(settings, _transport(settings, tls)) as client:
        # Assigned, because None in the constructor means "look into the environment".
        client.organization = settings.organization
        client.project = None
        yield client


def _transport(settings: LlmSettings, tls: ssl.SSLContext) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        verify=tls,
        proxy=settings.proxy,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx2.Timeout(settings.seconds, connect=_CONNECT_SECONDS),
    )


def _client(settings: LlmSettings, transport: httpx2.AsyncClient) -> AsyncOpenAI:
    key = settings.api_key.get_secret_value() or _NO_KEY
    if settings.provider == "azure":
        return AsyncAzureOpenAI(
            azure_endpoint=settings.base_url,
            azure_deployment=settings.model,
            api_version=settings.api_version,
            api_key=key,
            http_client=transport,
            max_retries=0,
        )
    return AsyncOpenAI(
        api_key=key, base_url=settings.base_url, http_client=transport, max_retries=0
    )
