"""Tree navigation, types, tracing and the clock: N1 5.8, 5.9, 6.3."""

from __future__ import annotations

from fhir_server.fhirpath.functions.declaration import Declarations
from fhir_server.fhirpath.node import EMPTY, Node, Nodes, boolean, children, descendants
from fhir_server.fhirpath.operators import is_type
from fhir_server.fhirpath.scope import Env, Evaluate


def _children(env: Env, focus: Nodes) -> Nodes:
    return [child for node in focus for child in children(node)]


def _descendants(env: Env, focus: Nodes) -> Nodes:
    found = descendants(focus)
    env.scope.count(len(found))
    return found


def _is(env: Env, focus: Nodes, type: str) -> Nodes:
    return boolean(is_type(focus, type))


def _trace(env: Env, focus: Nodes, name: Nodes, projection: Evaluate | None = None) -> Nodes:
    # Nothing is written: what passes here is patient data.
    return focus


def _now(env: Env, focus: Nodes) -> Nodes:
    now = env.scope.now
    return EMPTY if now is None else [Node("dateTime", now.isoformat(timespec="milliseconds"))]


def _today(env: Env, focus: Nodes) -> Nodes:
    now = env.scope.now
    return EMPTY if now is None else [Node("date", now.date().isoformat())]


def _time_of_day(env: Env, focus: Nodes) -> Nodes:
    now = env.scope.now
    return EMPTY if now is None else [Node("time", now.time().isoformat(timespec="milliseconds"))]


FUNCTIONS: Declarations = {
    "children": (_children, ""),
    "descendants": (_descendants, ""),
    "is": (_is, "y"),
    "trace": (_trace, "v?e"),
    "now": (_now, ""),
    "today": (_today, ""),
    "timeOfDay": (_time_of_day, ""),
}
