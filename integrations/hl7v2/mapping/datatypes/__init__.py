"""Data types: how a v2 value becomes a FHIR one, by the data type tables of the guide.

Each module registers its converters; `registry.converter` finds one by the v2 type of a row and the
FHIR type of its target.
"""
