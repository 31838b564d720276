"""How the provider is reached: the guarded client of outgoing calls fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from fhir_server.errors import FhirError, Unavailable
from fhir_server.resource import loads

_SILENT = "{} does not answer as it should. Try again, or sign in with your password."


class Answer(Protocol):
    """A whole answer, whatever its status."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def body(self) -> bytes:
        """The decoded body."""
        ...


class Client(Protocol):
    """Sends one request, follows no redirect, and gives up in time. Raises `FhirError`."""

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes = b""
    ) -> Answer:
        """One request and its answer."""
        ...


class Exchange:
    """Requests whose answers are JSON objects. `label` is what people call the provider."""

    def __init__(self, client: Client, label: str) -> None:
        self._client = client
        self._label = label

    async def get(self, url: str) -> dict[str, Any]:
        """The object of a 200. Raises `Unavailable` for anything else."""
        status, told = await self._object("GET", url, {}, b"")
        if status != 200:
            raise self.silent()
        return told

    async def post(
        self, url: str, headers: Mapping[str, str], form: bytes
    ) -> tuple[int, dict[str, Any]]:
        """Status and object of the answer to a form. Raises `Unavailable`."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._object("POST", url, {**kind, **headers}, form)

    async def _object(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> tuple[int, dict[str, Any]]:
        accept = {"Accept": "application/json"}
        try:
            answer = await self._client.send(
                method, url, headers={**accept, **headers}, content=content
            )
            told = loads(answer.body)
        except FhirError:  # no answer, one that is too large, no JSON, an address not called
            raise self.silent() from None
        if not isinstance(told, dict):
            raise self.silent()
        return answer.status, told

    def silent(self) -> Unavailable:
        """What to say when the provider cannot be understood."""
        return Unavailable(_SILENT.format(self._label[:1].upper() + self._label[1:]))
