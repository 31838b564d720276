"""Searches and operations that take too long are given up, so that a few cannot hold up all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fhir_server.errors import TooCostly
from fhir_server.interactions.context import Context


@asynccontextmanager
async def time_limit(context: Context) -> AsyncIterator[None]:
    """Raise `TooCostly` when what is inside takes over `search_seconds`.

    Its query is cancelled, which closes the connection, at which MongoDB gives up as well.
    """
    seconds = context.server.settings.search_seconds
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise TooCostly(
            f"This takes over {seconds:g} s. Narrow it, or ask for less at once."
        ) from None
