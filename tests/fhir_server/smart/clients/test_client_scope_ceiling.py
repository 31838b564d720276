"""What a registered scope covers. SMART App Launch 2.2 scopes, both versions."""

from __future__ import annotations

import pytest

from fhir_server.auth.smart.clients.scope_ceiling import limited, within


@pytest.mark.parametrize(
    ("scope", "ceiling", "covered"),
    [
        ("patient/Observation.rs", "patient/*.cruds", True),
        ("patient/Observation.read", "patient/*.rs", True),
        ("patient/*.*", "patient/*.rs", False),
        ("patient/*.rs", "patient/Observation.rs", False),
        ("user/Observation.rs", "patient/*.rs", False),
        ("patient/Observation.rs?category=x", "patient/*.rs", True),
        ("patient/Observation.rs", "patient/Observation.rs?category=x", False),
        ("patient/Observation.r?category=x", "patient/Observation.rs?category=x", True),
        ("patient/Observation.dus", "patient/*.cruds", False),
        ("launch", "launch/patient", False),
        ("openid", "openid", True),
    ],
)
def test_ceiling(scope: str, ceiling: str, covered: bool) -> None:
    assert within(scope, (ceiling,)) is covered


def test_limited_keeps_order_and_drops_repeats() -> None:
    asked = ("patient/Patient.r", "openid", "admin", "openid")
    assert limited(asked, ("openid", "patient/*.rs")) == ("patient/Patient.r", "openid")
