"""What a message asks for beyond what it says: merges, moves, replacements, snapshots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from integrations.hl7v2.mapping.actions import (
    Action,
    ChangeIdentifier,
    Merge,
    Move,
    Replace,
    SnapshotAllergies,
)
from integrations.hl7v2.writing import allergies, merge, moving, replacing
from integrations.hl7v2.writing.drafting import Drafting
from integrations.hl7v2.writing.outcome import Written


@dataclass
class Acted:
    """What the actions wrote, and what is left to do."""

    written: list[Written] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()


async def carry_out(work: Drafting, actions: Iterable[Action], drafts: Iterable[Written]) -> Acted:
    """All actions in order. Cancelling and discharging are done with the drafts."""
    acted, pending, drafts = Acted(), list[str](), list(drafts)
    for one in drafts:
        acted.written += await replacing.arrived(work, one)
    for action in actions:
        match action:
            case Merge():
                done, rest = await merge.merge(work, action)
                acted.written += done
                pending += rest
            case ChangeIdentifier():
                done, rest = await merge.joined(work, action)
                acted.written += done
                pending += rest
            case Move():
                done, rest = await moving.move(work, action)
                acted.written += done
                pending += rest
            case Replace():
                acted.written += await replacing.replace(work, action)
            case SnapshotAllergies():
                acted.written += await allergies.only_these(work, action)
            case _:
                continue
    if work.conversion.trigger in ("A24", "A37") and work.conversion.family == "ADT":
        acted.written += await merge.link(work, together=work.conversion.trigger == "A24")
    acted.written += await allergies.arrived(work, drafts)
    acted.pending = tuple(pending)
    return acted
