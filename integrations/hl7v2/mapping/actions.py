"""What a message asks to be done to things that exist, beyond what it says of them.

Every `key` names a draft of the same conversion: the thing meant is the one with that draft's
identities. A draft that is named by an action is still an ordinary draft, to be written by its
policy; an action is carried out after the drafts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cancelled(StrEnum):
    """What is taken back (chapter 3, the events that begin with "cancel")."""

    ADMIT = "admit"  # A11: the encounter never took place
    TRANSFER = "transfer"  # A12: back to the location before
    DISCHARGE = "discharge"  # A13: the encounter goes on
    PENDING_ADMIT = "pending-admit"  # A27
    PENDING_TRANSFER = "pending-transfer"  # A26
    PENDING_DISCHARGE = "pending-discharge"  # A25
    PRE_ADMIT = "pre-admit"  # A38
    PERSON = "person"  # A23, A29: the visit or person record is deleted
    ORDER = "order"  # ORC-1 CA, OC, CR, DC, DR, OD
    APPOINTMENT = "appointment"  # S15, S17
    DOCUMENT = "document"  # T11
    RESULT = "result"  # OBX-11 D, W, X; OBR-25 X
    PROBLEM = "problem"  # PC3
    REFERRAL = "referral"  # I14


@dataclass(frozen=True, slots=True)
class Merge:
    """`retired` was the same thing as `survivor` (A34, A40, A41, A18, A30, A35, A36, A39).

    Both keys name drafts of one type: Patient, Account or Encounter.
    """

    survivor: str
    retired: str


@dataclass(frozen=True, slots=True)
class Move:
    """What belonged to `source` belongs to `target` (A43, A44, A45: a visit or account moves).

    `key` names the draft that moves: an Account or an Encounter; None means all of them.
    """

    key: str | None
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class ChangeIdentifier:
    """A patient's, account's or visit's identifier is replaced (A46 to A51).

    `key` has the new identities; `former` is a draft that has the old ones.
    """

    key: str
    former: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """The event that made or changed `key` did not happen."""

    key: str
    what: Cancelled


@dataclass(frozen=True, slots=True)
class Discharge:
    """The encounter `key` has ended (A03); its draft has the end and the status."""

    key: str


@dataclass(frozen=True, slots=True)
class Replace:
    """`key` replaces the document `replaced` (T09, T10) or adds to it (T05, T06).

    `relation` is a code of `document-relationship-type`: replaces or appends. `replaced` has the
    identities of TXA-13, the parent document.
    """

    key: str
    replaced: str
    relation: str


@dataclass(frozen=True, slots=True)
class SnapshotAllergies:
    """The message lists all allergies of `patient` (A60 without action codes).

    `keys` are the drafts of those that it lists.
    """

    patient: str
    keys: tuple[str, ...]


Action = Merge | Move | ChangeIdentifier | Cancel | Discharge | Replace | SnapshotAllergies
