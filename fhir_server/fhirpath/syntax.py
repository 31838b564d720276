"""The syntax tree of an expression. Source: FHIRPath N1 grammar."""

from __future__ import annotations

from dataclasses import dataclass

from fhir_server.fhirpath.node import Node


@dataclass(frozen=True)
class Literal:
    """A value written in the expression; no node for `{}`."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Variable:
    """One of `$this`, `$index` and `$total`."""

    name: str


@dataclass(frozen=True)
class Constant:
    """An external constant, `%resource`; `name` is without the sign."""

    name: str
    position: int


@dataclass(frozen=True)
class Member:
    """The children of that name."""

    name: str


@dataclass(frozen=True)
class Call:
    """A function with its arguments."""

    name: str
    arguments: tuple[Expr, ...]
    position: int


@dataclass(frozen=True)
class Path:
    """`left.step`."""

    left: Expr
    step: Member | Call | Variable


@dataclass(frozen=True)
class Index:
    """`left[index]`."""

    left: Expr
    index: Expr


@dataclass(frozen=True)
class Polarity:
    """`+operand` or `-operand`."""

    operator: str
    operand: Expr


@dataclass(frozen=True)
class Binary:
    """`left operator right`."""

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class TypeTest:
    """`operand is type` or `operand as type`."""

    operator: str
    operand: Expr
    type: str


Expr = Literal | Variable | Constant | Member | Call | Path | Index | Polarity | Binary | TypeTest
