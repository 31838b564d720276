"""Two segments that tell of one thing: one leads, the other fills what it leaves open.

OBR-15 and SPM tell of one specimen. What SPM says holds, whichever of them comes first.
"""

from __future__ import annotations

from integrations.hl7v2.mapping.context import Json

_GATHERED = "note"
_COLLECTED = "collected"


def emptied(resource: Json) -> Json:
    """Takes everything out of `resource` but its type; returns what was in it."""
    told = {name: held for name, held in resource.items() if name != "resourceType"}
    for name in told:
        del resource[name]
    return told


def fill(resource: Json, told: Json) -> list[str]:
    """Adds of `told` what `resource` does not say; remarks of both are kept.

    Returns the elements of `told` that say something else and gave way.
    """
    gone = []
    for name, value in told.items():
        held = resource.get(name)
        if held is None:
            resource[name] = value
        elif name == _GATHERED:
            held += [one for one in value if one not in held]
        elif name == "collection":
            gone += _fill_collection(held, value)
        elif held != value:
            gone.append(name)
    return gone


def _fill_collection(held: Json, told: Json) -> list[str]:
    """A collection has one time, whether a moment or a period."""
    timed = any(name.startswith(_COLLECTED) for name in held)
    for name, value in told.items():
        if not (timed and name.startswith(_COLLECTED)):
            held.setdefault(name, value)
    return [f"collection.{name}" for name, value in told.items() if held.get(name) != value]
