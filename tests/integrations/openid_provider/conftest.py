"""A scripted OpenID provider on a socket, which lies as it is told."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from fhir_server.auth.identity.provider import Asked, Identity, Returned
from fhir_server.clock import system_clock
from fhir_server.identity_settings import ProviderSettings
from integrations.openid_provider import OpenIdProvider
from integrations.outbound import open_guarded_client
from integrations.outbound.settings import OutboundSettings

ASKED = Asked("the-state", "the-nonce", "v" * 43, "https://aimed.example/sign-in/provider")
Keys = dict[str, RSAKey | ECKey]


@cache
def rsa_key(number: int) -> RSAKey:
    """One of several keys; each takes long to find."""
    return RSAKey.generate_key(2048)


@dataclass
class Liar:
    """What it says of itself, and whatever a test wants it to answer instead."""

    issuer: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    signer: str = "one"
    keys: Keys = field(default_factory=lambda: {"one": rsa_key(0)})
    published: Callable[[], dict[str, Any]] | None = None
    forge: Callable[[dict[str, Any]], str] | None = None
    answers: dict[str, bytes] = field(default_factory=dict)
    slow: frozenset[str] = frozenset()
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        named = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return {name: told for name, told in (named | self.metadata).items() if told is not None}

    def jwks(self) -> dict[str, Any]:
        if self.published:
            return self.published()
        public = [{**key.as_dict(private=False), "kid": kid} for kid, key in self.keys.items()]
        return {"keys": public}

    def id_token(self) -> str:
        now = int(system_clock().timestamp())
        usual: dict[str, Any] = {
            "iss": self.issuer,
            "aud": "aimed",
            "sub": "person-1",
            "nonce": ASKED.nonce,
            "iat": now,
            "exp": now + 300,
        }
        claims = {n: told for n, told in (usual | self.claims).items() if told is not None}
        if self.forge:
            return self.forge(claims)
        key = self.keys[self.signer]
        alg = "RS256" if isinstance(key, RSAKey) else "ES256"
        header = {"alg": alg, "kid": self.signer} | self.header
        header = {name: told for name, told in header.items() if told is not None}
        payload = json.dumps(claims).encode()
        return jws.serialize_compact(header, payload, key, ["RS256", "RS384", "ES256"])

    def answer(self, path: str) -> bytes:
        if path in self.answers:
            return self.answers[path]
        told: dict[str, Any] = {
            "/.well-known/openid-configuration": self.document,
            "/keys": self.jwks,
            "/token": lambda: {"id_token": self.id_token(), "access_token": "x"},
        }[path]()
        return response(200, json.dumps(told).encode())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            path = first.split(" ")[1]
            self.asked.append((path, headers, dict(parse_qsl(body.decode()))))
            if path in self.slow:
                await reader.read()  # until the other side gives up
                return
            writer.write(self.answer(path))
            await writer.drain()
        finally:
            writer.close()


def response(status: int, body: bytes, **headers: str) -> bytes:
    told = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body


def part(told: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


@dataclass
class Meeting:
    """The liar, and our side of it, whose clock can be set."""

    liar: Liar
    provider: OpenIdProvider
    at: list[datetime]

    async def identify(self, code: str = "c", iss: str | None = None) -> Identity:
        return await self.provider.identify(Returned(code, iss), ASKED)


Meet = Callable[..., Awaitable[Meeting]]


@pytest.fixture
async def meet() -> AsyncIterator[Meet]:
    """Starts a liar, and a provider for it with settings of one's choice."""
    async with AsyncExitStack() as stack:

        async def met(*, seconds: float = 60, **settings: Any) -> Meeting:
            liar, at = Liar(), list[datetime]()
            server = await asyncio.start_server(liar.serve, "127.0.0.1", 0)
            stack.push_async_callback(server.wait_closed)
            stack.callback(server.close)
            port = server.sockets[0].getsockname()[1]
            liar.issuer = f"http://127.0.0.1:{port}"
            outbound = OutboundSettings(
                internal_hosts=("127.0.0.0/8",), plain_http=True, ports=(port,), seconds=seconds
            )
            client = await stack.enter_async_context(open_guarded_client(outbound))
            usual = {"issuer": liar.issuer, "client_id": "aimed", "client_secret": "s%/+ "}
            if "private_key" in settings:
                del usual["client_secret"]
            provider = OpenIdProvider(
                client,
                ProviderSettings.model_validate(usual | settings),
                clock=lambda: at[-1] if at else system_clock(),
                secret=lambda: secrets.token_urlsafe(32),
            )
            return Meeting(liar, provider, at)

        yield met
