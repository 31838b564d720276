"""smart-fetch of Cumulus, unmodified: a backend service that crawls with v1 scopes.

It runs in the environment that `make test` makes from smart_fetch/requirements.lock.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from fhir_server.store.smart.grants import Grant
from tests.fhir_server.smart.flow import public_client
from tests.interop.conftest import Place

PROGRAM = Path(__file__).parent / "smart_fetch" / ".venv" / "bin" / "smart-fetch"
TYPES = ("Patient", "Observation", "Condition", "Encounter")


def key(alg: str) -> dict[str, Any]:
    made = (
        ECKey.generate_key("P-384", auto_kid=True)
        if alg == "ES384"
        else RSAKey.generate_key(2048, auto_kid=True)
    )
    private = {**made.as_dict(private=True), "alg": alg, "key_ops": ["sign"]}
    return {name: value for name, value in private.items() if name != "use"}


def published(private: dict[str, Any]) -> dict[str, Any]:
    secret = {"d", "p", "q", "dp", "dq", "qi", "key_ops"}
    return {name: value for name, value in private.items() if name not in secret}


async def register(place: Place, private: dict[str, Any]) -> None:
    service = public_client(
        "fetcher",
        method="private_key_jwt",
        jwks={"keys": [published(private)]},
        redirect_uris=(),
        grants=("client_credentials",),
        scopes=tuple(f"system/{type}.rs" for type in TYPES),
    )
    await place.app.server.smart.clients.add(service)


def observation(patient: str, number: int) -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {
        "resourceType": "Observation",
        "id": f"{patient}{number}",
        "status": "final",
        "code": {"text": "weight"},
        "category": [{"coding": [{"system": system, "code": "vital-signs"}]}],
        "subject": {"reference": f"Patient/{patient}"},
    }


async def fill(place: Place) -> None:
    """Two patients with more observations than a page has."""
    resources = [
        {"resourceType": "Patient", "id": "b"},
        {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/a"}},
        *(observation(patient, number) for patient in "ab" for number in range(25)),
    ]
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in resources
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = await place.app.user.post("/fhir", json=bundle, timeout=60)
    assert answer.status_code == 200, answer.text


async def run(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        str(PROGRAM),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "100", "HOME": arguments[-1]},
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


def fetched(folder: Path) -> dict[str, set[str]]:
    """The ids by type of all that was written."""
    found: dict[str, set[str]] = {}
    for path in folder.rglob("*.ndjson.gz"):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            resource = json.loads(line)
            found.setdefault(resource["resourceType"], set()).add(resource["id"])
    return found


@pytest.mark.skipif(not PROGRAM.exists(), reason="`make test` installs smart-fetch")
@pytest.mark.parametrize("alg", ["RS384", "ES384"])
async def test_a_crawl(place: Place, tmp_path: Path, alg: str) -> None:
    private = key(alg)
    await register(place, private)
    await fill(place)
    keys = tmp_path / "keys.jwks"
    keys.write_text(json.dumps({"keys": [private]}))
    folder = tmp_path / "out"
    folder.mkdir()
    code, output = await run(
        "crawl",
        f"--fhir-url={place.url}/fhir",
        "--smart-client-id=fetcher",
        f"--smart-key={keys}",
        "--id-list=a,b",
        f"--type={','.join(TYPES)}",
        str(folder),
    )
    assert code == 0, output
    found = fetched(folder)
    assert found["Patient"] == {"a", "b"}, output
    assert found["Observation"] == {f"{one}{number}" for one in "ab" for number in range(25)}
    assert found["Condition"] == {"c"}
    grants: list[Grant] = await place.app.server.smart.grants.of_subject("fetcher")
    assert grants
    assert {scope.rpartition(".")[2] for scope in grants[0].scopes} == {"read"}


@pytest.mark.skipif(not PROGRAM.exists(), reason="`make test` installs smart-fetch")
async def test_a_strange_key_gets_nothing(place: Place, tmp_path: Path) -> None:
    await register(place, key("ES384"))
    keys = tmp_path / "keys.jwks"
    keys.write_text(json.dumps({"keys": [key("ES384")]}))
    folder = tmp_path / "out"
    folder.mkdir()
    code, output = await run(
        "crawl",
        f"--fhir-url={place.url}/fhir",
        "--smart-client-id=fetcher",
        f"--smart-key={keys}",
        "--id-list=a",
        "--type=Patient",
        str(folder),
    )
    assert code != 0, output
    assert fetched(folder) == {}
