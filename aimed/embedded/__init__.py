"""The whole stack as supervised subprocesses on one machine. docs/decisions/0003."""

from aimed.embedded.errors import StackError
from aimed.embedded.stack import Stack

__all__ = ["Stack", "StackError"]
