"""What every answer of the API tells a browser. OWASP ASVS 5.0 V3.4."""

from __future__ import annotations

import httpx2
import pytest

from fhir_server.rest.security_headers import HEADERS


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/fhir/metadata"),
        ("GET", "/fhir/Patient"),
        ("GET", "/fhir/Patient/none"),
        ("GET", "/fhir/Nonsense"),
        ("PUT", "/fhir"),
        ("POST", "/auth/login"),
        ("GET", "/auth/me"),
        ("GET", "/auth/authorize"),
        ("POST", "/auth/token"),
        ("GET", "/auth/jwks"),
        ("GET", "/.well-known/openid-configuration"),
        ("GET", "/nowhere"),
    ],
)
async def test_on_every_answer(fhir: httpx2.AsyncClient, method: str, path: str) -> None:
    answer = await fhir.request(method, path)
    for name in HEADERS:
        assert name in answer.headers, (path, name)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in answer.headers


async def test_over_tls_it_stays_there(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.get("https://test/fhir/metadata")
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
