"""One MLLP listener: who may connect to it, and the connections that it has."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from ipaddress import ip_address, ip_network

import structlog

from integrations.hl7v2.intake import Intake
from integrations.hl7v2.mllp.admissions import Admission, Admissions
from integrations.hl7v2.mllp.connection import Connection
from integrations.hl7v2.mllp.opening import Arrival, Streams, opened, shown_name
from integrations.hl7v2.mllp.tls import listener_context
from integrations.hl7v2.settings import Hl7v2Settings, ListenerSettings
from integrations.hl7v2.source import source_of

_log = structlog.get_logger("aimed.hl7v2")


class Listener:
    """Accepts and serves connections from `start` to `stop`. `port` is the one that it has."""

    def __init__(
        self,
        intake: Intake,
        settings: Hl7v2Settings,
        listener: ListenerSettings,
        admissions: Admissions,
    ) -> None:
        self.settings = listener
        self.port = listener.port
        self._all = settings
        self._intake = intake
        self._admissions = admissions
        self._networks = [ip_network(one, strict=False) for one in listener.peers]
        self._context: ssl.SSLContext | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[Connection] = set()
        self._peers: Counter[str] = Counter()

    @property
    def connections(self) -> int:
        """How many there are now, those included whose handshake is under way."""
        return self._peers.total()

    async def start(self) -> None:
        """Listen. Raises `OSError`."""
        # Certificates are read from files.
        self._context = await asyncio.to_thread(listener_context, self.settings.tls)
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Arrival(self._arrived), self.settings.host, self.settings.port
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more, answer what has begun to come, and close."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._open):
            connection.drain()
        if tasks := list(self._tasks):
            await asyncio.wait(tasks, timeout=self._all.limits.drain_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._server = None

    def _arrived(self, transport: asyncio.Transport) -> None:
        peer = str((transport.get_extra_info("peername") or ("",))[0])
        if reason := self._refusal(peer):
            self._refuse(peer, reason)
            transport.close()
            return
        self._peers[peer] += 1
        task = asyncio.create_task(self._admitted(transport, peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _admitted(self, transport: asyncio.Transport, peer: str) -> None:
        try:
            streams = await self._opened(transport, peer)
            if streams is not None:
                await self._serve(streams, peer)
        except asyncio.CancelledError:
            # At the end of the server; asyncio would report the task otherwise.
            return
        finally:
            transport.close()
            self._peers[peer] -= 1
            if not self._peers[peer]:
                del self._peers[peer]

    async def _opened(self, transport: asyncio.Transport, peer: str) -> Streams | None:
        try:
            return await opened(transport, self._context)
        except OSError as error:
            self._refuse(peer, "tls", detail=getattr(error, "reason", "") or type(error).__name__)
            return None

    async def _serve(self, streams: Streams, peer: str) -> None:
        reader, writer = streams
        name = shown_name(writer.transport)
        self._admissions.note(Admission(self.settings.name, peer, name=name))
        source = source_of(self.settings, self._all, peer)
        connection = Connection(reader, writer, self._intake, source, self._all.limits)
        self._open.add(connection)
        try:
            await connection.serve()
        finally:
            self._open.discard(connection)

    def _refuse(self, peer: str, reason: str, **more: str) -> None:
        self._admissions.note(Admission(self.settings.name, peer, refused=reason))
        told = {"listener": self.settings.name, "peer": peer, "reason": reason, **more}
        _log.warning("connection refused", **told)

    def _refusal(self, peer: str) -> str:
        """Why a peer may not connect, empty when it may."""
        limits = self._all.limits
        if self._networks and not self._allowed(peer):
            return "not among the peers of this listener"
        if self.connections >= limits.connections:
            return "too many connections"
        if self._peers[peer] >= limits.per_peer:
            return "too many connections of this peer"
        return ""

    def _allowed(self, peer: str) -> bool:
        try:
            address = ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(address in network or mapped in network for network in self._networks)
