"""The demo's HTTP client: what a dashboard or an EHR asks of the server."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import httpx2

Json = dict[str, Any]


class DemoError(Exception):
    """Something the demo needed did not happen; the text is for the terminal."""


class Api:
    """REST calls of one signed-in user. Use as an async context manager."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = ""
        self._client = httpx2.AsyncClient(base_url=url, timeout=30)

    async def __aenter__(self) -> Api:
        """Return the client; `sign_in` comes next."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def sign_in(self, username: str, password: str) -> None:
        """Get a token from the login route and send it from now on."""
        answer = await self._client.post(
            "/auth/login", json={"username": username, "password": password}
        )
        self.token = _json(answer)["access_token"]
        self._client.headers["Authorization"] = f"Bearer {self.token}"

    async def get(self, path: str, **parameters: str) -> Json:
        """GET a JSON document."""
        return _json(await self._client.get(path, params=parameters))

    async def content(self, path: str, accept: str) -> bytes:
        """GET the bytes of a Binary."""
        answer = await self._client.get(path, headers={"Accept": accept})
        if answer.status_code != 200:
            raise DemoError(f"GET {path} answered {answer.status_code}.")
        return answer.content

    async def post(self, path: str, body: Json) -> Json:
        """POST a JSON document."""
        return _json(await self._client.post(path, json=body))

    async def count(self, type: str, **parameters: str) -> int:
        """How many resources of a type match."""
        found = await self.get(f"/fhir/{type}", _summary="count", **parameters)
        return int(found["total"])

    async def search(self, type: str, **parameters: str) -> list[Json]:
        """The matching resources, up to 200."""
        found = await self.get(f"/fhir/{type}", _count="200", **parameters)
        return [entry["resource"] for entry in found.get("entry", [])]


def _json(answer: httpx2.Response) -> Json:
    if answer.status_code >= 400:
        raise DemoError(
            f"{answer.request.method} {answer.request.url.path} answered "
            f"{answer.status_code}: {answer.text[:300]}"
        )
    parsed: Json = answer.json() if answer.content else {}
    return parsed
