"""From the service's seconds to those of the consultation.

The service counts the audio of its stream, and some of that is silence put in to keep it open.
"""

from __future__ import annotations


class TimeLine:
    """The seconds of one stream whose first sample lies at `offset`."""

    def __init__(self, offset: float) -> None:
        self._offset = offset
        self._silences: list[tuple[float, float]] = []

    def silence(self, at: float, seconds: float) -> None:
        """Remember silence put in at second `at` of the stream, after all earlier silences."""
        if self._silences:
            start, length = self._silences[-1]
            if abs(start + length - at) < 1e-6:
                self._silences[-1] = (start, length + seconds)
                return
        self._silences.append((at, seconds))

    def time(self, second: float) -> float:
        """The second of the consultation; inside put in silence it stands still."""
        silent = sum(
            min(length, second - start) for start, length in self._silences if second > start
        )
        return round(self._offset + second - silent, 3)
