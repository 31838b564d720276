"""The one table of operations: it routes them and fills the CapabilityStatement.

Definitions: https://hl7.org/fhir/R4/operationslist.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from fhir_server.clock import Ids
from fhir_server.interactions.registry import Level
from fhir_server.operations.document import Document
from fhir_server.operations.everything import encounter_everything, patient_everything
from fhir_server.operations.lastn import lastn
from fhir_server.operations.meta import meta
from fhir_server.operations.meta_change import meta_add, meta_delete
from fhir_server.operations.reindex import reindex, reindex_progress
from fhir_server.operations.request import OperationHandler
from fhir_server.operations.validate import validate
from fhir_server.operations.versions import versions
from fhir_server.resource import Resource

_DEFINITION = "http://hl7.org/fhir/OperationDefinition/"
_QUERIES = ("everything", "document", "lastn")
_OWN = "urn:aimed:OperationDefinition:"


@dataclass(frozen=True)
class Operation:
    """One offered operation. `name` is without the dollar sign; no `types` means every type.

    `parameters` are those it takes; `searches` says that search parameters are among them, `bare`
    that its parameter `resource` may be the body itself, `records` that the handler records the
    access itself, in the transaction of its change, `queries` that it answers resources as a
    search does.
    """

    name: str
    definition: str
    levels: tuple[Level, ...]
    handler: OperationHandler
    types: frozenset[str] = frozenset()
    parameters: frozenset[str] = field(default=frozenset())
    affects_state: bool = False
    searches: bool = False
    bare: bool = False
    records: bool = False
    queries: bool = False

    def offered(self, level: Level, type: str | None) -> bool:
        """Whether it may be called at that level of that type."""
        return level in self.levels and (type is None or not self.types or type in self.types)


def operations(ids: Ids) -> tuple[Operation, ...]:
    """Every operation offered."""
    record = ("_since", "_type", "_count", "_cursor")
    return (
        _operation(
            "Resource-validate",
            # Not at system level by its definition, but clients of other servers expect it there.
            ("system", "type", "instance"),
            validate,
            "resource mode profile",
            bare=True,
        ),
        _operation("Resource-meta", ("system", "type", "instance"), meta),
        _operation("Resource-meta-add", ("instance",), meta_add, "meta", changes=True),
        _operation("Resource-meta-delete", ("instance",), meta_delete, "meta", changes=True),
        _operation(
            "Patient-everything",
            ("type", "instance"),
            patient_everything,
            " ".join(("start", "end", *record)),
        ),
        _operation("Encounter-everything", ("instance",), encounter_everything, " ".join(record)),
        _operation("Composition-document", ("type", "instance"), Document(ids), "id persist graph"),
        _operation("Observation-lastn", ("type",), lastn, "max", searches=True),
        _operation("CapabilityStatement-versions", ("system",), versions),
        Operation("reindex", f"{_OWN}reindex", ("system",), reindex, affects_state=True),
        Operation("reindex-progress", f"{_OWN}reindex-progress", ("system",), reindex_progress),
    )


def operation_definitions(table: Iterable[Operation], type: str | None = None) -> list[Resource]:
    """CapabilityStatement.rest.operation, or that of rest.resource for a `type`.

    Each is `{"name", "definition"}`, the definition a canonical URL of FHIR R4.
    """
    levels: tuple[Level, ...] = ("system",) if type is None else ("type", "instance")
    return [
        {"name": one.name, "definition": one.definition}
        for one in table
        if any(one.offered(level, type) for level in levels)
    ]


def _operation(
    definition: str,
    levels: tuple[Level, ...],
    handler: OperationHandler,
    parameters: str = "",
    *,
    changes: bool = False,
    searches: bool = False,
    bare: bool = False,
) -> Operation:
    type, _, name = definition.partition("-")
    # $versions is defined on CapabilityStatement and called on the system alone.
    common = type == "Resource" or "system" in levels
    return Operation(
        name=name,
        definition=_DEFINITION + definition,
        levels=levels,
        handler=handler,
        types=frozenset() if common else frozenset({type}),
        parameters=frozenset(parameters.split()),
        affects_state=changes,
        records=changes,
        queries=name in _QUERIES,
        searches=searches,
        bare=bare,
    )
