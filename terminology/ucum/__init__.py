"""UCUM unit codes: are they units, and what is a quantity in canonical units.

FHIR R4 (http://hl7.org/fhir/R4/search.html#quantity) lets a server compare 5.4 mg with 0.0054 g by
their canonical units. Canonical here are the seven base units of UCUM and its arbitrary units, so
that a mole is the number it stands for. Source: The Unified Code for Units of Measure, version 2.2,
ucum.org; the table is `data/ucum-essence.xml`.
"""

from terminology.ucum.conversion import canonical, valid
from terminology.ucum.grammar import SYSTEM

__all__ = ["SYSTEM", "canonical", "valid"]
