"""What FHIR adds to FHIRPath. http://hl7.org/fhir/R4/fhirpath.html#functions

Functions that need a terminology service, `memberOf` and its kind, are empty: not known.
"""

from __future__ import annotations

from fhir_server.fhirpath.functions.declaration import Declarations
from fhir_server.fhirpath.narrative import narrative_fault
from fhir_server.fhirpath.node import EMPTY, Node, Nodes, boolean, child_getter
from fhir_server.fhirpath.references import resolved
from fhir_server.fhirpath.scope import Env
from fhir_server.fhirpath.singletons import single, text

_EXTENSIONS = child_getter("extension")


def _extension(env: Env, focus: Nodes, url: Nodes) -> Nodes:
    wanted = text(url)
    found: Nodes = []
    for node in focus:
        _EXTENSIONS(node, found)
    return [one for one in found if one.value.get("url") == wanted] if wanted else EMPTY


def _has_extension(env: Env, focus: Nodes, url: Nodes) -> Nodes:
    return boolean(bool(_extension(env, focus, url)))


def _has_value(env: Env, focus: Nodes) -> Nodes:
    return boolean(len(focus) == 1 and _primitive(focus[0]))


def _get_value(env: Env, focus: Nodes) -> Nodes:
    node = single(focus)
    return EMPTY if node is None or not _primitive(node) else [Node(node.type, node.value)]


def _primitive(node: Node) -> bool:
    return node.value is not None and not isinstance(node.value, dict)


def _resolve(env: Env, focus: Nodes) -> Nodes:
    found = [resolved(node, env.scope) for node in focus]
    return [node for node in found if node is not None]


def _html_checks(env: Env, focus: Nodes) -> Nodes:
    node = single(focus)
    if node is None or not isinstance(node.value, str):
        return EMPTY
    return boolean(narrative_fault(node.value) is None)


def _unknown(env: Env, focus: Nodes, *arguments: Nodes) -> Nodes:
    return EMPTY


FUNCTIONS: Declarations = {
    "extension": (_extension, "v"),
    "hasExtension": (_has_extension, "v"),
    "hasValue": (_has_value, ""),
    "getValue": (_get_value, ""),
    "resolve": (_resolve, ""),
    "htmlChecks": (_html_checks, ""),
    "memberOf": (_unknown, "v"),
    "subsumes": (_unknown, "v"),
    "subsumedBy": (_unknown, "v"),
    "conformsTo": (_unknown, "v"),
    "elementDefinition": (_unknown, ""),
    "slice": (_unknown, "vv"),
    "checkModifiers": (_unknown, "v"),
}
