"""Builds data/common_passwords.txt.gz from a text file of passwords, one a line."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

_SHORTEST = 4


def build(words: list[str]) -> bytes:
    """The compressed list: lower case, sorted, without the shortest. Same words, same bytes."""
    kept = sorted({word.strip().lower() for word in words if len(word.strip()) >= _SHORTEST})
    return gzip.compress("\n".join(kept).encode(), 9, mtime=0)


if __name__ == "__main__":
    target = Path(__file__).parent / "data" / "common_passwords.txt.gz"
    target.write_bytes(build(Path(sys.argv[1]).read_text("utf-8").splitlines()))
