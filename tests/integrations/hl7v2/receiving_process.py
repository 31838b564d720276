"""The whole receiving side as a process of its own, to be killed: URI, database, listeners."""

from __future__ import annotations

import asyncio
import sys

from fhir_server.store.connection import connect
from tests.integrations.hl7v2.running import running


async def _main(uri: str, name: str) -> None:
    async with connect(uri) as client, running(client[name], name=str(id(client))) as hl7:
        hl7.registry.seconds = 0.002
        sys.stdout.write(f"{hl7.port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
