"""`aimed client`, on a database of its own."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from aimed.cli.client import make_client
from aimed.embedded.errors import StackError
from fhir_server.auth.smart.clients.client import Client, ClientStore
from fhir_server.auth.smart.clients.credentials import has_secret
from fhir_server.clock import system_clock
from fhir_server.store.connection import connect
from tests.aimed.cli.running import Run, RunOf


@pytest.fixture
def run(run_of: RunOf) -> Run:
    """Runs a subcommand and answers what it printed."""
    return run_of(make_client())


async def _find(uri: str, name: str, id: str) -> Client:
    async with connect(uri) as client:
        found = await ClientStore(client[name]).find(id)
    assert found is not None
    return found


def test_life_of_a_client(run: Run, mongo_uri: str, name: str) -> None:
    added = run(
        "add", "Growth chart", "--id", "growth", "--method", "client_secret_basic",
        "--scope", "openid launch patient/*.rs", "--redirect", "https://app.example/cb",
        "--launch-url", "https://app.example/launch",
    )  # fmt: skip
    shown, _, old = added.rpartition("Secret, shown this once: ")
    assert json.loads(shown)["redirect_uris"] == ["https://app.example/cb"]
    assert json.loads(run("show", "growth"))["launch_url"] == "https://app.example/launch"
    assert run("list").split()[:3] == ["growth", "active", "client_secret_basic"]
    new = run("rotate-secret", "growth", "--overlap", "1").strip()
    client = asyncio.run(_find(mongo_uri, name, "growth"))
    assert all(has_secret(client, secret, system_clock()) for secret in (old.strip(), new))
    assert json.loads(run("disable", "growth"))["status"] == "disabled"
    with pytest.raises(StackError, match="less"):
        run("approve", "growth", "--scope", "system/*.rs")
    approved = json.loads(run("approve", "growth", "--scope", "openid patient/Patient.r"))
    assert (approved["status"], approved["scope"]) == ("active", "openid patient/Patient.r")
    run("scope", "growth", "openid patient/*.rs")
    assert [one["scope"] for one in json.loads(run("list", "--json"))] == ["openid patient/*.rs"]
    with pytest.raises(StackError, match="No scope"):
        run("scope", "growth", "everything")
    run("remove", "growth")
    assert run("list") == ""
    for command in ("show", "remove", "approve", "rotate-secret"):
        with pytest.raises(StackError, match="no client growth"):
            run(command, "growth")


def test_backend_service_and_refusals(run: Run, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text('{"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]}')
    common = ("add", "Export", "--scope", "system/*.rs", "--method", "private_key_jwt")
    with pytest.raises(StackError, match="symmetric"):
        run(*common, "--jwks", str(keys))
    with pytest.raises(StackError, match="either jwks or jwks_uri"):
        run(*common)
    added = json.loads(run(*common, "--jwks-uri", "https://export.example/jwks"))
    assert added["grant_types"] == ["client_credentials"]
    with pytest.raises(StackError, match="secret"):
        run("rotate-secret", added["client_id"])
    with pytest.raises(StackError, match="own machine"):
        run("add", "Bad", "--scope", "openid", "--redirect", "http://app.example/cb")


def test_invitation(run: Run) -> None:
    assert len(run("invite", "Dr Adams", "--scope", "patient/*.rs").strip()) == 43
    (open_one,) = json.loads(run("invitations", "--json"))
    assert open_one["owner"] == "Dr Adams"
    run("withdraw", open_one["id"])
    assert run("invitations") == ""


def test_signing_keys_are_shown_and_rotated(run: Run) -> None:
    first = run("signing-keys").splitlines()
    rotated = run("signing-keys", "--rotate").splitlines()
    assert len(rotated) == 2
    assert rotated == run("signing-keys").splitlines()
    assert not first or rotated[0] == first[0]
