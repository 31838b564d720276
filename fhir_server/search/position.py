"""Places on the globe for `near`. FHIR R4 Location.search (special parameter `near`).

A place is kept as the unit vector from the centre of the earth to it: two are within a distance
exactly when the product of their vectors is large enough, which any database can compute.
"""

from __future__ import annotations

import math
from typing import Any

EARTH_KM = 6371.0088
"""Mean radius of the earth (IUGG)."""


def vector(latitude: float, longitude: float) -> dict[str, float]:
    """The unit vector of a place given in degrees (WGS 84)."""
    phi, theta = math.radians(latitude), math.radians(longitude)
    return {
        "x": math.cos(phi) * math.cos(theta),
        "y": math.cos(phi) * math.sin(theta),
        "z": math.sin(phi),
    }


def place_of(value: Any) -> dict[str, float] | None:
    """The vector of a Location.position, None when it is not on the globe."""
    try:
        latitude, longitude = float(value["latitude"]), float(value["longitude"])
    except (KeyError, TypeError, ValueError):
        return None
    return vector(latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def closeness(kilometres: float) -> float:
    """The least product of two unit vectors that are within a distance of each other."""
    # A chord is flat to 1e-12 beside the arc at a metre: below that all places are one.
    return math.cos(min(kilometres / EARTH_KM, math.pi)) - 1e-13
