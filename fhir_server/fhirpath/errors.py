"""What can go wrong with a FHIRPath expression: in its text, and in its evaluation."""

from __future__ import annotations

from fhir_server.errors import InvalidParameter, InvalidResource


class InvalidExpression(InvalidParameter, ValueError):
    """The text is no FHIRPath. `position` counts its characters from 0."""

    def __init__(self, problem: str, position: int) -> None:
        """`problem` is a sentence without its full stop; it quotes nothing of the text."""
        super().__init__(f"{problem} (at character {position} of the expression).")
        self.position = position


class EvaluationError(InvalidResource, ValueError):
    """The expression does not fit what it was evaluated on: two items where one must stand, say."""

    code = "processing"
