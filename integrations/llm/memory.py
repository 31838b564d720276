"""What the model answered lately, by the very words it was asked about; in memory only.

A key is a digest of everything said up to a place, so nothing of one visit can be found by
another. A full part is thus drafted once, and the part still growing knows its earlier draft.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256

from integrations.llm.structured_output import Proposal
from pipelines.ports import Chart, Segment

Key = tuple[int, bytes]
_MOST = 256


def digests(segments: Sequence[Segment], chart: Chart, drafter: str) -> list[bytes]:
    """For each count of segments from 0 on, a digest of these, the chart and the drafter."""
    digest = sha256(json.dumps([drafter, asdict(chart)], sort_keys=True).encode()).digest()
    found = [digest]
    for segment in segments:
        content = json.dumps([segment.id, segment.role, segment.start, segment.text])
        digest = sha256(digest + content.encode()).digest()
        found.append(digest)
    return found


class Memory:
    """Answers by key, the oldest forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, Proposal] = OrderedDict()

    def find(self, first: int, digest: bytes) -> Proposal | None:
        """The answer for the part that begins at `first` and ends where `digest` does."""
        return self._known.get((first, digest))

    def keep(self, first: int, digest: bytes, proposal: Proposal) -> None:
        """Remember an answer."""
        self._known[first, digest] = proposal
        self._known.move_to_end((first, digest))
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    def earlier(self, first: int, last: int, known: Sequence[bytes]) -> Proposal | None:
        """The newest answer for a shorter part that begins at `first`."""
        for end in range(last - 1, first, -1):
            found = self.find(first, known[end])
            if found is not None:
                return found
        return None
