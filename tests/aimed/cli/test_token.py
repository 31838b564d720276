"""`aimed token`: what a token from the command line may do, and what not."""

from __future__ import annotations

import asyncio
import uuid

import httpx2
import pytest
from fastapi import FastAPI
from typer import Typer
from typer.testing import CliRunner

from aimed.cli.token import token
from aimed.fhir import open_fhir
from aimed.settings import Settings
from fhir_server import app as fhir_app
from fhir_server.clock import random_id


def printed(scope: str) -> str:
    command = Typer()
    command.command()(token)
    result = CliRunner().invoke(command, ["--scope", scope])
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


@pytest.fixture
def settings(mongo_uri: str, redis_uri: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("AIMED_MONGO__URI", mongo_uri)
    monkeypatch.setenv("AIMED_REDIS__URI", redis_uri)
    monkeypatch.setenv("AIMED_MONGO__DATABASE", f"test_{uuid.uuid4().hex}")
    return Settings()


async def ask(settings: Settings, bearer: str, method: str, path: str) -> int:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    async with open_fhir(settings) as server:
        app.state.fhir = server
        transport = httpx2.ASGITransport(app=app)
        headers = {"Authorization": f"Bearer {bearer}"}
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://test", headers=headers
        ) as client:
            answer = await client.request(method, path, json={} if method == "POST" else None)
            return answer.status_code


def test_it_does_what_its_scope_says_and_no_more(settings: Settings) -> None:
    bearer = printed("system/Patient.rs")
    asked = {
        ("GET", "/fhir/Patient"): 200,
        ("GET", "/fhir/Observation"): 403,
        ("DELETE", "/fhir/Patient/p"): 403,
        ("GET", "/fhir/AuditEvent"): 403,
        # It is nobody's sign-in, and administers nothing.
        ("POST", "/api/admin/users/search"): 401,
        ("POST", "/api/audit/search"): 401,
        ("GET", "/auth/account"): 401,
    }
    for (method, path), status in asked.items():
        assert asyncio.run(ask(settings, bearer, method, path)) == status, path
