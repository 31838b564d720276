"""The prefixes and unit atoms of `data/ucum-essence.xml`, read once.

Source and licence: `data/README.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from xml.etree import ElementTree

_NAMESPACE = "{http://unitsofmeasure.org/ucum-essence}"


@dataclass(frozen=True)
class Atom:
    """A unit atom: 1 of it is `value` of the UCUM expression `unit`.

    `metric` atoms take prefixes. `function` names the scale of a special unit. An `arbitrary` unit
    can be converted to no other. Base units have neither value nor unit.
    """

    metric: bool
    value: Fraction = Fraction(1)
    unit: str | None = None
    function: str | None = None
    arbitrary: bool = False


@dataclass(frozen=True)
class Table:
    """Prefixes by code with their factor, atoms by code (case-sensitive variant)."""

    prefixes: dict[str, Fraction]
    atoms: dict[str, Atom]


@cache
def table() -> Table:
    """The UCUM table of this package."""
    text = files("terminology.ucum").joinpath("data", "ucum-essence.xml").read_text("ascii")
    root = ElementTree.fromstring(text)  # noqa: S314 - our own file, not input
    prefixes = {
        prefix.attrib["Code"]: Fraction(_child(prefix, "value").attrib["value"])
        for prefix in root.iter(f"{_NAMESPACE}prefix")
    }
    atoms = {base.attrib["Code"]: Atom(metric=True) for base in root.iter(f"{_NAMESPACE}base-unit")}
    for unit in root.iter(f"{_NAMESPACE}unit"):
        atoms[unit.attrib["Code"]] = _atom(unit)
    return Table(prefixes, atoms)


def _atom(unit: ElementTree.Element) -> Atom:
    value = _child(unit, "value")
    function = value.find(f"{_NAMESPACE}function")
    definition = value if function is None else function
    return Atom(
        metric=unit.get("isMetric") == "yes",
        value=Fraction(definition.attrib["value"]),
        unit=definition.attrib["Unit"],
        function=None if function is None else function.attrib["name"],
        arbitrary=unit.get("isArbitrary") == "yes",
    )


def _child(element: ElementTree.Element, name: str) -> ElementTree.Element:
    child = element.find(f"{_NAMESPACE}{name}")
    if child is None:
        raise ValueError(f"{element.get('Code')} has no {name}")
    return child
