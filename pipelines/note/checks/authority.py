"""What is planned and thought must be the doctor's: patients and machines prescribe nothing."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.note.checks.model import Claim, Objection
from pipelines.note.sections import ASSESSMENT, PLAN
from pipelines.ports import Role
from terminology.context_cues import find_cues
from terminology.medications import find_exact
from terminology.plain_words import is_of_patients


def objections(claim: Claim) -> Iterator[Objection]:
    """Plans and assessments that rest on the patient alone; left out where they prescribe."""
    if claim.section not in (ASSESSMENT, PLAN):
        return
    if all(segment.role is Role.PATIENT for segment in claim.named):
        yield Objection("only the patient said so", severe=_prescribes(claim))


def _prescribes(claim: Claim) -> bool:
    own = any(is_of_patients(word.text) for word in claim.words)
    off = find_cues(claim.words, "stopped", "refused", "negation", "allergy")
    return claim.section is PLAN and bool(find_exact(claim.words)) and not own and not off
