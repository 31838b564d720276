"""Which HL7 v2 event a change of a FHIR resource is, by the rules in `data/triggers.json`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fhir_server.fhirpath import Node, compile_expression, root
from integrations.hl7v2.outbound.gathering import Gathered
from integrations.hl7v2.outbound.tables import Tables

Reported = Callable[[str], Awaitable[bool]]
"""Whether a DiagnosticReport names an Observation, `Observation/o1`, as its result."""


async def trigger_of(gathered: Gathered, tables: Tables, reported: Reported) -> str | None:
    """The trigger, `ADT^A08`, or None when the change is none that HL7 v2 tells.

    An Observation that a report names goes out with the report.
    """
    focus = root(gathered.resource)
    variables = {
        "before": [] if gathered.before is None else [root(gathered.before)],
        "event": [Node("string", gathered.event)],
    }
    for rule in tables.rules.get(gathered.resource["resourceType"], ()):
        found = compile_expression(rule["when"])(focus, variables=variables)
        if len(found) != 1 or found[0].value is not True:
            continue
        if rule.get("unless") == "reported" and await reported(_reference(gathered)):
            return None
        return _changed(rule["trigger"], tables)
    return None


def _reference(gathered: Gathered) -> str:
    return f"{gathered.resource['resourceType']}/{gathered.resource['id']}"


def _changed(trigger: str | None, tables: Tables) -> str | None:
    if trigger is None:
        return None
    return tables.triggers.get(trigger, trigger) or None
