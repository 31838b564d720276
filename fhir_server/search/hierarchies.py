"""Resource types whose instances are part of one another. FHIR R4 3.1.1.4.12 (`:above`, `:below`).

The parameter that leads from a resource to the one it is part of, where the definitions have one.
"""

from __future__ import annotations

from functools import cache

from fhir_server.search.registry import Registry

_UPWARD = ("partof", "part-of", "based-on")


@cache
def parent_parameter(type: str) -> str | None:
    """The code of the parameter by which a resource of `type` names what it is part of."""
    offered = Registry().offered(type)
    for code in _UPWARD:
        if code in offered and type in offered[code].targets:
            return code
    return None
