"""Labels at every write: those that the rules add, and those that stay.

An update that leaves a label out does not take it away: a client that does not know labels would
declassify what it saves. `$meta-delete` does, for those who may. A label taken away that way is
not added again by the rules while the codes stay those that they were.
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.definitions.search_parameters import patient_compartment
from fhir_server.labels.lattice import (
    CONFIDENTIALITY,
    Label,
    coding,
    is_protected,
    labels_of,
    rank,
)
from fhir_server.labels.rules import labels_by_rule
from fhir_server.resource import Resource

_SILENT = frozenset({"AuditEvent"})
"""Its entities carry the labels of what they are about; it is read by auditors alone."""

_BESIDE = frozenset({"Bundle", "Medication"})
"""Types outside the Patient compartment that hold what is inside it, or what it refers to."""


def labelled(resource: Resource, before: Resource | None = None) -> Resource:
    """The resource with the labels that it has to have; itself when it has them already.

    `before` is the version that it follows.
    """
    type = resource["resourceType"]
    if type in _SILENT or not (patient_compartment(type) or type in _BESIDE):
        return resource
    own = labels_of(resource)
    wanted = labels_by_rule(resource)
    if before is not None:
        known = set(labels_by_rule(before)) if wanted else set()
        kept = [one for one in labels_of(before) if is_protected(one)]
        wanted = (*kept, *(one for one in wanted if one not in known))
    missing = _missing(own, wanted)
    level = _level(own, wanted)
    if not missing and level is None:
        return resource
    return _with(resource, missing, level)


def _missing(own: Iterable[Label], wanted: Iterable[Label]) -> tuple[Label, ...]:
    there = set(own)
    return tuple(
        one for one in dict.fromkeys(wanted) if one[0] != CONFIDENTIALITY and one not in there
    )


def _level(own: Iterable[Label], wanted: Iterable[Label]) -> str | None:
    """The confidentiality to set, None when the resource's own is as high."""
    asked, there = _highest(wanted), _highest(own)
    if asked is None or (there is not None and rank(there) >= rank(asked)):
        return None
    return asked


def _highest(labels: Iterable[Label]) -> str | None:
    levels = [code for system, code in labels if system == CONFIDENTIALITY]
    return max(levels, key=rank, default=None)


def _with(resource: Resource, missing: tuple[Label, ...], level: str | None) -> Resource:
    meta = resource.get("meta", {})
    there = list(meta.get("security", ()))
    if level is not None:
        there = [one for one in there if one.get("system") != CONFIDENTIALITY]
        there.append(coding((CONFIDENTIALITY, level)))
    security = [*there, *(coding(one) for one in missing)]
    return {**resource, "meta": {**meta, "security": security}}
