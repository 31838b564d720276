"""Refusals as they go out. RFC 6749 5.2."""

from __future__ import annotations

import pytest

from fhir_server.auth.smart import errors
from fhir_server.resource import loads
from fhir_server.rest.smart.errors import render


def test_basic_is_challenged() -> None:
    answer = render(errors.InvalidClient("Wrong.", basic=True))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="aimed", charset="UTF-8"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    body = loads(bytes(answer.body))
    assert body == {"error": "invalid_client", "error_description": "Wrong."}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidRequest, 400),
        (errors.InvalidGrant, 400),
        (errors.UnauthorizedClient, 400),
        (errors.UnsupportedGrantType, 400),  # Inferno: 401 would fail (row B1)
        (errors.InvalidScope, 400),
        (errors.InvalidTarget, 400),
        (errors.InvalidRedirectUri, 400),
        (errors.InvalidClientMetadata, 400),
        (errors.AccessDenied, 403),
        (errors.TemporarilyUnavailable, 503),
    ],
)
def test_statuses(error: type[errors.OAuthError], status: int) -> None:
    answer = render(error("No."))
    assert answer.status_code == status
    assert "www-authenticate" not in answer.headers
