"""Acknowledgements: when one is due, what it says, and reading those of others."""

from integrations.hl7v2.acknowledgement.building import acknowledge
from integrations.hl7v2.acknowledgement.control_id import recover_control_id
from integrations.hl7v2.acknowledgement.expectation import Expectation, Mode, expected, wants
from integrations.hl7v2.acknowledgement.problem import Location, Problem, problem_of
from integrations.hl7v2.acknowledgement.reading import Acknowledgement, read_acknowledgement
from integrations.hl7v2.acknowledgement.return_path import ReturnPath

__all__ = [
    "Acknowledgement",
    "Expectation",
    "Location",
    "Mode",
    "Problem",
    "ReturnPath",
    "acknowledge",
    "expected",
    "problem_of",
    "read_acknowledgement",
    "recover_control_id",
    "wants",
]
