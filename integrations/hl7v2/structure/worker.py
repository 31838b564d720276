"""The process that checks: requests on standard input, answers on standard output.

The first byte that it writes says that it is ready. A request is the lengths of a codec's name and
of a message, then both; an answer is a length and JSON. The arguments are the seconds that a
message may take and the MiB that the process may use.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import struct
import sys
from typing import IO, Any

from integrations.hl7v2.structure.checking import check

REQUEST = struct.Struct(">II")
ANSWER = struct.Struct(">I")
READY = b"\x06"
_GRACE_SECONDS = 5.0
"""Who asked ends this process in time; this is for when who asked is no more."""


def main(seconds: float, mebibytes: int) -> None:
    """Answer until the input ends."""
    size = mebibytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    # What a library may print must not come between the answers.
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        out.write(READY)
        out.flush()
        while header := sys.stdin.buffer.read(REQUEST.size):
            name, length = REQUEST.unpack(header)
            fallback = sys.stdin.buffer.read(name).decode("ascii")
            raw = sys.stdin.buffer.read(length)
            signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE_SECONDS)
            _answer(out, _checked(raw, fallback))
            signal.setitimer(signal.ITIMER_REAL, 0)


def _checked(raw: bytes, fallback: str) -> dict[str, Any]:
    try:
        return check(raw, fallback).document()
    except Exception as error:
        # Its words may quote the message.
        return {"fault": type(error).__name__}


def _answer(out: IO[bytes], document: dict[str, Any]) -> None:
    content = json.dumps(document).encode()
    out.write(ANSWER.pack(len(content)) + content)
    out.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
