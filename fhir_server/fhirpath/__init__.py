"""FHIRPath, compiled: http://hl7.org/fhirpath/N1/ with http://hl7.org/fhir/R4/fhirpath.html.

expression = compile_expression("name.where(use = 'official').given.first()")
expression(root(patient))       # the nodes that it selects, each with type, value, location
expression.true(root(patient))  # whether it is true
"""

from fhir_server.fhirpath.errors import EvaluationError, InvalidExpression
from fhir_server.fhirpath.expression import Expression, compile_expression
from fhir_server.fhirpath.node import Node, root
from fhir_server.fhirpath.scope import Scope

__all__ = [
    "EvaluationError",
    "Expression",
    "InvalidExpression",
    "Node",
    "Scope",
    "compile_expression",
    "root",
]
