"""The whole stack: two databases, API, worker and relay, started and stopped in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from aimed.embedded import programs
from aimed.embedded.data_folder import Addresses, DataFolder
from aimed.embedded.errors import StackError
from aimed.embedded.mllp_ports import as_json, with_ports
from aimed.embedded.orphans import end_orphans, remember
from aimed.embedded.ports import free_port, require_free
from aimed.embedded.supervisor import Supervisor
from aimed.first_login import FirstLogin
from aimed.settings import Settings, child_environment
from integrations.hl7v2.settings import ListenerSettings

_APPLICATIONS = ("api", "mllp", "worker", "relay")
_DATABASES = ("mongo", "redis")
_RESTARTING = 90.0


class Stack:
    """Everything on one data folder. Use as an async context manager, or `start` and `stop`.

    `port` 0 takes a free one, as does a listener of HL7 v2 with port 0. With `settings.mongo.uri`
    or `settings.redis.uri` set, that server is used and none is started. `applications` False
    starts the databases alone. `say` gets sentences about what happens while it runs. `environment`
    is set for the applications beside what they inherit. Start it in a thread that outlives it (see
    `tether`).
    """

    def __init__(
        self,
        settings: Settings,
        data: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        applications: bool = True,
        say: Callable[[str], None] = lambda sentence: None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = DataFolder(data)
        self.first_login: FirstLogin | None = None
        self.http_url = self.mongo_uri = self.redis_uri = ""
        self.listeners: tuple[ListenerSettings, ...] = ()
        self._settings = settings
        self._host, self._port = host, port
        self._applications = applications
        self._environment = dict(environment or {})
        self._supervisor = Supervisor(say=say, changed=self._remember)
        self._held = ExitStack()

    async def __aenter__(self) -> Stack:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Start everything and wait until it answers. Raises `StackError`, with nothing left."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything, applications first, within 10 s. Repeating it is harmless."""
        await self._supervisor.stop(_APPLICATIONS)
        await self._supervisor.stop(_DATABASES)
        self._held.close()

    async def failed(self) -> None:
        """Wait while all is well; raise `StackError` once something does not stay alive."""
        await self._supervisor.failed()

    def pid(self, name: str) -> int:
        """The process id of `api`, `mllp`, `worker`, `relay`, `mongo` or `redis`."""
        return self._supervisor.pid(name)

    def kill(self, name: str) -> None:
        """SIGKILL one of them, as a crash would. It is restarted on the same address."""
        self._supervisor.kill(name)

    async def ready(self) -> None:
        """Wait until the API answers again, after a `kill`. Raises `TimeoutError` after 90 s."""
        port = int(self.http_url.rpartition(":")[2])
        async with asyncio.timeout(_RESTARTING):
            while not await programs.api_answers(self._host, port):  # noqa: ASYNC110  over HTTP
                await asyncio.sleep(0.05)

    async def _start(self) -> None:
        self._held.enter_context(self.folder)
        if self._port:
            require_free(self._host, self._port)
        await asyncio.to_thread(end_orphans, self.folder.children, self.folder.path)
        await self._start_databases()
        if self._applications:
            await self._start_applications()
        self.folder.publish(Addresses(self.http_url, self.mongo_uri, self.redis_uri))

    async def _start_databases(self) -> None:
        self.mongo_uri = self._settings.mongo.uri or ""
        self.redis_uri = self._settings.redis.uri or ""
        starting, environment = [], child_environment({})
        if not self.mongo_uri:
            port = free_port()
            self.mongo_uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
            starting.append(programs.mongo(self.folder, port, environment))
        if not self.redis_uri:
            port = free_port()
            self.redis_uri = f"redis://127.0.0.1:{port}/0"
            starting.append(programs.redis(self.folder, port, environment))
        await self._together(*(self._supervisor.start(program) for program in starting))

    async def _start_applications(self) -> None:
        # Imported here: a test that needs the databases alone does not load the definitions.
        from aimed.migration import migrate

        self.first_login = await migrate(
            self._settings.at(mongo=self.mongo_uri, redis=self.redis_uri),
            first_login=self.folder.first_login,
        )
        port = self._port or free_port(self._host)
        self.listeners = with_ports(self._settings.hl7v2.listeners)
        self.http_url = f"http://{programs.reachable(self._host)}:{port}"
        environment = child_environment(
            {
                **self._environment,
                "AIMED_MONGO__URI": self.mongo_uri,
                "AIMED_REDIS__URI": self.redis_uri,
                "AIMED_DATA": str(self.folder.path),
                "AIMED_HL7V2__LISTENERS": as_json(self.listeners),
                "AIMED_MAIL__SITE": self._settings.mail.site or self.http_url,
                **self._own_name(),
            }
        )
        await self._together(
            self._supervisor.start(programs.api(self.folder, self._host, port, environment)),
            self._supervisor.start(programs.background("worker", self.folder, environment)),
            self._supervisor.start(programs.background("relay", self.folder, environment)),
            *self._mllp(environment),
        )

    def _own_name(self) -> dict[str, str]:
        """With a list of host names, the one that is printed is among them."""
        hosts = self._settings.fhir.requests.hosts
        if not hosts:
            return {}
        mine = self.http_url.partition("://")[2]
        return {"AIMED_FHIR__REQUESTS__HOSTS": json.dumps([*hosts, mine])}

    def _mllp(self, environment: Mapping[str, str]) -> list[Coroutine[None, None, None]]:
        if not self.listeners:
            if not self._settings.hl7v2.outbound.destinations:
                return []
            return [self._supervisor.start(programs.background("mllp", self.folder, environment))]
        first = self.listeners[0]
        program = programs.mllp(self.folder, first.host, first.port, environment)
        return [self._supervisor.start(program)]

    async def _together(self, *starts: Coroutine[None, None, None]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for start in starts:
                    group.create_task(start)
        except* StackError as errors:
            raise errors.exceptions[0] from None

    def _remember(self, pids: Sequence[int]) -> None:
        remember(self.folder.children, pids)
