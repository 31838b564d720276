"""Compiles the syntax tree to closures: nothing is parsed or looked up when it is evaluated.

Two kinds of closure are made of a tree: one gives the collection, the other its truth (None for
unknown), which saves boolean expressions their collections. What hangs on `%resource` alone is
worked out once for each `Scope`: a rule that looks every element up in the whole resource would
otherwise take the square of its size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_server.fhirpath import type_tree
from fhir_server.fhirpath.errors import InvalidExpression
from fhir_server.fhirpath.functions import named
from fhir_server.fhirpath.node import EMPTY, Nodes, boolean, child_getter, integer, string
from fhir_server.fhirpath.operators import (
    LOGIC,
    RELATIONS,
    combination,
    is_type,
    logic,
    of_type,
    polarity,
    relation,
)
from fhir_server.fhirpath.presence import any_of, member_present, negated, none_of
from fhir_server.fhirpath.scope import Env, Evaluate, Truth
from fhir_server.fhirpath.singletons import truth as as_truth
from fhir_server.fhirpath.singletons import whole
from fhir_server.fhirpath.syntax import (
    Binary,
    Call,
    Constant,
    Expr,
    Index,
    Literal,
    Member,
    Path,
    Polarity,
    TypeTest,
    Variable,
)

Step = Callable[[Env, Nodes], Nodes]
"""One step of a path, from the collection before it."""

_THIS = Variable("this")
_SHORT = frozenset({"exists", "empty", "not"})
_URLS = {
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "ucum": "http://unitsofmeasure.org",
}
_VALUE_SET = "http://hl7.org/fhir/ValueSet/"
_EXTENSION = "http://hl7.org/fhir/StructureDefinition/"


def collection(tree: Expr) -> Evaluate:
    """The closure that gives the collection. Raises `InvalidExpression` for unknown functions."""
    made = _collection(tree)
    return _kept(made) if isinstance(tree, Path | Binary) and _fixed(tree) else made


def truth(tree: Expr) -> Truth:
    """The closure that gives the truth of the expression, None for unknown."""
    match tree:
        case Binary(operator, left, right) if operator in LOGIC:
            return logic(operator, truth(left), truth(right))
        case Binary(operator, left, right) if operator in RELATIONS:
            return relation(operator, collection(left), collection(right))
        case Path(left, Call(name, (), _)) if name in _SHORT:
            return _short(name, left)
        case Call(name, (), _) if name in _SHORT:
            return _short(name, _THIS)
        case TypeTest("is", operand, type):
            evaluate = collection(operand)
            return lambda env: is_type(evaluate(env), type)
    evaluate = collection(tree)
    return lambda env: as_truth(evaluate(env))


def _short(name: str, left: Expr) -> Truth:
    if name == "not":
        return negated(truth(left))
    if isinstance(left, Member) and not left.name[0].isupper():
        return member_present(left.name, wanted=name == "exists")
    evaluate = collection(left)
    return any_of(evaluate) if name == "exists" else none_of(evaluate)


def _collection(tree: Expr) -> Evaluate:
    match tree:
        case Literal(nodes):
            found = list(nodes)
            return lambda env: found
        case Variable(name):
            return _variable(name)
        case Constant(name, _):
            return _constant(name)
        case Member(name):
            return _first(name)
        case Call():
            step = _call(tree)
            return lambda env: step(env, env.this)
        case Path():
            return _path(tree)
        case Index(left, index):
            return _index(collection(left), collection(index))
        case Polarity(operator, operand):
            return polarity(operator, collection(operand))
        case TypeTest("as", operand, type):
            evaluate = collection(operand)
            return lambda env: of_type(evaluate(env), type)
        case Binary(operator, left, right) if operator not in LOGIC | RELATIONS:
            return combination(operator, collection(left), collection(right))
    of = truth(tree)
    return lambda env: boolean(of(env))


def _variable(name: str) -> Evaluate:
    if name == "this":
        return lambda env: env.this
    if name == "total":
        return lambda env: env.total
    return lambda env: EMPTY if env.index is None else integer(env.index)


def _constant(name: str) -> Evaluate:
    """An external constant. What nobody defined is empty: N1 leaves constants to the host."""
    if name == "resource":
        return lambda env: [env.scope.resource]
    if name == "rootResource":
        return lambda env: [env.scope.top]
    if name == "context":
        return lambda env: [env.scope.context] if env.scope.context else EMPTY
    url = _URLS.get(name)
    if name.startswith("vs-"):
        url = _VALUE_SET + name.removeprefix("vs-")
    elif name.startswith("ext-"):
        url = _EXTENSION + name.removeprefix("ext-")
    found = string(url) if url else EMPTY
    return lambda env: env.scope.variables.get(name, found)


def _first(name: str) -> Evaluate:
    """A name that begins a path: children of that name, or the focus when it is its type."""
    append = child_getter(name)
    typed = name[0].isupper() and type_tree.known(name)

    def children(env: Env) -> Nodes:
        found: Nodes = []
        for node in env.this:
            if typed and type_tree.conforms(node.type, name):
                found.append(node)
            else:
                append(node, found)
        return found

    return children


def _path(tree: Path) -> Evaluate:
    names: list[str] = []
    left: Expr = tree
    while isinstance(left, Path) and isinstance(left.step, Member):
        names.insert(0, left.step.name)
        left = left.left
    if names:
        return _chain(collection(left), names)
    start = collection(tree.left)
    if isinstance(tree.step, Variable):
        return start if tree.step == _THIS else _variable(tree.step.name)
    assert isinstance(tree.step, Call)
    step = _call(tree.step)
    return lambda env: step(env, start(env))


def _chain(start: Evaluate, names: list[str]) -> Evaluate:
    getters = [child_getter(name) for name in names]

    def walk(env: Env) -> Nodes:
        nodes = start(env)
        for append in getters:
            if not nodes:
                return nodes
            found: Nodes = []
            for node in nodes:
                append(node, found)
            nodes = found
        return nodes

    return walk


def _index(left: Evaluate, index: Evaluate) -> Evaluate:
    def item(env: Env) -> Nodes:
        nodes, at = left(env), whole(index(env))
        return EMPTY if at is None or at < 0 else nodes[at : at + 1]

    return item


def _call(tree: Call) -> Step:
    found = named(tree.name)
    if found is None:
        raise InvalidExpression("There is no such function", tree.position)
    if not found.least <= len(tree.arguments) <= len(found.parameters):
        raise InvalidExpression(
            f"{tree.name} takes {found.least} to {len(found.parameters)} arguments", tree.position
        )
    run, given = found.run, list(zip(found.parameters, tree.arguments, strict=False))
    if not given:
        return run
    arguments = [_argument(kind, one, tree.position) for kind, one in given]
    if "v" not in found.parameters:
        return lambda env, focus: run(env, focus, *arguments)
    eager = [kind == "v" for kind, _ in given]

    def call(env: Env, focus: Nodes) -> Nodes:
        values = [one(env) if now else one for now, one in zip(eager, arguments, strict=True)]
        return run(env, focus, *values)

    return call


def _argument(kind: str, tree: Expr, position: int) -> Any:
    if kind == "t":
        return truth(tree)
    return _type_name(tree, position) if kind == "y" else collection(tree)


def _type_name(tree: Expr, position: int) -> str:
    match tree:
        case Member(name):
            pass
        case Path(Member(("System" | "FHIR") as namespace), Member(plain)):
            name = f"{namespace}.{plain}"
        case _:
            raise InvalidExpression("A type is missing", position)
    if not type_tree.known(name):
        raise InvalidExpression("There is no such type", position)
    return name


def _fixed(tree: Expr) -> bool:
    """Whether the value depends on the scope alone."""
    match tree:
        case Constant() | Literal():
            return True
        case Path(left, Member()):
            return _fixed(left)
        case Path(left, Call(_, arguments, _)):
            found = named(tree.step.name) if isinstance(tree.step, Call) else None
            kinds = set(found.parameters) if found and arguments else set()
            return (
                kinds <= {"v", "y"}
                and _fixed(left)
                and all(
                    kind == "y" or _fixed(one)
                    for kind, one in zip(found.parameters if found else "", arguments, strict=False)
                )
            )
        case Binary(operator, left, right) if operator not in LOGIC | RELATIONS:
            return _fixed(left) and _fixed(right)
    return False


def _kept(evaluate: Evaluate) -> Evaluate:
    def keep(env: Env) -> Nodes:
        kept = env.scope.kept
        found = kept.get(evaluate)
        if found is None:
            found = kept[evaluate] = evaluate(env)
        return found

    return keep
