"""The restricted FHIRPath of discriminators. http://hl7.org/fhir/R4/profiling.html#discriminator

`$this`, element names, `extension('url')`, `ofType(Type)` and `resolve()`, with dots between.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from fhir_server.fhirpath import Node, Scope
from fhir_server.fhirpath.node import Nodes
from fhir_server.fhirpath.references import resolved
from fhir_server.fhirpath.type_tree import ancestry
from fhir_server.validation.profiles.plan import getter

_STEP = re.compile(
    r"(?:(?P<call>extension|ofType|resolve)\((?P<quote>['\"]?)(?P<argument>[^'\"()]*)(?P=quote)\)"
    r"|(?P<name>\$this|[A-Za-z][A-Za-z0-9_]*)(?:\[x\])?)(?:\.|$)"
)


@dataclass(frozen=True)
class Step:
    """One step: the child `text`, the extension of that URL, values of that type, or a target."""

    kind: Literal["child", "extension", "ofType", "resolve"]
    text: str = ""


@cache
def steps(path: str) -> tuple[Step, ...] | None:
    """The steps of a path, None for one that is not of the restricted form."""
    found: list[Step] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            return None
        position = match.end()
        if match["call"]:
            found.append(Step(match["call"], match["argument"]))  # type: ignore[arg-type]
        elif match["name"] != "$this":
            found.append(Step("child", match["name"]))
    return tuple(found)


def select(node: Node, path: tuple[Step, ...], scope: Scope) -> Nodes | None:
    """What is at the path; None when a reference on the way leads to what is not at hand."""
    nodes = [node]
    for step in path:
        if step.kind == "resolve":
            targets = [resolved(one, scope) for one in nodes]
            if None in targets:
                return None
            nodes = [one for one in targets if one is not None]
        elif step.kind == "ofType":
            nodes = [one for one in nodes if step.text in ancestry(one.type)]
        else:
            nodes = _below(nodes, step)
    return nodes


def _below(nodes: Nodes, step: Step) -> Nodes:
    found: Nodes = []
    append = getter("extension" if step.kind == "extension" else step.text)
    for one in nodes:
        append(one, found)
    if step.kind == "extension":
        found = [one for one in found if one.value.get("url") == step.text]
    return found
