"""Outside test data, when a copy lies beside the checkout. Tests pass without it."""

from __future__ import annotations

from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(path: str) -> Path:
    """The file or folder `path` of the outside data; skips the test where it is absent."""
    found = _ROOT / path
    if not found.exists():
        pytest.skip(f"outside data {path} is not here")
    return found
