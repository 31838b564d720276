"""What became of each draft."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What writing a draft did to its resource."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"  # it says what is stored already, or something older
    MOVED = "moved"  # its references follow a merge


@dataclass(frozen=True, slots=True)
class Written:
    """One resource. `key` is that of its draft, empty for what came with the actions."""

    key: str
    reference: str
    version: int
    effect: Effect
    patient: str | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """All of a message. `notes` are for its report; they hold no value of the message.

    `pending` are merges whose references are too many for one transaction: `Repointing` goes on.
    """

    written: tuple[Written, ...]
    notes: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()

    def of(self, key: str) -> Written | None:
        """What became of the draft `key`."""
        return next((one for one in self.written if one.key == key), None)

    def changed(self, type: str = "") -> tuple[Written, ...]:
        """What has a new version, of one type or all."""
        return tuple(
            one
            for one in self.written
            if one.effect is not Effect.UNCHANGED
            and one.reference.startswith(f"{type}/" if type else "")
        )
