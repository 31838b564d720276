"""Trying whether a value fits, without telling what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

from fhir_server.fhirpath import Node, Scope
from fhir_server.validation.profiles.plan import ElementPlan

Trial = Callable[[ElementPlan, Node, Scope], bool]
"""Says whether a value breaks nothing of a plan."""
