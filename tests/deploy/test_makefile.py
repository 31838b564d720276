"""What every command of the Makefile runs in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_programs_keep_their_bytecode() -> None:
    seen = subprocess.run(
        ["make", "--silent", "--eval", "seen:; @echo $${PYTHONDONTWRITEBYTECODE-unset}", "seen"],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout.strip() == "unset"
