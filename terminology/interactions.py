"""Drug pairs and classes that should not be combined."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from terminology.dataset import dataset
from terminology.medications import Medication


@dataclass(frozen=True)
class Interaction:
    """Two drugs or drug classes; `severity` is high, moderate or low."""

    a: str
    b: str
    severity: str
    risk: str
    citation: str


@cache
def _interactions() -> tuple[Interaction, ...]:
    data = dataset("interactions")
    return tuple(
        Interaction(p["a"], p["b"], p["severity"], p["risk"], data["citation"][p["source"]])
        for p in data["pairs"]
    )


def interaction(one: Medication, other: Medication) -> Interaction | None:
    """The first listed interaction of two different drugs, in either order."""
    x, y = {one.name, *one.classes}, {other.name, *other.classes}
    for pair in _interactions():
        if (pair.a in x and pair.b in y) or (pair.b in x and pair.a in y):
            return pair
    return None


def duplicated_class(one: Medication, other: Medication) -> str | None:
    """The class two different drugs share and of which one is enough."""
    data = dataset("interactions")
    exceptions = {tuple(each) for each in data["duplicate_exceptions"]}
    for shared in data["duplicates"]:
        drugs = (one, other)
        if all(shared in drug.classes for drug in drugs) and not any(
            (drug.name, shared) in exceptions for drug in drugs
        ):
            return str(shared)
    return None
