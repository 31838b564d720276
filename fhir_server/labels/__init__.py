"""Security labels: their order, and the rules that put them on resources."""

from fhir_server.labels.labelling import labelled
from fhir_server.labels.lattice import (
    ACT_CODE,
    CONFIDENTIALITY,
    Label,
    high_water_mark,
    labels_in,
    rank,
    sensitivity_codes,
)

__all__ = [
    "ACT_CODE",
    "CONFIDENTIALITY",
    "Label",
    "high_water_mark",
    "labelled",
    "labels_in",
    "rank",
    "sensitivity_codes",
]
