"""Compiles the profiles and extensions of R4 and of US Core into `data/profiles.json.gz`.

Usage: python -m fhir_server.definitions.build_profiles <folder of the unpacked package>...
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fhir_server.definitions.profile_compiler import compiled

_FILE = Path(__file__).parent / "data" / "profiles.json.gz"


def main(packages: Iterable[Path]) -> None:
    """Read the StructureDefinitions of profiles in the folders and write the data file."""
    profiles = {one["url"]: compiled(one) for package in packages for one in _profiles(package)}
    text = json.dumps(dict(sorted(profiles.items())), separators=(",", ":"))
    # mtime 0: the same input gives the same file.
    _FILE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _profiles(package: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(package.glob("StructureDefinition-*.json")):
        definition = json.loads(path.read_text("utf-8"))
        # R4's two examples of a profile come without a snapshot.
        if definition.get("derivation") == "constraint" and "snapshot" in definition:
            yield definition


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
