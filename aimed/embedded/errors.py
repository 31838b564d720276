"""What can go wrong with the stack, in sentences for a terminal."""

from __future__ import annotations


class StackError(Exception):
    """The stack cannot start or go on. The text is one sentence that says what to do."""
