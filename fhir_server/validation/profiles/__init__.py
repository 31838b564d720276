"""Checks of resources against profiles. http://hl7.org/fhir/R4/profiling.html"""

from fhir_server.validation.profiles.checking import (
    check_against,
    check_profile,
    check_profiles,
    demanded,
    must_support,
)
from fhir_server.validation.profiles.claims import claimed

__all__ = [
    "check_against",
    "check_profile",
    "check_profiles",
    "claimed",
    "demanded",
    "must_support",
]
