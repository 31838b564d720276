"""What people are allergic to, and which drugs an allergy speaks against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from terminology.dataset import dataset
from terminology.medications import Medication, find_exact, medication
from terminology.words import Found, PhraseIndex, Word, words


@dataclass(frozen=True)
class Allergen:
    """A substance or a drug class; `drug_class` is a class of the medications list."""

    name: str
    drug_class: str | None


@dataclass(frozen=True)
class Conflict:
    """Why a drug conflicts with an allergy. `severity` is high, moderate or low."""

    severity: str
    reason: str


@cache
def _index() -> PhraseIndex[Allergen]:
    return PhraseIndex(
        (phrase, Allergen(entry["name"], entry.get("class")))
        for entry in dataset("allergens")["allergens"]
        for phrase in entry["phrases"]
    )


def citation() -> str:
    """The publication the table of cross-reactions rests on."""
    return str(dataset("allergens")["citation"])


def find_allergens(text: Sequence[Word]) -> list[Found[Allergen]]:
    """Allergen classes and non-drug allergens by name. Single drugs: `find_medications`."""
    return _index().find(text)


def allergens_in(text: str) -> tuple[str, ...]:
    """Names of every allergen and drug a chart entry's text speaks of."""
    parts = words(text)
    names = [found.value.name for found in find_allergens(parts)]
    names += [found.value.name for found in find_exact(parts)]
    return tuple(dict.fromkeys(names))


def conflict(drug: Medication, allergen: str) -> Conflict | None:
    """Whether an allergy to `allergen` (a name of `allergens_in`) speaks against `drug`."""
    if drug.name == allergen or drug.name.split("-")[0] == allergen:
        return Conflict("high", f"{drug.name} is what the allergy names")
    classes = _classes(allergen)
    shared = sorted(classes & set(drug.classes) & _allergy_classes())
    if shared:
        label = _class_label(shared[0])
        return Conflict("high", f"{drug.name} belongs to the same class ({label})")
    return _cross_reaction(drug, classes)


def _classes(allergen: str) -> set[str]:
    for entry in dataset("allergens")["allergens"]:
        if entry["name"] == allergen:
            return {entry["class"]} if "class" in entry else set()
    known = medication(allergen)
    return set(known.classes) if known else set()


@cache
def _allergy_classes() -> frozenset[str]:
    return frozenset(e["class"] for e in dataset("allergens")["allergens"] if "class" in e)


def _class_label(drug_class: str) -> str:
    for entry in dataset("allergens")["allergens"]:
        if entry.get("class") == drug_class:
            return str(entry["phrases"][-1] if entry["name"] == drug_class else entry["name"])
    return drug_class


def _cross_reaction(drug: Medication, allergy_classes: set[str]) -> Conflict | None:
    for rule in dataset("allergens")["cross_reactivity"]:
        if rule["allergy"] in allergy_classes and (
            drug.name in rule.get("drugs", ()) or set(rule.get("classes", ())) & set(drug.classes)
        ):
            return Conflict(
                rule["severity"],
                f"{drug.name} {rule['reason']}" if "drugs" in rule else rule["reason"],
            )
    return None
