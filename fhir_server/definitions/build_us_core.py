"""Compiles the profiles and extensions of US Core into `data/us_core.json.gz`.

Usage: python -m fhir_server.definitions.build_us_core <folder of the unpacked hl7.fhir.us.core>
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

from fhir_server.definitions.profile_compiler import compiled

_FILE = Path(__file__).parent / "data" / "us_core.json.gz"


def main(package: Path) -> None:
    """Read the StructureDefinitions in the folder `package` and write the data file."""
    read = (json.loads(path.read_text()) for path in package.glob("StructureDefinition-*.json"))
    profiles = {one["url"]: compiled(one) for one in read}
    text = json.dumps(dict(sorted(profiles.items())), separators=(",", ":"))
    # mtime 0: the same input gives the same file.
    _FILE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
